import type { TerminalInfo } from '../../core/api/terminals.ts';
import { useApp } from '../app.ts';
import type { App } from '../app.ts';
import { Button, toastError } from '../components/mod.ts';
import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { t } from '../i18n/all.ts';
import { go, path } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { openTerminal } from './commands.ts';
import type { TerminalSession } from './session.ts';

interface NotesProps {
  session: TerminalSession;
  info: TerminalInfo;
}

/** What the user should know, one thing at a time: the end, no connection, another size. */
export function Notes({ session, info }: NotesProps) {
  const phase = useSignalValue(session.connection.phase);
  const exit = useSignalValue(session.exit);
  const isWatching = useSignalValue(session.watching);
  if (phase === 'gone') return html`<${Note} tone="warn">${t.terminal.goneText}<//>`;
  if (exit) return html`<${Ended} exit=${exit} info=${info} />`;
  if (phase === 'waiting') return html`<${Offline} session=${session} />`;
  if (isWatching) return html`<${Watching} session=${session} />`;
  return phase === 'up' && html`<${Smaller} session=${session} info=${info} />`;
}

function Ended({ exit, info }: { exit: { code: number; signal: number }; info: TerminalInfo }) {
  const app = useApp();
  const restart = () => void startAgain(app, info).catch(toastError);
  return html`
    <${Note} action=${html`<${Button} onClick=${restart}>${t.terminal.again}<//>`}>
      ${t.terminal.ended(exit.code, exit.signal)}
    <//>
  `;
}

function Offline({ session }: { session: TerminalSession }) {
  const unsent = useSignalValue(session.connection.unsent);
  return html`<${Note} tone="warn">${t.terminal.offline} ${unsent > 0 && t.terminal.unsent(unsent)}<//>`;
}

function Watching({ session }: { session: TerminalSession }) {
  const { cols, rows } = useSignalValue(session.size);
  const stop = () => session.watch(false);
  return html`
    <${Note} action=${html`<${Button} onClick=${stop}>${t.terminal.takeSize}<//>`}>
      ${t.terminal.watching(`${cols} × ${rows}`)}
    <//>
  `;
}

/** Another viewer's screen is smaller than this one. */
function Smaller({ session, info }: NotesProps) {
  const { cols, rows } = useSignalValue(session.size);
  const fitting = useSignalValue(session.fitting);
  const isSmaller = cols < fitting.cols || rows < fitting.rows;
  return isSmaller && info.viewers > 1 && html`<${Note}>${t.terminal.smaller(`${cols} × ${rows}`)}<//>`;
}

interface NoteProps {
  tone?: string;
  action?: ComponentChildren;
  children?: ComponentChildren;
}

function Note({ tone = '', action, children }: NoteProps) {
  return html`
    <div class=${`terminal-note ${tone}`} role="status">
      <span>${children}</span>
      ${action}
    </div>
  `;
}

/** The same program in the same directory; the ended one is removed. */
async function startAgain(app: App, info: TerminalInfo): Promise<void> {
  const { agentId, directory, name, command } = info;
  const result = await openTerminal(app, { agentId: agentId ?? undefined, directory, name, command: command as never });
  await app.api.delete(path`/api/terminals/${info.id}`);
  go(path`/terminals/${result.id}`, true);
}

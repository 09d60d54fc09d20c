import type { TerminalInfo } from '../../core/api/terminals.ts';
import { useApp } from '../app.ts';
import { confirm, Icon, IconButton, Pill, TimeAgo, toastError } from '../components/mod.ts';
import { shortPath } from '../format.ts';
import { html } from '../html.ts';
import { t } from '../i18n/all.ts';
import { href, path } from '../route.ts';

/** Open terminals, newest activity first. */
export function TerminalList({ terminals }: { terminals: readonly TerminalInfo[] }) {
  const sorted = [...terminals].sort((a, b) => b.activeAt - a.activeAt);
  return html`
    <ul class="terminal-list">
      ${sorted.map((entry) => html`<${Row} key=${entry.id} terminal=${entry} />`)}
    </ul>
  `;
}

function Row({ terminal }: { terminal: TerminalInfo }) {
  const { api } = useApp();
  const { id, name, directory, command, exited, activeAt } = terminal;
  const program = t.terminal.programs[command as keyof typeof t.terminal.programs] ?? command;
  async function end(): Promise<void> {
    const { endTitle, endText: text, end: action } = t.terminal;
    const isSure = exited || await confirm({ title: endTitle(name), text, action, tone: 'danger' });
    if (isSure) await api.delete(path`/api/terminals/${id}`);
  }
  return html`
    <li class="terminal-row">
      <a href=${href(path`/terminals/${id}`)}>
        <${Icon} name="terminal" />
        <span class="terminal-row-text">
          <strong class="ellipsis">${name}</strong>
          <span class="hint ellipsis">${program} · ${shortPath(directory)}</span>
        </span>
        <span class="terminal-row-state">
          <${State} terminal=${terminal} />
          <span class="hint"><${TimeAgo} at=${activeAt} /></span>
        </span>
      </a>
      <${IconButton}
        icon="trash"
        label=${`${exited ? t.terminal.remove : t.terminal.end}: ${name}`}
        onClick=${() => void end().catch(toastError)}
      />
    </li>
  `;
}

function State({ terminal: { cols, rows, viewers, exited } }: { terminal: TerminalInfo }) {
  if (exited) {
    return html`<${Pill} tone=${exited.code ? 'warn' : 'neutral'}>${t.terminal.status.ended(exited.code)}<//>`;
  }
  return html`<span class="hint">${cols} × ${rows}${viewers > 0 && ` · ${t.terminal.viewers(viewers)}`}</span>`;
}

import { html } from '../html.ts';
import type { TerminalInfo } from '../../core/wire/types.ts';
import { confirm, Icon, IconButton, Pill, TimeAgo, toastError } from '../components/mod.ts';
import { shortPath } from '../format.ts';
import { tt } from '../i18n/en-terminal.ts';
import { href, path } from '../route.ts';
import { api } from '../services.ts';

/** Open terminals, newest activity first. */
export function TerminalList({ terminals }: { terminals: readonly TerminalInfo[] }) {
  const sorted = [...terminals].sort((a, b) => b.activeAt - a.activeAt);
  return html`<ul class="terminal-list">${sorted.map((one) => html`<${Row} key=${one.id} terminal=${one} />`)}</ul>`;
}

function Row({ terminal }: { terminal: TerminalInfo }) {
  const { id, name, directory, command, cols, rows, viewers, exited, activeAt } = terminal;
  const program = tt.programs[command as keyof typeof tt.programs] ?? command;
  const end = async () => {
    const question = { title: tt.endTitle(name), text: tt.endText, action: tt.end, tone: 'danger' as const };
    if (exited || await confirm(question)) await api.delete(path`/api/terminals/${id}`);
  };
  return html`
    <li class="terminal-row">
      <a href=${href(path`/terminals/${id}`)}>
        <${Icon} name="terminal" />
        <span class="terminal-row-text"><strong class="ellipsis">${name}</strong>
            <span class="hint ellipsis">${program} · ${shortPath(directory)}</span></span>
        <span class="terminal-row-state">${exited
          ? html`<${Pill} tone=${exited.code ? 'warn' : 'neutral'}>${tt.status.ended(exited.code)}<//>`
          : html`<span class="hint">${cols} × ${rows}${
            viewers > 0 && ` · ${tt.viewers(viewers)}`
          }</span>`}<span class="hint"><${TimeAgo} at=${activeAt} /></span></span>
      </a>
      <${IconButton} icon="trash" label=${`${exited ? tt.remove : tt.end}: ${name}`} onClick=${() =>
        void end().catch(toastError)} />
    </li>
  `;
}

import { html, useState } from '../html.ts';
import type { VNode } from '../html.ts';
import type { ToolMessage } from '../../core/api/messages.ts';
import { Icon, now, Spinner } from '../components/mod.ts';
import { took } from '../format.ts';
import { t } from '../i18n/all.ts';
import { useSignalValue } from '../state/signal.ts';
import type { Row, Run } from './group-messages.ts';
import { Pictures } from './pictures.ts';
import { countKinds } from './tool-kinds.ts';
import { LineCounts } from './tool-row.ts';
import { waitedFor } from './waiting-time.ts';

/** Pictures of a closed line: the newest. */
const MAX_FOLDED = 8;

interface Props {
  run: Run;
  renderRow: (row: Row) => VNode;
}

/** Tools one after another as one line, `Read 12 files, ran 9 commands · 41 s`; what runs or waits now stands below it. */
export function RunRow({ run: { rows }, renderRow }: Props) {
  const [open, setOpen] = useState(false);
  const shown = open ? rows : rows.filter(isUnderWay);
  const folded = rows.filter(isTool).filter((row) => !shown.includes(row));
  const pictures = folded.flatMap(({ message }) => message.result?.pictures ?? []).slice(-MAX_FOLDED);
  return html`
    <div class=${`tool-run ${open ? 'open' : ''}`}>
      <${RunHead} rows=${rows} open=${open} onToggle=${() => setOpen(!open)} />
      <${Pictures} pictures=${pictures} />
      ${shown.length > 0 && html`<div class="tool-run-rows">${shown.map(renderRow)}</div>`}
    </div>
  `;
}

const isUnderWay = ({ message }: Row): boolean => message.kind === 'tool' && message.status === 'running';
const isTool = (row: Row): row is Row & { message: ToolMessage } => row.message.kind === 'tool';

function RunHead({ rows, open, onToggle }: { rows: readonly Row[]; open: boolean; onToggle: () => void }) {
  const tools = rows.filter(isTool).map(({ message }) => message);
  const running = rows.some(isUnderWay);
  const count = (status: ToolMessage['status']) => tools.filter((tool) => tool.status === status).length;
  const [failed, denied] = [count('error'), count('denied')];
  const icon = failed || denied ? 'warning' : 'check';
  return html`
    <button type="button" class="tool-head" aria-expanded=${open} onClick=${onToggle}>
      <span class="tool-icon">
        ${running ? html`<${Spinner} />` : html`<${Icon} name=${icon} size=${16} />`}
      </span>
      <span class="tool-sum">
        ${t.tool.summary(countKinds(tools).map(({ kind, count }) => t.tool.did[kind](count)))}
        <span class="faint"> · <${RunTime} rows=${rows} running=${running} /></span>
        ${failed > 0 && html`<span class="bad"> · ${t.tool.failed(failed)}</span>`}
        ${denied > 0 && html`<span class="bad"> · ${t.tool.denials(denied)}</span>`}
      </span>
      <${LineCounts} messages=${tools} />
      <${Icon} name="chevron" size=${16} />
    </button>
  `;
}

/** From the first to the last, without the time that it waited for a person. */
function RunTime({ rows, running }: { rows: readonly Row[]; running: boolean }) {
  const time = useSignalValue(now, (time) => (running ? time : 0));
  const requests = rows.map(({ request }) => request).filter((request) => request !== null);
  const ends = rows.filter(isTool).map(({ message }) => message.endedAt ?? message.at);
  const ms = (time || Math.max(...ends)) - rows[0]!.message.at - waitedFor(requests);
  return html`${took(Math.max(0, ms))}`;
}

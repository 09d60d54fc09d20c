import { html, useState } from '../html.ts';
import type { VNode } from '../html.ts';
import type { RequestMessage, ToolMessage } from '../../core/api/messages.ts';
import { Diffs, Icon, Spinner } from '../components/mod.ts';
import { countLines } from '../components/diff.ts';
import { plain, took } from '../format.ts';
import { t } from '../i18n/all.ts';
import { outcomeOf } from './answers.ts';
import { DecidedBy } from './decided-request.ts';
import { useRelativePath } from './agent-context.ts';
import type { Row } from './group-messages.ts';
import { ToolFile } from './file-link.ts';
import { LongText } from './long-text.ts';
import { Pictures } from './pictures.ts';
import { kindOf, toolName } from './tool-kinds.ts';
import { workedFor } from './waiting-time.ts';

/** Lines of live output below a running tool. */
const TAIL_LINES = 6;
const STATUS_ICON = { running: 'play', done: 'check', error: 'error', denied: 'hand', cancelled: 'cross' } as const;

interface ToolRowProps {
  row: Row & { message: ToolMessage };
  renderRow: (row: Row) => VNode;
}

/** One use of a tool: a line that opens to its input, result and changes; a subagent's own messages below it. */
export function ToolRow({ row, renderRow }: ToolRowProps) {
  const { message, children, asks, request } = row;
  const { status, output } = message;
  const waiting = asks && status === 'running';
  const running = status === 'running' && !waiting;
  const [open, setOpen] = useState(false);
  const toggle = () => setOpen(!open);
  return html`
    <div class=${`tool-box ${status} ${open ? 'open' : ''}`}>
      <${ToolHead} row=${row} waiting=${waiting} running=${running} open=${open} onToggle=${toggle} />
      ${open && html`<${ToolBody} message=${message} request=${request} />`}
      <${Pictures} pictures=${message.result?.pictures ?? []} />
      ${!open && running && output && html`<${Tail} output=${output} />`}
      ${children.length > 0 && html`<${Subagent} rows=${children} running=${running} renderRow=${renderRow} />`}
    </div>
  `;
}

interface HeadProps {
  row: ToolRowProps['row'];
  waiting: boolean;
  running: boolean;
  open: boolean;
  onToggle: () => void;
}

function ToolHead({ row: { message, request }, waiting, running, open, onToggle }: HeadProps) {
  const { status } = message;
  const relative = useRelativePath();
  const icon = waiting ? 'hand' : STATUS_ICON[status];
  const statusClass = status === 'done' || running ? 'sr-only' : 'tool-status';
  return html`
    <button type="button" class="tool-head" aria-expanded=${open} onClick=${onToggle}>
      <span class="tool-icon">
        ${running ? html`<${Spinner} />` : html`<${Icon} name=${icon} size=${16} />`}
      </span>
      <span class="tool-name">${verbOf(message, waiting)}</span>
      <span class=${`tool-title ${isPath(message) ? 'path' : ''}`}><bdi>${relative(plain(message.title))}</bdi></span>
      <${LineCounts} messages=${[message]} />
      ${request && status !== 'denied' && html`<${Decision} request=${request} />`}
      <span class=${statusClass}>${waiting ? t.tool.waiting : t.tool[status]}</span>
      <${Icon} name="chevron" size=${16} />
    </button>
  `;
}

/** What was decided about it. A phone has room for a sign only. */
function Decision({ request }: { request: RequestMessage }) {
  const { text } = outcomeOf(request);
  return html`
    <span class="tool-decision" title=${text}>
      <${Icon} name="hand" size=${14} />
      <span>${text}</span>
    </span>
  `;
}

/** What it does, did or was to do; of a tool that is not known here, its name. */
function verbOf(message: ToolMessage, waiting: boolean): string {
  const kind = kindOf(message);
  if (kind === 'other') return toolName(message.tool);
  const [plan, doing, did] = t.tool.verbs[kind];
  if (message.status === 'running') return waiting ? plan : doing;
  return message.status === 'done' || message.status === 'error' ? did : plan;
}

/** Of a path the end says more than the beginning. */
const isPath = ({ title, input }: ToolMessage): boolean => title.startsWith('/') && input?.command === undefined;

/** The lines that these tools added and removed, together. */
export function LineCounts({ messages }: { messages: readonly ToolMessage[] }) {
  const counts = messages.flatMap(({ result }) => result?.diffs?.map(countLines) ?? []);
  if (!counts.length) return null;
  const sum = (of: 'added' | 'removed') => counts.reduce((total, count) => total + count[of], 0);
  return html`
    <span class="tool-count">
      <span class="added">+${sum('added')}</span>${' '}
      <span class="removed">−${sum('removed')}</span>
    </span>
  `;
}

function Tail({ output }: { output: string }) {
  const lines = plain(output).trimEnd().split('\n').slice(-TAIL_LINES);
  return html`<pre class="tool-tail" aria-label=${t.tool.output}>${lines.join('\n')}</pre>`;
}

function ToolBody({ message, request }: { message: ToolMessage; request: RequestMessage | null }) {
  const { result, status, input } = message;
  const file = input?.file_path ?? input?.notebook_path ?? (input?.command === undefined ? input?.path : undefined);
  const diffs = result?.diffs ?? [];
  const text = plain(result?.text || message.output);
  const isSilent = !text && status !== 'running' && !diffs.length && !result?.pictures?.length;
  return html`
    <div class="tool-body">
      ${typeof file === 'string' && html`<${ToolFile} path=${file} />`}
      ${!diffs.length && html`<${ToolInput} message=${message} />`}
      ${diffs.length > 0 && html`<${ToolDiffs} diffs=${diffs} />`}
      ${text && !diffs.length && html`<${LongText} label=${t.tool.output} text=${text} />`}
      ${isSilent && html`<p class="hint">${t.tool.noOutput}</p>`}
      ${request && html`<${DecisionLine} request=${request} />`}
      <p class="hint">${facts(message, request)}</p>
    </div>
  `;
}

function ToolDiffs({ diffs }: { diffs: NonNullable<NonNullable<ToolMessage['result']>['diffs']> }) {
  const relative = useRelativePath();
  return html`<${Diffs} diffs=${diffs.map((diff) => ({ ...diff, path: relative(diff.path) }))} />`;
}

/** What was decided, in whose words, by whom and when. */
function DecisionLine({ request }: { request: RequestMessage }) {
  const { decision } = request;
  return html`
    <div class="hint">
      ${outcomeOf(request).text}
      ${decision?.message && html`<div class="soft">“${decision.message}”</div>`}
      ${decision && html`<${DecidedBy} message=${request} />`}
    </div>
  `;
}

function facts({ at, endedAt, result }: ToolMessage, request: RequestMessage | null): string {
  const parts = [
    result?.exitCode !== undefined ? t.tool.exit(result.exitCode) : '',
    result?.truncated ? t.tool.truncated : '',
    endedAt ? took(workedFor(endedAt - at, request ? [request] : [])) : '',
  ];
  return parts.filter(Boolean).join(' · ');
}

/** Fields that hold what a tool is told in words. */
const WORDS = ['command', 'prompt'] as const;

/** A command or a prompt as such, everything else as JSON. */
function ToolInput({ message: { input, inputText } }: { message: ToolMessage }) {
  const field = WORDS.find((name) => typeof input?.[name] === 'string');
  if (field) {
    return html`<${LongText} label=${field === 'command' ? t.request.command : t.tool.prompt} text=${
      String(input![field])
    } />`;
  }
  const text = input ? JSON.stringify(input, null, 2) : inputText;
  return text && html`<${LongText} label=${t.tool.input} text=${text} />`;
}

/** What a subagent did: its last step while it runs, everything when opened. */
function Subagent(props: { rows: readonly Row[]; running: boolean; renderRow: (row: Row) => VNode }) {
  const { rows, running, renderRow } = props;
  const [open, setOpen] = useState(false);
  const shown = open ? rows : running ? rows.slice(-1) : [];
  return html`
    <div class="subagent">
      <button type="button" class="fold" aria-expanded=${open} onClick=${() => setOpen(!open)}>
        <${Icon} name="agents" size=${16} />
        <span>${t.tool.steps(rows.length)}</span>
        <${Icon} name="chevron" size=${14} />
      </button>
      ${shown.map(renderRow)}
    </div>
  `;
}

import { html, useState } from '../html.ts';
import type { ToolMessage } from '../../core/wire/types.ts';
import { Diffs, Icon, Spinner } from '../components/mod.ts';
import { countLines } from '../components/diff.ts';
import { plain, took } from '../format.ts';
import { t } from '../i18n/en.ts';
import type { Row } from './arrange.ts';
import { CopyButton } from './copy.ts';
import { RowView } from './rows.ts';

/** Lines of live output below a running tool. */
const TAIL_LINES = 6;
/** Characters of a result shown before "show more". */
const SHOWN_CHARS = 4000;
const STATUS_ICON = { running: 'play', done: 'check', error: 'error', denied: 'hand', cancelled: 'cross' } as const;

/** One use of a tool: a line that opens to its input, result and changes; a subagent's own messages below it. */
export function ToolRow(
  { message, children, asks }: { message: ToolMessage; children: readonly Row[]; asks: boolean },
) {
  const waiting = asks && message.status === 'running';
  const running = message.status === 'running' && !waiting;
  const [opened, setOpen] = useState<boolean | null>(null);
  const open = opened ?? false;
  const changed = message.result?.diffs?.map(countLines);
  return html`<div class=${`tool-box ${message.status} ${open ? 'open' : ''}`}>
    <button type="button" class="tool-head" aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <span class="tool-icon">${
    running ? html`<${Spinner} />` : html`<${Icon} name=${waiting ? 'hand' : STATUS_ICON[message.status]} size=${16} />`
  }</span>
      <span class="tool-name">${message.tool}</span>
      <span class=${`tool-title ${isPath(message) ? 'path' : ''}`}><bdi>${plain(message.title)}</bdi></span>
      ${
    changed?.map(({ added, removed }, i) =>
      html`
        <span key=${i}
          class="tool-count"><span class="added">+${added}</span> <span class="removed">−${removed}</span></span>
      `
    )
  }
      <span class=${message.status === 'done' || running ? 'sr-only' : 'tool-status'}>${
    waiting ? t.tool.waiting : t.tool[message.status]
  }</span>
      <${Icon} name="chevron" size=${16} />
    </button>
    ${open && html`<${ToolBody} message=${message} />`}
    ${
    !open && running && message.output &&
    html`<pre class="tool-tail" aria-label=${t.tool.output}>${tail(plain(message.output))}</pre>`
  }
    ${children.length > 0 && html`<${Subagent} rows=${children} running=${running} />`}
  </div>`;
}

/** Of a path the end says more than the beginning. */
const isPath = ({ title, input }: ToolMessage): boolean => title.startsWith('/') && input?.command === undefined;

const tail = (text: string) => text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');

function ToolBody({ message }: { message: ToolMessage }) {
  const result = message.result;
  const text = plain(result?.text || message.output);
  const time = message.endedAt ? took(message.endedAt - message.at) : '';
  return html`<div class="tool-body">
    ${input(message)}
    ${result?.diffs?.length ? html`<${Diffs} diffs=${result.diffs} />` : ''}
    ${text && !result?.diffs?.length && html`<${LongText} label=${t.tool.output} text=${text} />`}
    ${!text && message.status !== 'running' && !result?.diffs?.length && html`<p class="hint">${t.tool.noOutput}</p>`}
    <p class="hint">${
    [
      result?.exitCode !== undefined ? t.tool.exit(result.exitCode) : '',
      result?.truncated ? t.tool.truncated : '',
      time,
    ].filter(Boolean).join(' · ')
  }</p>
  </div>`;
}

/** The input: a command as such, everything else as JSON; nothing for an edit whose diff is shown. */
function input(message: ToolMessage) {
  if (message.result?.diffs?.length) return null;
  const command = message.input?.command;
  if (typeof command === 'string') return html`<${LongText} label=${t.tool.command} text=${command} />`;
  if (message.input === null && !message.inputText) return null;
  return html`<${LongText} label=${t.tool.input} text=${
    message.input ? JSON.stringify(message.input, null, 2) : message.inputText
  } />`;
}

/** A preformatted text, cut until asked for. */
export function LongText({ label, text }: { label: string; text: string }) {
  const [all, setAll] = useState(false);
  const long = text.length > SHOWN_CHARS;
  return html`<figure class="code"><figcaption><span>${label}</span><${CopyButton} text=${text} /></figcaption>
    <pre tabindex="0">${all || !long ? text : text.slice(0, SHOWN_CHARS)}</pre>
    ${
    long && html`<button type="button" class="link-button" onClick=${() =>
      setAll(!all)}>${all ? t.common.showLess : t.common.showMore}</button>`
  }</figure>`;
}

/** What a subagent did: its last step while it runs, everything when opened. */
function Subagent({ rows, running }: { rows: readonly Row[]; running: boolean }) {
  const [open, setOpen] = useState(false);
  const shown = open ? rows : running ? rows.slice(-1) : [];
  return html`<div class="subagent">
    <button type="button" class="fold" aria-expanded=${open} onClick=${() =>
    setOpen(!open)}><${Icon} name="agents" size=${16} /><span>${
    t.tool.steps(rows.length)
  }</span><${Icon} name="chevron" size=${14} /></button>
    ${shown.map((row) => html`<${RowView} key=${row.message.id} row=${row} />`)}
  </div>`;
}

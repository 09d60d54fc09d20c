import { html, useMemo, useState } from '../html.ts';
import type { ComponentChildren, VNode } from '../html.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import { useColoredRows } from './colored.ts';
import { Icon } from './icon.ts';
import { t } from '../i18n/t.ts';

/** Lines of one file shown before "show more". */
const MAX_LINES = 400;
/** Lines that it shows more. */
const MORE_LINES = 1000;

/** Changes of files as unified diffs with line numbers. `open`: whether the files' lines are shown at first. */
export function Diffs({ diffs, open = true }: { diffs: readonly FileDiff[]; open?: boolean }) {
  return html`
    <div class="diffs">
      ${diffs.map((diff) => html`<${DiffView} key=${diff.path} diff=${diff} open=${open} />`)}
    </div>
  `;
}

/** What the lines of a diff have beside their text. */
export interface LineExtras {
  /** What stands in the place of the new number of a line; not called for what is no line of the file. */
  number?(row: DiffRow): VNode;
  /** What stands below a line. */
  below?(row: DiffRow): VNode | null;
  onPress?(row: DiffRow): void;
  /** What stands beside the line that begins a hunk. */
  head?(hunk: Hunk): VNode | null;
}

type Hunk = FileDiff['hunks'][number];

interface Props {
  diff: FileDiff;
  open?: boolean;
  extras?: LineExtras;
}

export function DiffView({ diff, open = true, extras }: Props) {
  const [count, setCount] = useState(MAX_LINES);
  const rows = useMemo(() => diffRows(diff), [diff]);
  const shown = rows.slice(0, count);
  const hidden = rows.length - shown.length;
  const texts = useColoredRows(diff.path, rows, shown.length);
  return html`
    <details class="diff" open=${open}>
      <${DiffHead} diff=${diff} />
      <div class="diff-scroll" tabindex="0" role="region" aria-label=${diff.path}>
        <table>
          <tbody>
            ${shown.map((row, i) => drawRow(row, i, texts?.[i] ?? row.text, extras))}
          </tbody>
        </table>
      </div>
      ${hidden > 0 && html`
        <button type="button" class="link-button" onClick=${() => setCount(count + MORE_LINES)}>
          ${t.diff.more(Math.min(hidden, MORE_LINES))}
        </button>
      `}
      ${diff.truncated && html`<p class="hint">${t.diff.truncated}</p>`}
    </details>
  `;
}

function DiffHead({ diff }: { diff: FileDiff }) {
  const { added, removed } = countLines(diff);
  return html`
    <summary>
      <${Icon} name="chevron" size=${16} />
      <span class="diff-path" title=${diff.path}><bdi>${diff.path}</bdi></span>
      ${diff.kind !== 'update' && html`<span class="faint">${t.diff[diff.kind]}</span>`}
      <span class="added">+${added}</span>
      <span class="removed">−${removed}</span>
    </summary>
  `;
}

/** No component: there may be thousands. */
function drawRow(row: DiffRow, i: number, text: ComponentChildren, extras?: LineExtras) {
  const isLine = row.kind !== 'gap';
  const below = isLine && extras?.below?.(row);
  const press = isLine && extras?.onPress && (() => extras.onPress!(row));
  const head = row.hunk && extras?.head?.(row.hunk);
  const more = below && html`
    <tr key=${`${i}.below`}>
      <td colspan="3">${below}</td>
    </tr>
  `;
  return html`
    <tr key=${i} class=${row.kind}>
      <td class="n">${row.old}</td>
      <td class="n">${isLine && extras?.number ? extras.number(row) : row.new}</td>
      <td class="c" onClick=${press}>${text}${head}</td>
    </tr>
    ${more}
  `;
}

export interface DiffRow {
  kind: 'add' | 'del' | 'same' | 'gap';
  old: string;
  new: string;
  text: string;
  /** Where it begins one. */
  hunk?: Hunk;
}

/** The rows of a diff with the line numbers of both sides; the sign stays in the text so that a copy is a patch. */
export function diffRows(diff: FileDiff): DiffRow[] {
  return diff.hunks.flatMap((hunk) => {
    let oldLine = hunk.oldStart;
    let newLine = hunk.newStart;
    const head: DiffRow = {
      kind: 'gap',
      old: '',
      new: '',
      text: `@@ −${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
      hunk,
    };
    const lines = hunk.lines.map((text): DiffRow => {
      if (text.startsWith('+')) return { kind: 'add', old: '', new: String(newLine++), text };
      if (text.startsWith('-')) return { kind: 'del', old: String(oldLine++), new: '', text };
      if (text.startsWith('\\')) return { kind: 'gap', old: '', new: '', text };
      return { kind: 'same', old: String(oldLine++), new: String(newLine++), text };
    });
    return [head, ...lines];
  });
}

export function countLines(diff: FileDiff): { added: number; removed: number } {
  const lines = diff.hunks.flatMap((hunk) => hunk.lines);
  return {
    added: lines.filter((line) => line.startsWith('+')).length,
    removed: lines.filter((line) => line.startsWith('-')).length,
  };
}

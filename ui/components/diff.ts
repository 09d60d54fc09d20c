import { html, useEffect, useMemo, useState } from '../html.ts';
import type { ComponentChildren, VNode } from '../html.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import { type ColoredRows, useColoredRows } from './colored.ts';
import { CHUNK, MAX_WHOLE, useDiffWindow } from './diff-window.ts';
import { Icon } from './icon.ts';
import { t } from '../i18n/t.ts';
import { signal, useSignalValue } from '../state/signal.ts';

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

/** What a row is drawn with; `found`: the row that was looked for, or -1. */
type DrawnExtras = LineExtras & { found: number };

interface Props {
  diff: FileDiff;
  open?: boolean;
  extras?: LineExtras;
}

export function DiffView({ diff, open = true, extras }: Props) {
  const rows = useMemo(() => diffRows(diff), [diff]);
  const { box, parts, look, show } = useDiffWindow(rows);
  const color = useColoredRows(diff.path, rows);
  const [found, setFound] = useState(-1);
  const find = (row: number) => {
    setFound(row);
    if (row >= 0) show(row);
  };
  const bodies = parts.map((part) =>
    'height' in part ? space(part.height) : drawChunk(rows, part.index, color, { ...extras, found })
  );
  return html`
    <details class="diff" open=${open}>
      <${DiffHead} diff=${diff} />
      ${rows.length > MAX_WHOLE && html`<${LazyFind} rows=${rows} onFind=${find} />`}
      <div ref=${box} class="diff-scroll" tabindex="0" role="region" aria-label=${diff.path} onScroll=${look}>
        <table>
          <${Columns} rows=${rows} />
          ${bodies}
        </table>
      </div>
      ${diff.truncated && html`<p class="hint">${t.diff.truncated}</p>`}
    </details>
  `;
}

const finder = signal<typeof import('./diff-find.ts') | null>(null);

/** Of long diffs alone: its code is no part of the first page. */
function LazyFind(props: { rows: readonly DiffRow[]; onFind: (row: number) => void }) {
  const module = useSignalValue(finder);
  useEffect(() => {
    if (!finder.value) import('./diff-find.ts').then((loaded) => finder.value = loaded, () => {});
  }, []);
  return module && html`<${module.DiffFind} ...${props} />`;
}

/** As wide as the longest number of their side, whichever rows are drawn. */
function Columns({ rows }: { rows: readonly DiffRow[] }) {
  const { old, added } = useMemo(() => lastLines(rows), [rows]);
  return html`
    <colgroup>
      <col style=${columnWidth(old)} />
      <col style=${columnWidth(added)} />
      <col />
    </colgroup>
  `;
}

const columnWidth = (last: number) => ({ width: last ? `calc(${Math.max(2, String(last).length)}ch + 12px)` : '10px' });

function lastLines(rows: readonly DiffRow[]): { old: number; added: number } {
  let [old, added] = [0, 0];
  for (const row of rows) {
    old = Math.max(old, Number(row.old));
    added = Math.max(added, Number(row.new));
  }
  return { old, added };
}

/** In the place of rows that are not drawn. */
const space = (height: number) =>
  html`
    <tbody aria-hidden="true">
      <tr style=${{ height: `${height}px` }}>
        <td colspan="3"></td>
      </tr>
    </tbody>
  `;

function drawChunk(rows: readonly DiffRow[], chunk: number, color: ColoredRows | null, extras: DrawnExtras) {
  const from = chunk * CHUNK;
  const to = Math.min(rows.length, from + CHUNK);
  const texts = color?.(from, to);
  const drawn = rows.slice(from, to).map((row, i) => drawRow(row, from + i, texts?.[i] ?? row.text, extras));
  return html`<tbody key=${chunk} data-chunk=${chunk}>${drawn}</tbody>`;
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
function drawRow(row: DiffRow, i: number, text: ComponentChildren, extras: DrawnExtras) {
  const isLine = row.kind !== 'gap';
  const below = isLine && extras.below?.(row);
  const press = isLine && extras.onPress && (() => extras.onPress!(row));
  const head = row.hunk && extras.head?.(row.hunk);
  const more = below && html`
    <tr key=${`${i}.below`}>
      <td colspan="3">${below}</td>
    </tr>
  `;
  return html`
    <tr key=${i} data-row=${i} class=${i === extras.found ? `${row.kind} found` : row.kind}>
      <td class="n">${row.old}</td>
      <td class="n">${isLine && extras.number ? extras.number(row) : row.new}</td>
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
    const isPlaced = oldLine > 0 || newLine > 0;
    const number = (line: number) => isPlaced ? String(line) : '';
    const head: DiffRow = {
      kind: 'gap',
      old: '',
      new: '',
      text: isPlaced ? `@@ −${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@` : '⋯',
      hunk,
    };
    const lines = hunk.lines.map((text): DiffRow => {
      if (text.startsWith('+')) return { kind: 'add', old: '', new: number(newLine++), text };
      if (text.startsWith('-')) return { kind: 'del', old: number(oldLine++), new: '', text };
      if (text.startsWith('\\')) return { kind: 'gap', old: '', new: '', text };
      return { kind: 'same', old: number(oldLine++), new: number(newLine++), text };
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

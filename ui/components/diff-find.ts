/** Finds words in a diff of which only a part is drawn, where the browser's own search finds only that part. */
import { html, useMemo, useState } from '../html.ts';
import { IconButton } from './button.ts';
import { t } from '../i18n/t.ts';

/** Rows that are counted. */
const MAX_FOUND = 10_000;

interface Props {
  rows: readonly { text: string }[];
  /** -1: nothing is found. */
  onFind: (row: number) => void;
}

export function DiffFind({ rows, onFind }: Props) {
  const [words, setWords] = useState('');
  const [at, setAt] = useState(0);
  const found = useMemo(() => rowsWith(rows, words), [rows, words]);
  const go = (list: readonly number[], to: number) => {
    const next = list.length ? (to + list.length) % list.length : 0;
    setAt(next);
    onFind(list[next] ?? -1);
  };
  const type = (event: Event) => {
    const { value } = event.target as HTMLInputElement;
    setWords(value);
    go(rowsWith(rows, value), 0);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    go(found, at + (event.shiftKey ? -1 : 1));
  };
  const none = !found.length;
  const label = { type: 'search', 'aria-label': t.diff.find, placeholder: t.diff.find };
  return html`
    <div class="diff-find" role="search">
      <input class="input grow" value=${words} onInput=${type} onKeyDown=${onKey} ...${label} />
      <span class="hint" role="status">${words && t.diff.found(none ? 0 : at + 1, found.length)}</span>
      <${IconButton} icon="arrowUp" label=${t.diff.previous} disabled=${none} onClick=${() => go(found, at - 1)} />
      <${IconButton} icon="arrowDown" label=${t.diff.next} disabled=${none} onClick=${() => go(found, at + 1)} />
    </div>
  `;
}

function rowsWith(rows: Props['rows'], words: string): number[] {
  const wanted = words.toLowerCase();
  const found: number[] = [];
  if (!wanted) return found;
  for (let i = 0; i < rows.length && found.length < MAX_FOUND; i++) {
    if (rows[i]!.text.toLowerCase().includes(wanted)) found.push(i);
  }
  return found;
}

/** Where a text matches, and the part of it that is shown. */
import { fold, MAX_SNIPPET } from '../../core/api/search.ts';

/** Characters that are shown before the first match. */
const BEFORE = 60;
/** Characters by which the beginning may move to that of a word. */
const MAX_WORD = 20;

export interface Snippet {
  snippet: string;
  ranges: [number, number][];
}

/** Whether all terms are in the text. `terms` are folded. */
export function isMatch(text: string, terms: readonly string[]): boolean {
  const folded = fold(text);
  return terms.every((term) => folded.includes(term));
}

/** At most MAX_SNIPPET characters around the first match, with an ellipsis where something was left out. */
export function createSnippet(text: string, terms: readonly string[]): Snippet {
  const folded = fold(text);
  const first = Math.min(...terms.map((term) => folded.indexOf(term)).filter((at) => at >= 0));
  const from = beginning(text, Number.isFinite(first) ? first : 0);
  const head = from > 0 ? '…' : '';
  const room = MAX_SNIPPET - head.length;
  const isCut = text.length - from > room;
  const to = isCut ? pairStart(text, from + room - 1) : text.length;
  const shift = from - head.length;
  const ranges = matches(folded.slice(from, to), terms).map(([begin, end]): [number, number] => [
    begin + from - shift,
    end + from - shift,
  ]);
  return { snippet: `${head}${text.slice(from, to)}${isCut ? '…' : ''}`, ranges };
}

function beginning(text: string, first: number): number {
  if (first <= BEFORE) return 0;
  const at = first - BEFORE;
  const space = text.indexOf(' ', at);
  return space >= 0 && space < at + MAX_WORD ? space + 1 : pairStart(text, at);
}

/** Places of all terms, joined where they touch. */
function matches(folded: string, terms: readonly string[]): [number, number][] {
  const found: [number, number][] = [];
  for (const term of terms) {
    for (let at = folded.indexOf(term); at >= 0; at = folded.indexOf(term, at + term.length)) {
      found.push([at, at + term.length]);
    }
  }
  found.sort((a, b) => a[0] - b[0]);
  const joined: [number, number][] = [];
  for (const [begin, end] of found) {
    const last = joined.at(-1);
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([begin, end]);
  }
  return joined;
}

const isLow = (text: string, at: number): boolean => /^[\udc00-\udfff]/.test(text.charAt(at));
/** Not within a surrogate pair. */
const pairStart = (text: string, at: number): number => isLow(text, at) ? at - 1 : at;

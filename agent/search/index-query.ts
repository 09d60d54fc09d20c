/** A page of results from the index. */
import type { IndexFile } from './index-file.ts';
import { createHit, type Found, type SearchPage, type SearchQuery } from './page.ts';
import { isMatch } from './snippet.ts';

/** A page ends after this long, ms, however few were found: words of two characters have no trigram. */
export const MAX_INDEX_MS = 1500;
/** Messages that are fetched at first; if none of them matches, more and more. */
const FIRST_PIECE = 64;
const MAX_PIECE = 2000;
/** Trigrams of a query, all terms together: each further one costs more than it excludes. */
const MAX_GRAMS = 24;

/** Words of one or two characters are looked for in the newest messages this long, ms: most are there. */
const QUICK_MS = 30;
/** Trigrams that begin with such a word; with more of them it is in so many messages that it is soon found without. */
const MAX_BEGINNINGS = 500;

/** Without `searched` and whether the index is up to date, which its builder knows. */
export function queryIndex(
  index: IndexFile,
  query: SearchQuery,
  now: () => number = Date.now,
): Omit<SearchPage, 'searched'> {
  const began = now();
  let match = matchExpression(query.terms);
  const hits: Found[] = [];
  let row = parseCursor(query.cursor);
  for (let piece = FIRST_PIECE;; piece = Math.min(piece * 2, MAX_PIECE)) {
    const found = index.before(row, match, piece);
    for (const message of found) {
      row = message.row;
      if (!isMatch(message.text, query.terms)) continue;
      const { agent, id, seq, at, kind, text } = message;
      hits.push(createHit(agent, { id, seq, at, kind, text }, query.terms));
      if (hits.length === query.limit) break;
    }
    const isLast = found.length < piece && row === (found.at(-1)?.row ?? row);
    if (isLast) return { hits, complete: true, cursor: null, method: 'index' };
    const passed = now() - began;
    if (hits.length === query.limit || passed >= MAX_INDEX_MS) {
      return { hits, complete: false, cursor: `i.${row}`, method: 'index' };
    }
    if (match || passed < QUICK_MS) continue;
    const grams = beginnings(index, query.terms);
    if (!grams.length) return { hits, complete: true, cursor: null, method: 'index' };
    if (grams.length < MAX_BEGINNINGS) match = grams.map(quoted).join(' OR ');
  }
}

function parseCursor(text: string | null): number {
  const parts = /^i\.(\d{1,16})$/.exec(text ?? '');
  return parts ? Number(parts[1]) : Number.MAX_SAFE_INTEGER;
}

/** The trigrams that begin with the longest of the terms. None: no message has it. */
const beginnings = (index: IndexFile, terms: readonly string[]): string[] =>
  index.gramsWith(terms.reduce((a, b) => b.length > a.length ? b : a), MAX_BEGINNINGS);

const quoted = (gram: string): string => `"${gram.replaceAll('"', '""')}"`;

/** '' when no term has three characters: then all messages are looked through. */
export function matchExpression(terms: readonly string[]): string {
  const grams = new Set(terms.flatMap(gramsOf));
  return [...grams].slice(0, MAX_GRAMS).map(quoted).join(' AND ');
}

function gramsOf(term: string): string[] {
  const characters = [...term];
  return characters.slice(2).map((_, i) => characters.slice(i, i + 3).join(''));
}

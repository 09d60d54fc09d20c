/** GET /api/search: what is asked, and what was found in the conversations of all agents. */
import { ValidationError } from './schema.ts';

/** Characters of a query; of Chinese, Japanese and Korean one is enough. */
export const MIN_QUERY = 2;
export const MAX_QUERY = 200;
/** Words and phrases of a query; further ones are not looked for. */
export const MAX_TERMS = 16;
export const SEARCH_DEFAULT = 20;
export const MAX_HITS = 50;
/** Characters of a snippet. */
export const MAX_SNIPPET = 200;

/** What of a conversation is looked through. */
export type SearchKind = 'user' | 'text' | 'tool' | 'notice';

export interface SearchHit {
  agent: { id: string; name: string };
  /** The message's id and place in the conversation. */
  id: string;
  seq: number;
  at: number;
  kind: SearchKind;
  snippet: string;
  /** What matched: begin and end within the snippet, in UTF-16 units, in order, without overlap. */
  ranges: [number, number][];
}

export interface SearchAnswer {
  /** Newest first. */
  hits: SearchHit[];
  /** Nothing more can be found: everything was looked through, and all that was found is in the answers. */
  complete: boolean;
  /** Goes on where this answer ends (`cursor` of the next request); null: there is nothing further. */
  cursor: string | null;
  /** Conversations that were looked through so far, and all. */
  searched: { agents: number; of: number };
  /** `scan`: this machine has no index, so the journals are read one after another, the newest conversation first. */
  method: 'index' | 'scan';
}

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/**
 * The words of a query, and its phrases: what stands in quotation marks, also in “these”. Folded, each once. A mark that is not
 * closed is closed at the end. Throws ValidationError.
 */
export function parseSearch(query: string): string[] {
  const text = query.trim();
  if (text.length > MAX_QUERY) throw new ValidationError(`"q" must be at most ${MAX_QUERY} characters long.`);
  const terms = [...text.replace(/[\0\s]+/g, ' ').matchAll(/["“”]([^"“”]*)(?:["“”]|$)|([^\s"“”]+)/g)]
    .map(([, phrase, word]) => fold((phrase ?? word ?? '').trim())).filter(Boolean);
  const isLong = terms.some((term) => [...term].length >= MIN_QUERY || CJK.test(term));
  if (!isLong) throw new ValidationError(`"q" must have a word of at least ${MIN_QUERY} characters.`);
  return [...new Set(terms)].slice(0, MAX_TERMS);
}

/** Whether the query can be sent as it is. */
export function isSearchable(query: string): boolean {
  try {
    return parseSearch(query).length > 0;
  } catch {
    return false;
  }
}

/** Lower case, each character as long as it was: places in the result are places in the text. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  let folded = '';
  for (const character of text) {
    const small = character.toLowerCase();
    folded += small.length === character.length ? small : character;
  }
  return folded;
}

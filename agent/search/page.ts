/** One page of results, as the worker makes it: agents have no names yet. */
import type { SearchAnswer, SearchHit } from '../../core/api/search.ts';
import type { SearchedMessage } from './message-text.ts';
import { createSnippet } from './snippet.ts';

export interface SearchQuery {
  /** Folded; all are to be in one message. */
  terms: string[];
  limit: number;
  /** Of the page before; null: the first one. */
  cursor: string | null;
}

export interface Found extends Omit<SearchHit, 'agent'> {
  agent: string;
}

export interface SearchPage extends Omit<SearchAnswer, 'hits'> {
  hits: Found[];
}

export function createHit(agent: string, { text, ...message }: SearchedMessage, terms: readonly string[]): Found {
  return { agent, ...message, ...createSnippet(text, terms) };
}

/** Newest first; of one moment in the order of the conversation. */
export const byTime = (a: Found, b: Found): number => b.at - a.at || b.seq - a.seq;

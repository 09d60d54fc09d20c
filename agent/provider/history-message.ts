/** A message from before the session was resumed here; it has no sequence number yet. */
import { cut } from '../../core/api/cut.ts';
import type { Message } from '../../core/api/messages.ts';

type WithoutSeq<T> = T extends Message ? Omit<T, 'seq'> : never;
export type HistoryMessage = WithoutSeq<Message>;

export function notice(code: string, text: string, at: number): HistoryMessage {
  return { kind: 'notice', id: `history-${code}-${at}`, level: 'info', code, text, passing: false, at };
}

/** Characters of one text; the rest is cut. */
const MAX_TEXT = 64 * 1024;
const MAX_TITLE = 200;

export const bounded = (text: string): string => cut(text, MAX_TEXT, '…');

/** A title of one line for the list. */
export const titleOf = (text: string): string => cut(text.trim().replace(/\s+/g, ' '), MAX_TITLE);

/** A message of an earlier life of a session, before it gets its number in an agent's journal. */
import type { NewMessage } from './messages.ts';

export type HistoryMessage = NewMessage & { at: number };

export function notice(code: string, text: string, at: number): HistoryMessage {
  return { kind: 'notice', id: `history-${code}-${at}`, level: 'info', code, text, passing: false, at };
}

/** Characters of one text that are kept. */
const TEXT_LENGTH = 64 * 1024;
const TITLE_LENGTH = 200;

export const cut = (text: string): string => text.length > TEXT_LENGTH ? `${text.slice(0, TEXT_LENGTH)}…` : text;

/** One line for the list. */
export const titleOf = (text: string): string => text.trim().replace(/\s+/g, ' ').slice(0, TITLE_LENGTH);

/** A message of an earlier life of a session, before it gets its number in an agent's journal. */
import type { NewMessage } from './messages.ts';

export type HistoryMessage = NewMessage & { at: number };

export function notice(code: string, text: string, at: number): HistoryMessage {
  return { kind: 'notice', id: `history-${code}-${at}`, level: 'info', code, text, passing: false, at };
}

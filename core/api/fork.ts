/** Where a conversation can be gone on with as a copy, and what of it the copy has. Browser-safe. */
import type { ForkPoint, Message } from './messages.ts';
import { inConversation } from './messages.ts';
import { need, pick, text, uuid } from './schema.ts';

/** POST /api/agents/:id/fork */
export interface ForkBody {
  /** The end of a turn: the copy has all up to it. A message of the user: all before it. */
  messageId: string;
  /** Made by the client: posting the same id again answers with the agent already made. */
  clientId?: string;
}

export function parseFork(value: unknown): ForkBody {
  return need(pick<ForkBody>(value, { messageId: text(200, true), clientId: uuid }), 'messageId');
}

export interface Fork {
  point: ForkPoint;
  /** What the copy has, by its place in the conversation. */
  messages: Message[];
}

/** What the CLI has shortened or lost itself it cannot go back to. */
const BARRIERS = new Set(['compacted', 'session_lost']);

/**
 * The fork at a message; null: the CLI has no id for the place, or it is in the middle of a turn.
 * @param bySeq the conversation, also only its newest part
 */
export function forkAt(bySeq: readonly Message[], id: string): Fork | null {
  const messages = inConversation(bySeq);
  const index = messages.findIndex((message) => message.id === id);
  const end = messages[index]?.kind === 'user' ? endBefore(messages, index) : index;
  const turn = messages[end];
  if (turn?.kind !== 'turn' || !turn.point) return null;
  const isShortened = messages.slice(end).some((later) => later.kind === 'notice' && BARRIERS.has(later.code));
  return isShortened ? null : { point: turn.point, messages: messages.slice(0, end + 1) };
}

/** The end of the turn that a message of the user comes right after; -1: it is part of a turn, or the first. */
function endBefore(messages: readonly Message[], index: number): number {
  for (let i = index - 1; i >= 0; i--) {
    const message = messages[i]!;
    const isAside = message.kind === 'notice' || message.kind === 'todos' || isUntaken(message);
    if (!isAside) return message.kind === 'turn' ? i : -1;
  }
  return -1;
}

const isUntaken = (message: Message): boolean => message.kind === 'user' && message.status !== 'sent';

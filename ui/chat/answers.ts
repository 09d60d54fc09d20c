/** What answers to requests are made of, and how they are told afterwards. Pure. */
import type { Question, RequestMessage } from '../../core/wire/types.ts';
import { t } from '../i18n/en.ts';

/** What is chosen for one question. */
export interface Given {
  labels: string[];
  other: string;
  isOther: boolean;
}

export const NOTHING: Given = { labels: [], other: '', isOther: false };

/** The answers to send, or null while a question has none. */
export function answersOf(
  questions: readonly Question[],
  given: Record<string, Given>,
): Record<string, string[]> | null {
  const answers: Record<string, string[]> = {};
  for (const { id, options } of questions) {
    const { labels, other, isOther } = given[id] ?? NOTHING;
    const text = other.trim();
    const all = [...labels, ...((isOther || !options.length) && text ? [text] : [])];
    if (!all.length) return null;
    answers[id] = all;
  }
  return answers;
}

/** An edited tool input, or the sentence that says what is wrong with it. */
export function parseInput(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : t.request.notObject;
  } catch (error) {
    return t.request.notJson((error as Error).message);
  }
}

/** How a request ended, in words. */
export function outcomeOf(message: RequestMessage): { text: string; tone: string; icon: 'check' | 'cross' | 'idle' } {
  const decision = message.decision?.decision ?? '';
  if (message.status === 'expired') return { text: t.request.expired, tone: 'neutral', icon: 'idle' };
  if (message.status === 'cancelled') return { text: t.request.cancelled, tone: 'neutral', icon: 'cross' };
  if (decision === 'answer') return { text: t.request.answered, tone: 'good', icon: 'check' };
  if (decision === 'deny' || decision === 'cancel') return { text: t.request.denied, tone: 'bad', icon: 'cross' };
  const choice = message.choices.find(({ id }) => id === decision);
  const text = decision === 'allow'
    ? (message.decision?.input ? t.request.allowedEdited : t.request.allowed)
    : choice?.label ?? t.request.allowed;
  return { text, tone: 'good', icon: 'check' };
}

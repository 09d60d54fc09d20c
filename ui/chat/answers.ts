import type { Question, RequestMessage } from '../../core/api/messages.ts';
import { serverText, t } from '../i18n/t.ts';

/** What is chosen for one question. */
export interface Answer {
  labels: string[];
  other: string;
  isOther: boolean;
}

export const NO_ANSWER: Answer = { labels: [], other: '', isOther: false };

/** The answers to send, or null while a question has none. */
export function answersOf(
  questions: readonly Question[],
  typed: Readonly<Record<string, Answer>>,
): Record<string, string[]> | null {
  const answers: Record<string, string[]> = {};
  for (const { id, options } of questions) {
    const { labels, other, isOther } = typed[id] ?? NO_ANSWER;
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

interface Outcome {
  text: string;
  tone: string;
  icon: 'check' | 'cross' | 'idle';
}

/** How a request ended, in words. */
export function outcomeOf(message: RequestMessage): Outcome {
  if (message.status !== 'expired') return decided(message);
  // The CLI may have had the decision: it ended before it gave a sign of it.
  const text = message.decision ? t.request.cutOff(decided(message).text) : t.request.expired;
  return { text, tone: 'neutral', icon: 'idle' };
}

function decided(message: RequestMessage): Outcome {
  const decision = message.decision?.decision ?? '';
  if (message.status === 'cancelled' || !decision) return { text: t.request.cancelled, tone: 'neutral', icon: 'cross' };
  if (decision === 'answer') return { text: t.request.answered, tone: 'good', icon: 'check' };
  if (decision === 'deny' || decision === 'cancel') return { text: refusal(message), tone: 'bad', icon: 'cross' };
  if (message.request === 'plan') return { text: t.request.planApproved, tone: 'good', icon: 'check' };
  const choice = message.choices.find(({ id }) => id === decision);
  const text = decision === 'allow'
    ? (message.decision?.input ? t.request.allowedEdited : t.request.allowed)
    : choice
    ? serverText(choice.label)
    : t.request.allowed;
  return { text, tone: 'good', icon: 'check' };
}

function refusal({ request }: RequestMessage): string {
  if (request === 'plan') return t.request.planRejected;
  return request === 'question' ? t.request.skipped : t.request.denied;
}

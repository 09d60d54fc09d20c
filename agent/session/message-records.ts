/** The records of a journal of messages, and which of them have to be read: the newest of each message, within bounds. */
import type { Message } from '../../core/api/messages.ts';
import { loadingJournal } from '../store/journal.ts';
import { allAtOnce, type Steps } from '../store/steps.ts';
import { withoutSecrets } from './requests.ts';

/** The whole message at that time. The last record of an id is valid. */
export interface MessageRecord {
  m: Message;
}

/** Ids of commands whose messages were removed. */
export interface RemovedRecord {
  removed: string[];
}

export interface StoredMessages {
  /** By sequence number; there may be gaps. */
  list: Message[];
  /** What each message's record weighs, by its id. */
  weights: Map<string, number>;
  removed: Set<string>;
  badBytes: number;
  /** The file holds more than these messages, or what it must not hold: it is to be rewritten. */
  isOutdated: boolean;
}

/** As records are written: with this beginning the line is of that message, whatever follows. */
const BEGINNING = /^\{"m":\{"kind":"[a-z]+","id":"([^"\\]+)"/;

/** Reads a journal from its end until `count` messages or their `weight` is exceeded, however long it is. Never throws. */
export function readMessages(...args: Parameters<typeof readingMessages>): StoredMessages {
  return allAtOnce(readingMessages(...args));
}

/** The same in steps. */
export function* readingMessages(
  path: string,
  warn: (text: string) => void,
  now: () => number,
  bounds: { count: number; weight: number },
): Steps<StoredMessages> {
  const weights = new Map<string, number>();
  const list: Message[] = [];
  let removed: unknown;
  let [total, hadSecrets] = [0, false];
  const loaded = yield* loadingJournal(path, warn, now, {
    isReplaced: (beginning) => weights.has(BEGINNING.exec(beginning)?.[1] ?? ''),
    take(record, weight) {
      const { m: message, removed: ids } = record as Partial<MessageRecord & RemovedRecord>;
      if (Array.isArray(ids)) removed ??= ids;
      if (!isMessage(message) || weights.has(message.id)) return true;
      hadSecrets = hideSecrets(message) || hadSecrets;
      list.push(message);
      weights.set(message.id, weight);
      total += weight;
      return list.length <= bounds.count && total <= bounds.weight;
    },
  });
  const { records, replaced, badBytes, tornBytes, skippedBytes } = loaded;
  list.sort((a, b) => a.seq - b.seq);
  return {
    // What was written before the part that was read is not lost but old.
    list: skippedBytes ? newestWithoutGap(list) : list,
    weights,
    removed: new Set(((removed ?? []) as unknown[]).filter((id) => typeof id === 'string')),
    badBytes,
    isOutdated: hadSecrets || tornBytes > 0 || skippedBytes > 0 || records.length + replaced > 2 * list.length + 1000,
  };
}

/** The messages behind the last gap in the sequence numbers. */
function newestWithoutGap(list: Message[]): Message[] {
  let from = list.length - 1;
  while (from > 0 && list[from - 1]!.seq === list[from]!.seq - 1) from--;
  return list.slice(Math.max(0, from));
}

/** Earlier versions kept the answers to secret questions. @returns true when there was one */
function hideSecrets(message: Message): boolean {
  if (message.kind !== 'request' || !message.decision?.answers || !Array.isArray(message.questions)) return false;
  const before = JSON.stringify(message.decision);
  message.decision = withoutSecrets(message, message.decision);
  return JSON.stringify(message.decision) !== before;
}

function isMessage(value: unknown): value is Message {
  const message = value as Partial<Message> | null | undefined;
  return typeof message === 'object' && message !== null && typeof message.id === 'string' &&
    Number.isSafeInteger(message.seq) && typeof message.kind === 'string';
}

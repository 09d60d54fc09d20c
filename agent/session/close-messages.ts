/** Closes the messages that the end of a turn or of a process leaves open. */
import type { UserMessage } from '../../core/api/messages.ts';
import type { EventContext } from './event-context.ts';

/** How far back open messages are looked for: older ones were closed by an earlier turn. */
const MAX_OPEN_SEARCH = 2000;

/**
 * Closes texts and tools that the end of a turn leaves open; those of background work go on by their own events. A tool that
 * waits for a decision stays open.
 */
export function closeStreams({ log, now }: EventContext): void {
  const asking = new Set(log.pendingRequests(Infinity).map(({ toolId }) => toolId));
  let seen = 0;
  for (const message of log.newest()) {
    if (seen++ > MAX_OPEN_SEARCH || (message.kind === 'turn' && seen > 1)) break;
    if ((message.kind === 'text' || message.kind === 'thinking') && !message.done) {
      log.patch(message.id, { done: true });
    }
    if (message.kind === 'tool' && message.status === 'running' && !asking.has(message.id)) {
      log.patch(message.id, { status: 'cancelled', endedAt: now() });
    }
  }
}

/** How messages are closed that an ended process left open. */
export interface Closing {
  requests: 'cancelled' | 'expired';
  /** Error of the messages that the process never took; empty: they were cancelled. */
  untaken: string;
  /** Ids of messages that wait for the next process. */
  waiting: ReadonlySet<string>;
}

/** The process has ended: nothing of it stays open. */
export function closeOpenMessages(context: EventContext, { requests, untaken, waiting }: Closing): void {
  const { log, store, now } = context;
  for (const message of log.open()) {
    if ((message.kind === 'text' || message.kind === 'thinking') && !message.done) {
      log.patch(message.id, { done: true });
    }
    if (message.kind === 'tool' && message.status === 'running') {
      log.patch(message.id, { status: 'cancelled', endedAt: now() });
    }
    if (message.kind === 'request' && (message.status === 'pending' || message.status === 'decided')) {
      log.patch(message.id, { status: requests });
    }
    if (message.kind === 'user' && isUntaken(message) && !waiting.has(message.id)) {
      log.patch(message.id, untaken ? { status: 'failed', error: untaken } : { status: 'cancelled' });
    }
  }
  store.patch({ queue: store.info.queue.filter(({ id }) => waiting.has(id)), pending: [] });
  void log.commit().catch(() => {});
}

const isUntaken = ({ status }: UserMessage): boolean => status === 'accepted' || status === 'queued';

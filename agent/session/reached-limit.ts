/** The limit of an agent's account: reached, the reason for a turn's end, over. */
import type { LimitState } from '../../core/api/messages.ts';
import type { EventContext } from './event-context.ts';

/** The CLI has said how its account's limit is. */
export function noteLimit({ store, now }: EventContext, { isReached, resetsAt }: LimitState): void {
  const { limit } = store.info;
  if (!isReached) return forget(store);
  // A limit that is reached again before its reset is the same one.
  const end = resetsAt ?? (limit?.resetsAt && limit.resetsAt > now() ? limit.resetsAt : null);
  store.patch({ limit: { at: limit?.resetsAt === end ? limit.at : now(), resetsAt: end } });
}

/**
 * A turn has ended. @returns true when the limit is why. It then says whether the agent has come any further since it went on
 * by itself the last time: if not, it does not do so again.
 */
export function noteTurnAtLimit({ store, now }: EventContext, outcome: string): boolean {
  const { limit } = store.info;
  if (outcome === 'done') forget(store);
  if (outcome !== 'error' || !limit) return false;
  if (limit.resetsAt !== null && limit.resetsAt <= now()) {
    forget(store);
    return false;
  }
  const { record: { goneOn }, info: { usage } } = store;
  const isStuck = goneOn !== null && usage.outputTokens <= goneOn.outputTokens;
  store.patch({ limit: { ...limit, at: now(), ...(isStuck ? { isStuck } : {}) } });
  return true;
}

function forget(store: EventContext['store']): void {
  if (store.info.limit) store.patch({ limit: null });
}

import type { LiveMessage } from '../../core/api/live.ts';
import { apply } from './store.ts';
import type { Store } from './store.ts';

/** With more events than this waiting they are applied without waiting for the frame. */
const MAX_BATCH = 500;

export interface MessageBatch {
  /** Takes one message of the live feed. */
  add(message: LiveMessage): void;
  /** Applies what was taken, now. */
  apply(): void;
}

export interface BatchDeps {
  store: Store;
  /** A hidden page is given no frames. */
  isVisible(): boolean;
  requestFrame(action: () => void): void;
}

/** Applies the events of one frame together, so that a fast stream costs one drawing per frame; the rest at once. */
export function createMessageBatch({ store, isVisible, requestFrame }: BatchDeps): MessageBatch {
  const waiting: LiveMessage[] = [];

  function applyAll(): void {
    if (waiting.length) store.value = waiting.splice(0).reduce(apply, store.value);
  }

  return {
    add(message) {
      waiting.push(message);
      if (message.type !== 'event' || !isVisible() || waiting.length > MAX_BATCH) return applyAll();
      if (waiting.length === 1) requestFrame(applyAll);
    },
    apply: applyAll,
  };
}

/** The last message that came to this device: the settings page says when, which no sender can know. */
import type { PushPayload } from '../../core/api/push.ts';
import type { KeyValueStore } from './storage.ts';

const LAST_PUSH = 'last-push';

export interface LastPush {
  at: number;
  payload: PushPayload;
}

export const keepLastPush = (store: KeyValueStore, payload: PushPayload): Promise<void> =>
  store.set(LAST_PUSH, { at: Date.now(), payload });

/** It may say what was asked: it goes with the login. */
export const forgetLastPush = (store: KeyValueStore): Promise<void> => store.set(LAST_PUSH, null);

/** null: nothing ever came. */
export async function readLastPush(store: KeyValueStore): Promise<LastPush | null> {
  return (await store.get(LAST_PUSH) ?? null) as LastPush | null;
}

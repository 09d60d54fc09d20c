/** The messages of the agents that are looked at: watched, extended into the past, and dropped a while after. */
import { deskSessionOf } from '../../core/api/handoff.ts';
import type { MessagePage } from '../../core/api/messages.ts';
import { path } from '../route.ts';
import { addOlder, forget, leave, trim } from '../state/store.ts';
import type { Store } from '../state/store.ts';
import type { Api } from './api.ts';
import { PAGE_SIZE } from './live.ts';
import type { Live } from './live.ts';

/** Messages that are loaded at once on the way back to one. */
const MAX_BACK = 1000;
/** Agents whose newest messages stay here for who comes back. */
const MAX_LEFT = 8;

export interface Chats {
  /**
   * Watches an agent's messages; the returned function ends it. Once nobody watches, the newest stay, as they were, until some
   * other agents were looked at.
   */
  open(agent: string): () => void;
  /** Loads the page of messages before the first known one. */
  loadOlder(agent: string): Promise<void>;
  /** Loads the pages before the first known message until this one is known; at most MAX_BACK at once. */
  loadBack(agent: string, seq: number): Promise<void>;
  /** Drops all but the newest messages; they can be loaded again. */
  trim(agent: string, keep: number): void;
}

export function createChats({ api, live, store }: { api: Api; live: Live; store: Store }): Chats {
  async function loadBefore(agent: string, limit: (first: number) => number): Promise<void> {
    const first = store.value.chats[agent]?.messages[0]?.seq;
    if (!first) return;
    const desk = deskSessionOf(agent);
    const place = desk === null ? path`/api/agents/${agent}/messages` : path`/api/handoff/${desk}/messages`;
    const url = `${place}?before=${first}&limit=${limit(first)}`;
    const page = await api.get<MessagePage>(url);
    store.value = addOlder(store.value, agent, page.messages, page.more);
  }
  /** Those whom nobody looks at any more, the last one at the end. */
  const left = new Set<string>();
  function close(agent: string): void {
    left.add(agent);
    store.value = leave(store.value, agent, PAGE_SIZE);
    if (left.size <= MAX_LEFT) return;
    const oldest = left.values().next().value!;
    left.delete(oldest);
    store.value = forget(store.value, oldest);
  }
  return {
    open(agent) {
      left.delete(agent);
      const end = live.watch(agent);
      return () => {
        if (end()) close(agent);
      };
    },
    loadOlder: (agent) => loadBefore(agent, () => PAGE_SIZE),
    // With some of what was said before it.
    loadBack: (agent, seq) => loadBefore(agent, (first) => Math.min(MAX_BACK, first - seq + PAGE_SIZE)),
    trim(agent, keep) {
      store.value = trim(store.value, agent, keep);
    },
  };
}

/** The messages of the agents that are looked at: watched, extended into the past, and dropped. */
import type { MessagePage } from '../../core/api/messages.ts';
import { path } from '../route.ts';
import { addOlder, forget, trim } from '../state/store.ts';
import type { Store } from '../state/store.ts';
import type { Api } from './api.ts';
import { PAGE_SIZE } from './live.ts';
import type { Live } from './live.ts';

export interface Chats {
  /** Watches an agent's messages; the returned function ends it, and drops them when nobody else watches. */
  open(agent: string): () => void;
  /** Loads the page of messages before the first known one. */
  loadOlder(agent: string): Promise<void>;
  /** Drops all but the newest messages; they can be loaded again. */
  trim(agent: string, keep: number): void;
}

export function createChats({ api, live, store }: { api: Api; live: Live; store: Store }): Chats {
  return {
    open(agent) {
      const end = live.watch(agent);
      return () => {
        if (end()) store.value = forget(store.value, agent);
      };
    },
    async loadOlder(agent) {
      const first = store.value.chats[agent]?.messages[0]?.seq;
      if (!first) return;
      const url = `${path`/api/agents/${agent}/messages`}?before=${first}&limit=${PAGE_SIZE}`;
      const page = await api.get<MessagePage>(url);
      store.value = addOlder(store.value, agent, page.messages, page.more);
    },
    trim(agent, keep) {
      store.value = trim(store.value, agent, keep);
    },
  };
}

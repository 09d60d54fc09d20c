/**
 * Requests that are known to be over. A push service may deliver a request after its own end (the message was held back, or
 * the sender tried again): it must not be shown again then.
 */
import type { KeyValueStore } from './storage.ts';

/** The newest are remembered. */
export const MAX_SETTLED = 200;
const SETTLED = 'settled';

export class SettledRequests {
  readonly #store: KeyValueStore;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async has(agent: string, request: string): Promise<boolean> {
    return (await this.#list()).includes(nameOf(agent, request));
  }

  /** Two ends at once must not lose one: so this runs in turn. */
  add(agent: string, request: string): Promise<void> {
    const turn = this.#turn.then(async () => {
      const others = (await this.#list()).filter((name) => name !== nameOf(agent, request));
      await this.#store.set(SETTLED, [...others.slice(-(MAX_SETTLED - 1)), nameOf(agent, request)]);
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #list(): Promise<string[]> {
    const value = await this.#store.get(SETTLED);
    return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
  }
}

const nameOf = (agent: string, request: string): string => `${agent} ${request}`;

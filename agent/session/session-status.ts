/** The state, pending requests and background work of an agent: each follows from its events and messages. */
import type { AgentInfoStore } from './agent-info-store.ts';
import { MAX_PENDING } from './bounds.ts';
import type { MessageLog } from './message-log.ts';
import { type StateEvent, transition } from './state.ts';

export class SessionStatus {
  readonly #store: AgentInfoStore;
  readonly #log: () => MessageLog;
  readonly #now: () => number;

  constructor(store: AgentInfoStore, log: () => MessageLog, now: () => number) {
    this.#store = store;
    this.#log = log;
    this.#now = now;
  }

  /** A CLI starts, runs a turn or waits for its user. */
  get isAtWork(): boolean {
    return ['starting', 'running', 'waiting_input'].includes(this.#store.info.state);
  }

  apply(event: StateEvent): void {
    const { info } = this.#store;
    const next = transition({ state: info.state, reason: info.stateReason, text: info.stateText }, event);
    const isSame = next.state === info.state && next.reason === info.stateReason && next.text === info.stateText;
    if (isSame) return;
    this.#store.patch({
      state: next.state,
      stateReason: next.reason,
      stateText: next.text,
      stateSince: this.#now(),
    });
  }

  /** Pending requests are in the info too, so that a card can show them. */
  refreshPending(isTurning: boolean): void {
    const requests = this.#log().pendingRequests(MAX_PENDING);
    this.#store.patch({ pending: requests.map(({ id }) => id) });
    this.apply({ type: 'waiting', request: requests[0]?.request ?? null, isTurning });
  }

  /** During a turn all work is part of it; background work is what goes on after it. */
  refreshBackground(hasBackgroundWork: boolean): void {
    const { info } = this.#store;
    const background = info.state === 'idle' && hasBackgroundWork;
    if (background !== (info.background ?? false)) this.#store.patch({ background });
  }
}

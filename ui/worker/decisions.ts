/**
 * Decisions that were tapped on a notification: kept until the machine has answered, so that a tap without a network is not
 * lost, and sent with an id made of request and device, so that it counts once however often it is repeated.
 */
import { agentKey } from './agent-key.ts';
import type { KeyValueStore } from './storage.ts';

/** Decisions that wait; the oldest go first when somebody taps without a network for very long. */
export const MAX_WAITING = 100;
/** A decision that could not be sent for so long is given up: nobody waits for it any more, ms. */
export const MAX_AGE_MS = 24 * 3600_000;

export interface PendingDecision {
  /** Whose request it is, by its id at the relay; missing or empty: the only one. It goes there and nowhere else. */
  machine?: string;
  agent: string;
  request: string;
  decision: 'allow' | 'deny';
  clientId: string;
  at: number;
  /** What the notification was called, for the one that says what became of it. */
  title: string;
}

/** What became of a decision. */
export type DecisionOutcome =
  | { kind: 'done'; decision: string; by: string; mine: boolean }
  | { kind: 'gone' }
  | { kind: 'login' }
  | { kind: 'later' }
  | { kind: 'refused'; text: string; status: number };

const QUEUE = 'decisions';
const DEVICE = 'device';

/** The id of the device, made once. */
export async function deviceId(store: KeyValueStore): Promise<string> {
  const known = await store.get(DEVICE);
  if (typeof known === 'string') return known;
  const fresh = crypto.randomUUID();
  await store.set(DEVICE, fresh);
  return fresh;
}

/**
 * A UUID (version 8, RFC 9562 section 5.8) that is the same for the same request and device.
 * @param request by itself, or behind its machine: another one may claim the same
 */
export async function decisionId(request: string, device: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${device}\n${request}`));
  const bytes = new Uint8Array(digest).slice(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export class DecisionQueue {
  readonly #store: KeyValueStore;
  readonly #fetch: typeof fetch;
  readonly #now: () => number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: KeyValueStore, options: { fetch: typeof fetch; now?: () => number }) {
    this.#store = store;
    this.#fetch = options.fetch;
    this.#now = options.now ?? Date.now;
  }

  /** Keeps the decision, then tries to send it. The first tap on a request counts; another one returns what became of that. */
  async decide(tap: Omit<PendingDecision, 'clientId' | 'at'>): Promise<DecisionOutcome> {
    return await this.#deliver(await this.#inTurn(() => this.#keep(tap)));
  }

  /** Two taps at once are the same decision, by the same device: so this runs in turn. */
  async #keep(tap: Omit<PendingDecision, 'clientId' | 'at'>): Promise<PendingDecision> {
    const clientId = await decisionId(agentKey(tap.machine ?? '', tap.request), await deviceId(this.#store));
    const list = await this.list();
    const known = list.find((entry) => entry.clientId === clientId);
    if (known) return known;
    const entry = { ...tap, clientId, at: this.#now() };
    await this.#store.set(QUEUE, [...list.slice(-(MAX_WAITING - 1)), entry]);
    return entry;
  }

  /** Sends what waits. @returns each with what became of it, but for those that wait on */
  async flush(): Promise<{ decision: PendingDecision; outcome: DecisionOutcome }[]> {
    const settled: { decision: PendingDecision; outcome: DecisionOutcome }[] = [];
    for (const decision of await this.list()) {
      const outcome = await this.#deliver(decision);
      if (outcome.kind !== 'later') settled.push({ decision, outcome });
    }
    return settled;
  }

  async list(): Promise<PendingDecision[]> {
    const value = await this.#store.get(QUEUE);
    const list = Array.isArray(value) ? value as PendingDecision[] : [];
    return list.filter(({ at }) => this.#now() - at < MAX_AGE_MS);
  }

  async #deliver(decision: PendingDecision): Promise<DecisionOutcome> {
    const outcome = await this.#send(decision);
    // Without a login it waits: the owner logs in and it goes on.
    if (outcome.kind !== 'later' && outcome.kind !== 'login') {
      await this.#inTurn(async () => {
        const others = (await this.list()).filter(({ clientId }) => clientId !== decision.clientId);
        await this.#store.set(QUEUE, others);
      });
    }
    return outcome;
  }

  async #send({ machine = '', agent, request, decision, clientId }: PendingDecision): Promise<DecisionOutcome> {
    const base = machine ? `/m/${machine}` : '';
    const path = `${base}/api/agents/${encodeURIComponent(agent)}/permissions/${encodeURIComponent(request)}`;
    let response: Response;
    let body: { decision?: { decision?: string; by?: string; clientId?: string }; code?: string; error?: string };
    try {
      response = await this.#fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ decision, clientId }),
        credentials: 'same-origin',
      });
      body = await response.json();
    } catch {
      return { kind: 'later' };
    }
    return outcomeOf(response.status, body, clientId);
  }

  /** Runs what reads and writes the store, one after another. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function outcomeOf(
  status: number,
  body: { decision?: { decision?: string; by?: string; clientId?: string }; code?: string; error?: string },
  clientId: string,
): DecisionOutcome {
  const { decision } = body;
  if (decision && (status === 200 || status === 409)) {
    const mine = decision.clientId === clientId;
    return { kind: 'done', decision: decision.decision ?? '', by: decision.by ?? '', mine };
  }
  if (status === 401) return { kind: 'login' };
  if (status === 404 || status === 410) return { kind: 'gone' };
  // 408, 429, 502-504 and the like say nothing against the decision itself.
  if (status === 408 || status === 429 || status >= 500) return { kind: 'later' };
  return { kind: 'refused', text: body.error ?? '', status };
}

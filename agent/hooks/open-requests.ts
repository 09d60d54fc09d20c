/**
 * What sessions at the desk ask, as long as their hooks wait for an answer. The first answer counts: one that is given here is
 * taken only when the hook says that it has passed it on, since the terminal may have had one a moment before. Nothing is on
 * disk: a hook that loses its server asks the next one again, under the same id.
 */
import { type Clock, pause, type Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { DecisionBody, DecisionRecord, RequestMessage } from '../../core/api/messages.ts';
import type { HookRequest } from '../provider/terminal-sessions.ts';
import type { JsonObject } from '../provider/untyped-json.ts';
import { boundRequest } from '../session/bounds.ts';
import { checkDecision, DecidedError, settledError } from '../session/requests.ts';

/** Requests that wait, of one session and of all. */
export const MAX_OPEN_OF_SESSION = 16;
export const MAX_OPEN = 64;
/** Requests that are over and can still be asked for. */
const MAX_SETTLED = 100;
/** How long a hook has to pass an answer on, ms. */
export const TAKEN_MS = 3000;
/**
 * How often it is looked whether the sessions still run and wait, ms: a hook may outlive a program that was killed, and is not
 * always ended when the terminal has an answer. A session that has not waited for so long has one: between two prompts it is
 * seen at work for a moment.
 */
export const LOOK_MS = 250;
/** Who answered in the terminal, for the record. */
export const AT_DESK = 'the desk';

export interface HookReply {
  /** What the hook prints; null: nothing, the terminal's prompt goes on alone. */
  output: JsonObject | null;
  /** Instead of that it asks the next server. */
  again?: boolean;
}

export interface Asking {
  session: string;
  request: HookRequest;
  answer(decision: DecisionBody): JsonObject;
  /** The program that asks still runs. */
  isAlive(): boolean;
  /** Called once. */
  reply(answer: HookReply): void;
}

interface Entry extends Asking {
  message: RequestMessage;
  /** An answer is being passed on; resolves when that is over. */
  deciding: Promise<void> | null;
  taken: (() => void) | null;
  /** The session was seen to wait at its prompt since. */
  wasWaiting: boolean;
  /** Clock.monotonic() of the first look since at which it did not; null: it waits. */
  atWorkSince: number | null;
}

type Settled = Pick<Entry, 'session' | 'message'>;

export interface OpenRequestsOptions {
  clock: Clock;
  /** Sessions that wait at their prompts now. */
  waiting(): Promise<ReadonlySet<string>>;
  /** What a session asks has changed. */
  onChange(): void;
}

export class OpenRequests {
  readonly #options: OpenRequestsOptions;
  readonly #open = new Map<string, Entry>();
  readonly #settled = new Map<string, Settled>();
  #seq = 0;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(options: OpenRequestsOptions) {
    this.#options = options;
  }

  /** Ids of what a session asks, the oldest first. */
  pendingOf(session: string): string[] {
    return [...this.#open.values()].filter((entry) => entry.session === session).map(({ message }) => message.id);
  }

  /** Undefined: there is none, or it was too long ago. */
  message(session: string, id: string): RequestMessage | undefined {
    const entry = this.#open.get(id) ?? this.#settled.get(id);
    return entry?.session === session ? entry.message : undefined;
  }

  /**
   * A hook waits. @returns to be called when it waits no more: somebody has answered in the terminal, or its program has ended.
   * Throws Failure `too_many`, `closing`, or `already_decided`
   */
  add(asking: Asking): () => void {
    const { requestId: id, ...request } = asking.request;
    this.#checkRoom(asking.session, id);
    const message: RequestMessage = {
      ...boundRequest(request),
      ...{ kind: 'request', id, seq: ++this.#seq, at: this.#options.clock.now(), status: 'pending', decision: null },
    };
    const entry: Entry = { ...asking, message, deciding: null, taken: null, wasWaiting: false, atWorkSince: null };
    this.#open.set(id, entry);
    this.#lookSoon();
    this.#options.onChange();
    return () => {
      if (entry.deciding === null && !this.#isClosed) this.#settle(entry, this.#atDesk(entry));
    };
  }

  /** Throws Failure when the request is gone, answered otherwise, or the decision is not among its choices. */
  async decide(session: string, id: string, body: DecisionBody, by: string) {
    if (this.#open.get(id)?.wasWaiting) await this.#lookAt(id);
    while (this.#open.get(id)?.deciding) await this.#open.get(id)!.deciding;
    const message = this.message(session, id);
    if (!message) throw new Failure('not_found', 'There is no such request.');
    if (message.status !== 'pending') return { decision: sameDecision(message, body), duplicate: true };
    // Its hook asks the next server.
    if (this.#isClosed) throw closing();
    checkDecision(message, body);
    const entry = this.#open.get(id)!;
    const decision: DecisionRecord = { ...body, by, at: this.#options.clock.now() };
    const delivery = this.#deliver(entry, decision);
    entry.deciding = delivery.then(() => {});
    const isTaken = await delivery;
    entry.deciding = null;
    this.#settle(entry, isTaken ? { status: 'answered', decision } : this.#atDesk(entry));
    if (!isTaken) throw settledError(entry.message);
    return { decision, duplicate: false };
  }

  /** The hook has passed the answer on. */
  taken(id: string): void {
    this.#open.get(id)?.taken?.();
  }

  /** Leaves the hooks to the next server. */
  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
    for (const entry of this.#open.values()) {
      if (entry.deciding === null) entry.reply({ output: null, again: true });
    }
  }

  #checkRoom(session: string, id: string): void {
    if (this.#isClosed) throw closing();
    if (this.#settled.has(id) || this.#open.has(id)) {
      throw new Failure('request_gone', 'This request was there already.');
    }
    if (this.#open.size >= MAX_OPEN || this.pendingOf(session).length >= MAX_OPEN_OF_SESSION) {
      throw new Failure('too_many', 'Too many requests wait already: answer it in the terminal.');
    }
  }

  /** @returns whether the hook has passed it on */
  #deliver(entry: Entry, decision: DecisionRecord): Promise<boolean> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const end = (isTaken: boolean) => {
        clock.clearTimeout(timer);
        entry.taken = null;
        resolve(isTaken);
      };
      const timer = clock.setTimeout(() => end(false), TAKEN_MS);
      entry.taken = () => end(true);
      entry.reply({ output: entry.answer(decision) });
    });
  }

  #settle(entry: Entry, end: Pick<RequestMessage, 'status' | 'decision'>): void {
    const { session, message: { id } } = entry;
    if (!this.#open.delete(id)) return;
    entry.message = { ...entry.message, ...end };
    this.#settled.set(id, { session, message: entry.message });
    if (this.#settled.size > MAX_SETTLED) this.#settled.delete(this.#settled.keys().next().value!);
    if (!this.#isClosed) this.#options.onChange();
  }

  /** What became of a request whose hook has ended: the terminal had an answer, or its program is gone. */
  #atDesk({ isAlive }: Entry): Pick<RequestMessage, 'status' | 'decision'> {
    if (!isAlive()) return { status: 'expired', decision: null };
    const { clock } = this.#options;
    return { status: 'answered', decision: { decision: 'answer', clientId: '', by: AT_DESK, at: clock.now() } };
  }

  #lookSoon(): void {
    if (this.#isClosed || !this.#open.size) return;
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = null;
      void this.#look().then(() => this.#lookSoon());
    }, LOOK_MS);
  }

  /** What the terminal has an answer to may not have been seen to be over yet. */
  async #lookAt(id: string): Promise<void> {
    await this.#look();
    while (this.#open.get(id)?.atWorkSince != null && !this.#isClosed) {
      await pause(this.#options.clock, LOOK_MS);
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { clock } = this.#options;
    const waiting = await this.#options.waiting().catch(() => null);
    const now = clock.monotonic();
    for (const entry of this.#open.values()) {
      if (entry.deciding !== null || this.#isClosed) continue;
      const isWaiting = waiting === null || waiting.has(entry.session);
      entry.wasWaiting ||= waiting !== null && isWaiting;
      entry.atWorkSince = isWaiting || !entry.wasWaiting ? null : entry.atWorkSince ?? now;
      const isAnswered = entry.atWorkSince !== null && now - entry.atWorkSince >= LOOK_MS;
      if (entry.isAlive() && !isAnswered) continue;
      entry.reply({ output: null });
      this.#settle(entry, this.#atDesk(entry));
    }
  }
}

const closing = (): Failure => new Failure('closing', 'The server is going down.');

/** The decision that stands, when the same client made it. Throws the reason why the request takes no other. */
function sameDecision(message: RequestMessage, body: DecisionBody): DecisionRecord {
  const error = settledError(message);
  if (error instanceof DecidedError && error.decision.clientId === body.clientId) return error.decision;
  throw error;
}

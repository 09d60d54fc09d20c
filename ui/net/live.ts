/**
 * The live feed of this page: one WebSocket that comes back by itself, says where it left off, and proves every ten seconds
 * that the way to the agent machine works. `connection` says what is known; it is `up` only between a welcome and the first
 * doubt. The protocol is described in core/api/SPEC.md, "Live feed".
 */
import { LIVE_CLOSE } from '../../core/api/live-close.ts';
import type { LiveCommand, LiveMessage } from '../../core/api/live.ts';
import { signal } from '../state/signal.ts';
import type { Signal, Timer } from '../state/signal.ts';
import type { State } from '../state/store.ts';
import { ReconnectingSocket } from './reconnecting-socket.ts';
import type { RawSocket, SocketClock, SocketPhase } from './reconnecting-socket.ts';

/** How often the way is proven, and how long the proof may take; ms. */
export const PING_EVERY = 10_000;
export const PING_DEADLINE = 8_000;
/** Deadline of the proof that is asked for when the page becomes visible again; ms. */
export const WAKE_DEADLINE = 3_000;
/** A socket that has not been welcomed by then is given up; ms. */
export const WELCOME_DEADLINE = 10_000;
const FIRST_RETRY = 500;
export const MAX_RETRY = 15_000;
/** A hello of at most so many characters is in the address too: a machine that reads it there answers a round trip sooner. */
const MAX_EARLY_HELLO = 1_000;
/** Agents that the first snapshot of a page is to have; the others follow when the page has time. */
export const FIRST_AGENTS = 60;
/** Newest messages asked for when an agent is opened. */
export const PAGE_SIZE = 80;

export interface ConnectionState {
  readonly phase: SocketPhase;
  /** When this phase, or the outage that it belongs to, began. */
  readonly since: number;
  /** When the agent machine was last heard. */
  readonly seenAt: number | null;
  /** When the next try is made; only while waiting. */
  readonly retryAt: number | null;
  /** Tries in a row that were refused before the socket had opened. */
  readonly refusals: number;
}

export interface LiveDeps extends SocketClock {
  /** @param query what the address of the feed ends with */
  open(query: string): RawSocket;
  /** Where the page left off. */
  cursor(): Pick<State, 'epoch' | 'seq' | 'loaded' | 'rest'>;
  /** Calls back once the page has nothing else to do. */
  whenIdle(action: () => void): void;
  /** The messages of this agent are here and up to date with the cursor. */
  hasChat(agent: string): boolean;
  onMessage(message: LiveMessage): void;
  onSignedOut(): void;
}

export interface Live {
  readonly connection: Signal<ConnectionState>;
  start(): void;
  /** Ends it for good; start() begins again. */
  stop(): void;
  /** Tries at once, when it waits for its next try. */
  retryNow(): void;
  /** The device woke up or the network came back: proves the way at once, or tries at once. */
  wake(): void;
  /** Messages of this agent are wanted; returns the function that ends it (true: nobody watches it any more). */
  watch(agent: string): () => boolean;
  /** Asks for the newest page again. */
  rewatch(agent: string): void;
}

const isOutage = (phase: SocketPhase): boolean => phase === 'connecting' || phase === 'waiting';

export const createLive = (deps: LiveDeps): Live => new LiveFeed(deps);

class LiveFeed implements Live {
  readonly connection: Signal<ConnectionState>;
  readonly #deps: LiveDeps;
  readonly #socket: ReconnectingSocket;
  /** Agents → how many watch them. */
  readonly #watched = new Map<string, number>();
  /** Agents that the last hello named. */
  #greeted: ReadonlySet<string> = new Set();
  #ping: Timer | null = null;
  /** What this connection says first, and has said in its address. */
  #hello = '';

  constructor(deps: LiveDeps) {
    this.#deps = deps;
    this.connection = signal<ConnectionState>({
      phase: 'closed',
      since: deps.now(),
      seenAt: null,
      retryAt: null,
      refusals: 0,
    });
    this.#socket = new ReconnectingSocket({
      clock: deps,
      firstRetry: FIRST_RETRY,
      maxRetry: MAX_RETRY,
      readyDeadline: WELCOME_DEADLINE,
      open: () => deps.open(this.#beginHello()),
      // A machine that has read the address passes over it.
      onOpen: () => this.#socket.send(this.#hello),
      onMessage: (data) => this.#onMessage(JSON.parse(String(data)) as LiveMessage),
      isEnd: (code) => code === LIVE_CLOSE.signedOut,
      onEnd: deps.onSignedOut,
      onPhase: (phase, retryAt) => this.#onPhase(phase, retryAt),
    });
  }

  start(): void {
    if (this.#socket.phase === 'closed') this.#socket.connect();
  }

  stop(): void {
    this.#socket.close();
  }

  retryNow(): void {
    this.#socket.retryNow();
  }

  wake(): void {
    if (this.#isUp) this.#sendPing(WAKE_DEADLINE);
    else this.#socket.wake();
  }

  watch(agent: string): () => boolean {
    const watchers = this.#watched.get(agent) ?? 0;
    this.#watched.set(agent, watchers + 1);
    if (!watchers) this.rewatch(agent);
    let isOver = false;
    return () => {
      if (isOver) return false;
      isOver = true;
      return this.#unwatch(agent);
    };
  }

  rewatch(agent: string): void {
    if (this.#isUp && this.#watched.has(agent)) this.#send({ type: 'watch', agent, limit: PAGE_SIZE });
  }

  /** @returns whether nobody watches it any more */
  #unwatch(agent: string): boolean {
    const left = this.#watched.get(agent)! - 1;
    if (left > 0) {
      this.#watched.set(agent, left);
      return false;
    }
    this.#watched.delete(agent);
    if (this.#isUp) this.#send({ type: 'unwatch', agent });
    return true;
  }

  get #isUp(): boolean {
    return this.#socket.phase === 'up';
  }

  #send(command: LiveCommand): void {
    this.#socket.send(JSON.stringify(command));
  }

  #set(part: Partial<ConnectionState>): void {
    this.connection.value = { ...this.connection.value, ...part };
  }

  /** Puts together what is said first. @returns the query that says it in the address */
  #beginHello(): string {
    const { epoch, seq, loaded, rest } = this.#deps.cursor();
    this.#greeted = new Set(this.#watched.keys());
    const watch = [...this.#greeted].map((agent) => ({ agent, limit: PAGE_SIZE }));
    // A list that is shown already does not shrink for a moment: only the first snapshot of a page comes in parts.
    const first = loaded ? {} : { first: FIRST_AGENTS };
    const place = epoch && !rest ? { epoch, last: seq } : {};
    const hello: LiveCommand = { type: 'hello', ...place, watch, ...first };
    this.#hello = JSON.stringify(hello);
    return this.#hello.length > MAX_EARLY_HELLO ? '' : `?hello=${encodeURIComponent(this.#hello)}`;
  }

  #onMessage(message: LiveMessage): void {
    if (message.type === 'welcome') {
      this.#socket.ready();
      this.#schedulePing();
    }
    this.#set({ seenAt: this.#deps.now() });
    // An answer that comes after one has left: it would pass as up to date, and no change follows it.
    if (message.type === 'messages' && !this.#watched.has(message.agent)) return;
    this.#deps.onMessage(message);
    if ((message.type === 'snapshot' || message.type === 'agents') && message.rest) this.#askRest();
    if (message.type !== 'welcome') return;
    // Watched since the hello, which did not name them; and a resumed feed sends only what was missed: such chats have nothing
    // to go on from.
    const isMissing = (agent: string) => !this.#greeted.has(agent) || (message.resumed && !this.#deps.hasChat(agent));
    for (const agent of this.#watched.keys()) if (isMissing(agent)) this.rewatch(agent);
  }

  #askRest(): void {
    this.#deps.whenIdle(() => {
      if (this.#isUp) this.#send({ type: 'rest' });
    });
  }

  /** An outage is counted from when it began, not from its last try. */
  #onPhase(phase: SocketPhase, retryAt: number | null): void {
    const old = this.connection.value;
    const isSameOutage = isOutage(old.phase) && isOutage(phase);
    if (phase !== 'up') this.#cancelPing();
    const since = isSameOutage ? old.since : this.#deps.now();
    this.#set({ phase, retryAt, since, refusals: this.#socket.refusals });
  }

  #sendPing(deadline: number): void {
    this.#send({ type: 'ping', t: this.#deps.now() });
    this.#socket.expect(deadline);
    this.#schedulePing();
  }

  #schedulePing(): void {
    this.#cancelPing();
    this.#ping = this.#deps.setTimeout(() => this.#sendPing(PING_DEADLINE), PING_EVERY);
  }

  #cancelPing(): void {
    if (this.#ping !== null) this.#deps.clearTimeout(this.#ping);
    this.#ping = null;
  }
}

/**
 * The live feed of this page: one WebSocket that comes back by itself, says where it left off, and proves every ten seconds
 * that the way to the agent machine works. `link` says what is known; it is `up` only between a welcome and the first doubt.
 */
import { LIVE_CLOSE } from '../core/wire/live.ts';
import type { LiveCommand, LiveMessage } from '../core/wire/live.ts';
import { cell } from './cell.ts';
import type { Cell, Timer } from './cell.ts';

/** How often the way is proven, and how long the proof may take; ms. */
export const PING_EVERY = 10_000;
export const PING_DEADLINE = 8_000;
/** Deadline of the proof that is asked for when the page becomes visible again; ms. */
export const WAKE_DEADLINE = 3_000;
/** A try that is older than this when the page wakes up may be one of before: another is made; ms. */
const OLD_TRY = 1_000;
/** A socket that has not been welcomed by then is given up; ms. */
export const WELCOME_DEADLINE = 10_000;
const FIRST_RETRY = 500;
export const MAX_RETRY = 15_000;
/** Newest messages asked for when an agent is opened. */
export const PAGE_SIZE = 80;

export interface Link {
  readonly phase: 'connecting' | 'up' | 'waiting' | 'signed_out' | 'closed';
  /** When this phase, or the outage that it belongs to, began. */
  readonly since: number;
  /** When the agent machine was last heard. */
  readonly seenAt: number | null;
  /** When the next try is made; only while waiting. */
  readonly retryAt: number | null;
}

/** The part of the browser's WebSocket that is used. */
export interface Socket {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface LiveDeps {
  open(): Socket;
  /** Where the page left off. */
  cursor(): { epoch: string | null; seq: number };
  /** The messages of this agent are here and up to date with the cursor. */
  hasChat(agent: string): boolean;
  onMessage(message: LiveMessage): void;
  onSignedOut(): void;
  now(): number;
  random(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

export interface Live {
  readonly link: Cell<Link>;
  start(): void;
  /** Ends it for good; start() begins anew. */
  stop(): void;
  /** Tries at once, when it is not up. */
  retryNow(): void;
  /** The device woke up or the network came back: proves the way at once, or tries at once. */
  wake(): void;
  /** Messages of this agent are wanted; gives the function that ends it (true: nobody watches it any more). */
  watch(agent: string): () => boolean;
  /** Asks for the newest page again. */
  rewatch(agent: string): void;
}

export function createLive(deps: LiveDeps): Live {
  const link = cell<Link>({ phase: 'closed', since: deps.now(), seenAt: null, retryAt: null });
  const watched = new Map<string, number>();
  let socket: Socket | null = null;
  let failures = 0;
  let triedAt = 0;
  let timer: Timer | null = null; // the next try, or the next ping
  let deadline: Timer | null = null; // until when something must be heard

  const set = (part: Partial<Link>) => link.set({ ...link.get(), ...part });
  const send = (command: LiveCommand) => socket?.send(JSON.stringify(command));

  function clearTimers() {
    if (timer !== null) deps.clearTimeout(timer);
    if (deadline !== null) deps.clearTimeout(deadline);
    timer = deadline = null;
  }

  function expect(ms: number) {
    if (deadline !== null) deps.clearTimeout(deadline);
    deadline = deps.setTimeout(() => lost(), ms);
  }

  function drop() {
    clearTimers();
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    socket = null;
  }

  function connect() {
    drop();
    const { phase, since } = link.get();
    triedAt = deps.now();
    set({ phase: 'connecting', since: phase === 'closed' ? deps.now() : since, retryAt: null });
    socket = deps.open();
    socket.onopen = () => {
      const { epoch, seq } = deps.cursor();
      const watch = [...watched.keys()].map((agent) => ({ agent, limit: PAGE_SIZE }));
      send({ type: 'hello', ...(epoch ? { epoch, last: seq } : {}), watch });
    };
    socket.onmessage = (event) => heard(String(event.data));
    socket.onclose = (event) => (event?.code === LIVE_CLOSE.signedOut ? signedOut() : lost());
    expect(WELCOME_DEADLINE);
  }

  function heard(text: string) {
    const message = JSON.parse(text) as LiveMessage;
    if (deadline !== null) deps.clearTimeout(deadline);
    deadline = null;
    if (message.type === 'welcome') {
      failures = 0;
      set({ phase: 'up', since: deps.now(), seenAt: deps.now(), retryAt: null });
      schedulePing();
    } else {
      set({ seenAt: deps.now() });
    }
    deps.onMessage(message);
    // A resumed feed sends only what was missed: chats opened meanwhile have nothing to go on from.
    if (message.type === 'welcome' && message.resumed) {
      for (const agent of watched.keys()) if (!deps.hasChat(agent)) send({ type: 'watch', agent, limit: PAGE_SIZE });
    }
  }

  function ping(wait = PING_DEADLINE) {
    send({ type: 'ping', t: deps.now() });
    expect(wait);
    schedulePing();
  }

  function schedulePing() {
    if (timer !== null) deps.clearTimeout(timer);
    timer = deps.setTimeout(() => ping(), PING_EVERY);
  }

  function lost() {
    const wasUp = link.get().phase === 'up';
    drop();
    const ceiling = Math.min(MAX_RETRY, FIRST_RETRY * 2 ** failures++);
    const wait = Math.round(ceiling * (0.5 + deps.random() / 2));
    const now = deps.now();
    set({ phase: 'waiting', retryAt: now + wait, since: wasUp ? now : link.get().since });
    timer = deps.setTimeout(connect, wait);
  }

  function signedOut() {
    drop();
    set({ phase: 'signed_out', since: deps.now(), retryAt: null });
    deps.onSignedOut();
  }

  return {
    link,
    start: () => link.get().phase === 'closed' || link.get().phase === 'signed_out' ? connect() : undefined,
    stop() {
      drop();
      set({ phase: 'closed', since: deps.now(), retryAt: null });
    },
    retryNow() {
      if (link.get().phase !== 'waiting') return;
      failures = 0;
      connect();
    },
    wake() {
      const { phase } = link.get();
      if (phase === 'up') return ping(WAKE_DEADLINE);
      if (phase === 'connecting' && deps.now() - triedAt >= OLD_TRY) return connect();
      this.retryNow();
    },
    watch(agent) {
      const count = watched.get(agent) ?? 0;
      watched.set(agent, count + 1);
      if (count === 0 && link.get().phase === 'up') send({ type: 'watch', agent, limit: PAGE_SIZE });
      let ended = false;
      return () => {
        if (ended) return false;
        ended = true;
        const left = (watched.get(agent) ?? 1) - 1;
        if (left > 0) {
          watched.set(agent, left);
          return false;
        }
        watched.delete(agent);
        if (link.get().phase === 'up') send({ type: 'unwatch', agent });
        return true;
      };
    },
    rewatch(agent) {
      if (watched.has(agent) && link.get().phase === 'up') send({ type: 'watch', agent, limit: PAGE_SIZE });
    },
  };
}

/** The machine's way to its relay: one connection's life (connectOnce), and the care that there always is one (keepConnected). */
import { networkInterfaces } from 'node:os';
import { Backoff } from '../core/backoff.ts';
import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import type { Handler } from '../core/http/types.ts';
import type { Log } from '../core/log.ts';
import {
  CLOSE,
  DRAIN_MS,
  type Hello,
  MAX_RECORD,
  type MessageSocket,
  serveStream,
  Session,
  type SessionEnd,
  tokenKey,
  tokenWeakness,
  TUNNEL_PROTOCOL,
} from '../core/tunnel/mod.ts';
import { dial } from '../core/websocket/mod.ts';
import { connectError, isOffline } from './connect-error.ts';

/** Where the tunnel is, for the dashboard. Times are ms since the Unix epoch; `text` is for people. */
export type TunnelState =
  | { kind: 'connecting'; since: number; text: string }
  | { kind: 'connected'; since: number; text: string }
  /** Lost or not reached; tries again at `until`. */
  | { kind: 'waiting'; since: number; until: number; text: string }
  /** The relay does not know the token. Does not try again. */
  | { kind: 'refused'; since: number; text: string }
  /** Another machine with the same token took the relay over. Does not try again. */
  | { kind: 'replaced'; since: number; text: string }
  | { kind: 'closed'; since: number; text: string };

export interface TlsOptions {
  /** PEM of the authority that the relay's certificate must come from. */
  ca?: string;
}

export interface TunnelOptions {
  /** ws://, wss://, http:// or https://; without a path the relay's own is used. */
  url: string;
  token: string;
  /** Serves what comes through the tunnel. */
  handler: Handler;
  info: Hello;
  log: Log;
  clock?: Clock;
  /** 0 ≤ x < 1, for the spread of retries. */
  random?: () => number;
  tls?: TlsOptions;
  onState?: (state: TunnelState) => void;
  /** Names the network as it is now; when that changes while waiting, the wait is over. */
  network?: () => string;
  /** Opens the message socket; tests give their own. */
  connect?: (url: string, signal: AbortSignal) => Promise<MessageSocket>;
}

export interface Tunnel {
  state(): TunnelState;
  /** Lets running requests finish for up to graceMs, then leaves the relay. Resolves when nothing of it is left. */
  close(graceMs?: number): Promise<void>;
}

const CONNECT_MS = 10_000;
/** While waiting, how often the clock is looked at: after sleep the wait is over. */
const LOOK_MS = 1_000;

/** The WebSocket address of a relay. Throws a sentence when it is none. */
export function tunnelUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error(`RELAY_URL is not an address: "${text}". Example: RELAY_URL=wss://relay.example.com/tunnel`);
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new Error(`RELAY_URL must begin with wss:// or ws://, not with "${url.protocol}//".`);
  }
  if (url.pathname === '/') url.pathname = '/tunnel';
  return url.href;
}

export interface ConnectOptions extends Pick<TunnelOptions, 'handler' | 'info' | 'log'> {
  clock: Clock;
  psk: Uint8Array;
  onEstablished: (session: Session) => void;
}

/** One connection's life over an open socket: resolves when it is over, with why. */
export function connectOnce(
  socket: MessageSocket,
  options: ConnectOptions,
): { session: Session; end: Promise<SessionEnd> } {
  const { handler, log } = options;
  let session!: Session;
  const end = new Promise<SessionEnd>((resolve) => {
    session = new Session({
      socket,
      role: 'machine',
      psk: options.psk,
      hello: options.info,
      clock: options.clock,
      onOpen: (stream, head) =>
        serveStream(stream, head, handler, (error) => {
          const text = error instanceof Error ? error.stack ?? error.message : String(error);
          log.error('request failed', { url: head.target, error: text });
        }),
      onEstablished: () => options.onEstablished(session),
      onClose: resolve,
    });
  });
  return { session, end };
}

/** Connects, and connects again whenever the connection is lost, until it is closed, refused or replaced. */
export function keepConnected(options: TunnelOptions): Tunnel {
  const keeper = new Keeper(options);
  void keeper.run();
  return keeper;
}

class Keeper implements Tunnel {
  readonly #options: TunnelOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #url: string;
  readonly #abort = new AbortController();
  #state: TunnelState;
  #session: Session | null = null;
  #running: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #closing = false;
  /** The last try never left this machine: tries are frequent then, so the same is only said once. */
  #offline = false;
  #said = '';

  constructor(options: TunnelOptions) {
    this.#options = options;
    this.#log = options.log.tagged('Tunnel');
    this.#clock = options.clock ?? systemClock;
    this.#backoff = new Backoff(options.random);
    this.#url = tunnelUrl(options.url);
    this.#state = { kind: 'connecting', since: this.#clock.now(), text: 'Starting' };
  }

  state(): TunnelState {
    return this.#state;
  }

  run(): Promise<void> {
    return this.#running ??= this.#loop();
  }

  async close(graceMs = DRAIN_MS): Promise<void> {
    this.#closing = true;
    const session = this.#session;
    if (session?.established) await session.drain(graceMs);
    this.#abort.abort();
    if (this.#session) await this.#session.close(CLOSE.shutdown, 'shutting down');
    this.#wake?.();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const weakness = tokenWeakness(this.#options.token);
    if (weakness) this.#log.warn(weakness);
    if (this.#url.startsWith('ws:')) {
      this.#log.info('The relay is reached without TLS; what goes through the tunnel is sealed all the same');
    }
    const psk = tokenKey(this.#options.token);
    while (!this.#abort.signal.aborted) {
      const wait = await this.#attempt(psk);
      if (wait === null || this.#closing) break;
      await this.#sleep(wait);
    }
    if (this.#closing) this.#set({ kind: 'closed', since: this.#clock.now(), text: 'Closed' });
  }

  /** @returns ms until the next try, null when there must be none */
  async #attempt(psk: Uint8Array): Promise<number | null> {
    this.#log[this.#offline ? 'debug' : 'info'](`Connecting to ${this.#url}`);
    this.#offline = false;
    this.#set({ kind: 'connecting', since: this.#clock.now(), text: `Connecting to ${this.#url}` });
    let socket: MessageSocket;
    try {
      socket = await this.#connect();
    } catch (error) {
      return this.#notReached(error);
    }
    if (this.#abort.signal.aborted) {
      socket.terminate();
      return null;
    }
    this.#log.info('Connected, authenticating...');
    let since: number | null = null;
    const { session, end } = connectOnce(socket, {
      ...this.#options,
      log: this.#log,
      clock: this.#clock,
      psk,
      onEstablished: () => {
        since = this.#clock.monotonic();
        this.#log.info('Authenticated successfully');
        this.#set({ kind: 'connected', since: this.#clock.now(), text: 'Connected' });
      },
    });
    this.#session = session;
    const why = await end;
    this.#session = null;
    return this.#after(why, since === null ? 0 : Math.max(1, this.#clock.monotonic() - since));
  }

  /** What one connection's end means for the next. */
  #after(end: SessionEnd, upMs: number): number | null {
    if (this.#closing) return null;
    const now = this.#clock.now();
    if (end.code === CLOSE.refused && !end.established && !end.local) {
      const text = 'The relay does not accept the token. Set RELAY_TOKEN to the same value on both sides and restart.';
      this.#log.error(text);
      this.#set({ kind: 'refused', since: now, text });
      return null;
    }
    if (end.code === CLOSE.replaced && end.proven) {
      const text = 'Replaced by another machine that uses the same token. Restart this one to take the relay back.';
      this.#log.warn(text);
      this.#set({ kind: 'replaced', since: now, text });
      return null;
    }
    if (end.slept) this.#backoff.reset();
    const restarts = end.proven && end.code === CLOSE.shutdown;
    return this.#waitAfter(upMs, restarts ? 'The relay is restarting' : reasonOf(end), restarts);
  }
  #notReached(error: unknown): number {
    const text = `Cannot connect: ${connectError(error)}`;
    if (!isOffline(error)) return this.#wait(this.#backoff.next(0), text);
    this.#offline = true;
    return this.#wait(this.#backoff.offline(), text);
  }
  #waitAfter(upMs: number, reason: string, restarts: boolean): number {
    const text = upMs > 0 ? `Connection lost: ${reason}` : `Cannot connect: ${reason}`;
    return this.#wait(this.#backoff.next(upMs, restarts), text);
  }
  #wait(ms: number, text: string): number {
    const wait = Math.round(ms);
    const now = this.#clock.now();
    const news = text !== this.#said;
    this.#said = this.#offline ? text : '';
    const line = `${text}; next try in ${(wait / 1000).toFixed(1)} s`;
    if (!this.#abort.signal.aborted) this.#log[news ? 'warn' : 'debug'](line);
    // What follows the first line is for the log.
    this.#set({ kind: 'waiting', since: now, until: now + wait, text: text.split('\n', 1)[0]! });
    return wait;
  }

  #connect(): Promise<MessageSocket> {
    const { connect, tls } = this.#options;
    if (connect) return connect(this.#url, this.#abort.signal);
    return dial(this.#url, {
      protocols: [TUNNEL_PROTOCOL],
      tls,
      signal: this.#abort.signal,
      timeoutMs: CONNECT_MS,
      limits: { message: MAX_RECORD, fragments: 1 },
      recycle: true,
    });
  }

  /** Ends early when closed, and when this machine slept or its network changed meanwhile: then nothing is as it was. */
  #sleep(ms: number): Promise<void> {
    const until = this.#clock.monotonic() + ms;
    const network = this.#options.network ?? interfaces;
    const before = network();
    let wall = this.#clock.now();
    let timer: Timer | null = null;
    return new Promise((resolve) => {
      const done = () => {
        this.#clock.clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const look = () => {
        const slept = this.#clock.now() - wall > LOOK_MS * 5;
        wall = this.#clock.now();
        const left = until - this.#clock.monotonic();
        if (left <= 0 || slept || network() !== before || this.#abort.signal.aborted) return done();
        timer = this.#clock.setTimeout(look, Math.min(left, LOOK_MS));
      };
      this.#wake = done;
      look();
    });
  }

  #set(state: TunnelState): void {
    this.#state = state;
    this.#options.onState?.(state);
  }
}

/** Interfaces that are up and their addresses. */
function interfaces(): string {
  const addresses = Object.entries(networkInterfaces()).map(([name, list]) =>
    `${name} ${list?.map(({ address }) => address).join()}`
  );
  return addresses.sort().join('\n');
}

function reasonOf(end: SessionEnd): string {
  if (end.reason) return end.reason;
  return end.code === 1006 ? 'the connection broke' : `closed with code ${end.code}`;
}

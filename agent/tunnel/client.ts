/** The tunnel's end on the machine: one connection (connectOnce), and the client that connects again whenever it is lost. */
import { networkInterfaces } from 'node:os';
import { Backoff } from '../../core/backoff.ts';
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import type { Handler } from '../../core/http/types.ts';
import type { Log } from '../../core/log.ts';
import {
  CLOSE,
  DRAIN_MS,
  type Hello,
  isMachineToken,
  MAX_RECORD,
  type MessageSocket,
  serveStream,
  tokenWeakness,
  TUNNEL_KEY_FIELD,
  TUNNEL_PROTOCOL,
  type TunnelKey,
  tunnelKey,
  TunnelSession,
  type TunnelSessionEnd,
} from '../../core/tunnel/mod.ts';
import { dial } from '../../core/websocket/mod.ts';
import { connectError, isOffline } from './connect-error.ts';

/** Where the tunnel is, for the dashboard. Times are ms since the Unix epoch; `text` is for people. */
export type TunnelState =
  | { kind: 'connecting'; since: number; text: string }
  | { kind: 'connected'; since: number; text: string }
  /** Lost or not reached; tries again at `until`. */
  | { kind: 'waiting'; since: number; until: number; text: string }
  /** Somebody said that the token is wrong, which needs no proof: tries again at `until`. */
  | { kind: 'refused'; since: number; until: number; text: string }
  /** Another start of this machine took its place. Does not try again. */
  | { kind: 'replaced'; since: number; text: string }
  /** The relay has removed this machine. Does not try again. */
  | { kind: 'removed'; since: number; text: string }
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
  /** The machine's id, asked for at each connection: the relay may give it another. */
  id?: () => string;
  log: Log;
  clock?: Clock;
  /** 0 ≤ x < 1, for the spread of retries. */
  random?: () => number;
  tls?: TlsOptions;
  onState?: (state: TunnelState) => void;
  /** The relay has proven itself; what it says of itself. */
  onRelay?: (hello: Hello) => void;
  /** Names the network as it is now; when that changes while waiting, the wait is over. */
  network?: () => string;
  /** Opens the message socket; tests give their own. */
  connect?: (url: string, signal: AbortSignal, options: DialRelayOptions) => Promise<MessageSocket>;
}

export interface TunnelHandle {
  state(): TunnelState;
  /** Lets running requests finish for up to graceMs, then leaves the relay. Resolves when nothing of it is left. */
  close(graceMs?: number): Promise<void>;
}

const CONNECT_MS = 10_000;
const JOIN_AGAIN = 'To join again: "Add a machine" on the dashboard, then the line that it shows.';
/** Wait after a refusal of the token, ms. */
export const REFUSED_RETRY_MS = 60_000;
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

export interface DialRelayOptions {
  key: TunnelKey;
  tls?: TlsOptions | undefined;
}

/** Opens the message socket of a tunnel. */
export function dialRelay(url: string, signal: AbortSignal, { key, tls }: DialRelayOptions): Promise<MessageSocket> {
  return dial(url, {
    protocols: [TUNNEL_PROTOCOL],
    ...(key.id ? { headers: { [TUNNEL_KEY_FIELD]: key.id } } : {}),
    ...(tls ? { tls } : {}),
    signal,
    timeoutMs: CONNECT_MS,
    limits: { message: MAX_RECORD, fragments: 1 },
    zeroCopy: true,
  });
}

export interface ConnectOptions extends Pick<TunnelOptions, 'handler' | 'info' | 'id' | 'log'> {
  clock: Clock;
  psk: Uint8Array;
  onEstablished: (relay: Hello) => void;
}

/** One connection's life over an open socket: resolves when it is over, with why. */
export function connectOnce(
  socket: MessageSocket,
  options: ConnectOptions,
): { session: TunnelSession; end: Promise<TunnelSessionEnd> } {
  const { handler, log, info, id } = options;
  let session!: TunnelSession;
  const end = new Promise<TunnelSessionEnd>((resolve) => {
    session = new TunnelSession({
      socket,
      role: 'machine',
      psk: options.psk,
      hello: id ? { ...info, id: id() } : info,
      clock: options.clock,
      onOpen: (stream, head) =>
        serveStream(stream, head, handler, (error) => {
          const text = error instanceof Error ? error.stack ?? error.message : String(error);
          log.error('request failed', { url: head.target, error: text });
        }),
      onEstablished: options.onEstablished,
      onClose: resolve,
    });
  });
  return { session, end };
}

/** Connects, and connects again whenever the connection is lost, until it is closed or a relay proves that it is replaced. */
export function startTunnelClient(options: TunnelOptions): TunnelHandle {
  const client = new TunnelClient(options);
  void client.run();
  return client;
}

class TunnelClient implements TunnelHandle {
  readonly #options: TunnelOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #url: string;
  readonly #abort = new AbortController();
  #state: TunnelState;
  #session: TunnelSession | null = null;
  #running: Promise<void> | null = null;
  #wake: (() => void) | null = null;
  #closing = false;
  /** The last try never left this machine: tries are frequent then, so the same is only said once. */
  #offline = false;
  /** The next try is like the last one: it is no news. */
  #isQuiet = false;
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
    const key = tunnelKey(this.#options.token);
    while (!this.#abort.signal.aborted) {
      const wait = await this.#attempt(key);
      if (wait === null || this.#closing) break;
      await this.#sleep(wait);
    }
    if (this.#closing) this.#set({ kind: 'closed', since: this.#clock.now(), text: 'Closed' });
  }

  /** @returns ms until the next try, null when there must be none */
  async #attempt(key: TunnelKey): Promise<number | null> {
    this.#log[this.#isQuiet ? 'debug' : 'info'](`Connecting to ${this.#url}`);
    const wasQuiet = this.#isQuiet;
    this.#offline = this.#isQuiet = false;
    this.#set({ kind: 'connecting', since: this.#clock.now(), text: `Connecting to ${this.#url}` });
    let socket: MessageSocket;
    try {
      socket = await this.#connect(key);
    } catch (error) {
      return this.#notReached(error);
    }
    if (this.#abort.signal.aborted) {
      socket.terminate();
      return null;
    }
    this.#log[wasQuiet ? 'debug' : 'info']('Connected, authenticating...');
    let since: number | null = null;
    const { session, end } = connectOnce(socket, {
      ...this.#options,
      log: this.#log,
      clock: this.#clock,
      psk: key.psk,
      onEstablished: (relay) => {
        this.#backoff.spreadMs = relay.spreadMs ?? 0;
        since = this.#clock.monotonic();
        this.#log.info('Authenticated successfully');
        this.#set({ kind: 'connected', since: this.#clock.now(), text: 'Connected' });
        this.#options.onRelay?.(relay);
      },
    });
    this.#session = session;
    const why = await end;
    this.#session = null;
    return this.#after(why, since === null ? 0 : Math.max(1, this.#clock.monotonic() - since));
  }

  /** What one connection's end means for the next. */
  #after(end: TunnelSessionEnd, upMs: number): number | null {
    if (this.#closing) return null;
    const now = this.#clock.now();
    if (end.code === CLOSE.refused && !end.established && !end.local) {
      return this.#refused(now);
    }
    if (end.proven && end.code === CLOSE.replaced) {
      return this.#stopped(
        'replaced',
        'Replaced by another start of this machine. Restart this one to take the relay back.',
      );
    }
    if (end.proven && end.code === CLOSE.removed) {
      return this.#stopped('removed', `The relay has removed this machine. ${JOIN_AGAIN}`);
    }
    if (end.slept) this.#backoff.reset();
    const restarts = end.proven && end.code === CLOSE.shutdown;
    return this.#waitAfter(upMs, restarts ? 'The relay is restarting' : reasonOf(end), restarts);
  }
  #stopped(kind: 'replaced' | 'removed', text: string): null {
    this.#log.warn(text);
    this.#set({ kind, since: this.#clock.now(), text });
    return null;
  }
  /** Anybody on the way can send this close frame: it is reported, but it never stops the machine for good. */
  #refused(now: number): number {
    const advice = isMachineToken(this.#options.token)
      ? `The machine was removed there, or the relay has lost its state. ${JOIN_AGAIN}`
      : 'Set RELAY_TOKEN to the same value on both sides.';
    const text = `The relay does not accept the token. ${advice}`;
    if (this.#said !== text) this.#log.error(`${text} Trying again once a minute.`);
    this.#said = text;
    this.#isQuiet = true;
    this.#set({ kind: 'refused', since: now, until: now + REFUSED_RETRY_MS, text });
    return REFUSED_RETRY_MS;
  }
  #notReached(error: unknown): number {
    const text = `Cannot connect: ${connectError(error, this.#url)}`;
    if (!isOffline(error)) return this.#wait(this.#backoff.next(0), text);
    this.#offline = this.#isQuiet = true;
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

  #connect(key: TunnelKey): Promise<MessageSocket> {
    const { connect, tls } = this.#options;
    return (connect ?? dialRelay)(this.#url, this.#abort.signal, { key, tls });
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

function reasonOf(end: TunnelSessionEnd): string {
  if (end.reason) return end.reason;
  return end.code === 1006 ? 'the connection broke' : `closed with code ${end.code}`;
}

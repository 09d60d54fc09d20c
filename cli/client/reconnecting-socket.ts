/**
 * One WebSocket that comes back by itself. It knows when to try again and which connection is the present one; what is said
 * over it is its owner's business.
 */
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import { type Connection, type Message, WebSocketError } from '../../core/websocket/mod.ts';

const FIRST_RETRY_MS = 300;
const MAX_RETRY_MS = 10_000;
/** A connection that is not `ready` by then is given up, ms. */
const READY_MS = 15_000;
/** Bytes that arrive prove the whole way to the machine: the relay passes on what it cannot read. */
export const HEARTBEAT = { pingMs: 10_000, deadMs: 25_000 };

/** How long the server may take to answer a goodbye: the person has left already, ms. */
export const CLOSE_MS = 500;

export interface SocketOwner {
  /** Opens the next connection; it sets no callbacks. Rejects with WebSocketError. */
  dial(signal: AbortSignal): Promise<Connection>;
  /** A connection is there: say hello. */
  onOpen?(send: (data: string | Uint8Array) => boolean): void;
  onMessage(data: Message): void;
  /** Why no other try is made after this close code; null: the connection comes back. */
  endOf(code: number): Error | null;
  /** Why no other try is made after the server refused the connection with this status; null: it is tried again. */
  refusalOf(status: number): Error | null;
  /** The connection is lost, or could not be made; the next try follows. */
  onAway?(reason: string): void;
}

export interface ReconnectingOptions {
  clock?: Clock;
  random?: () => number;
}

export class ReconnectingSocket {
  readonly #owner: SocketOwner;
  readonly #clock: Clock;
  readonly #random: () => number;
  #connection: Connection | null = null;
  #dialing: AbortController | null = null;
  #timer: Timer | null = null;
  #failures = 0;
  #isReady = false;
  #isClosed = false;
  #settle!: { resolve: () => void; reject: (error: Error) => void };
  /** Resolves when it was closed; rejects when no other try is made. */
  readonly ended: Promise<void>;

  constructor(owner: SocketOwner, { clock = systemClock, random = Math.random }: ReconnectingOptions = {}) {
    this.#owner = owner;
    this.#clock = clock;
    this.#random = random;
    this.ended = new Promise((resolve, reject) => this.#settle = { resolve, reject });
    this.ended.catch(() => {}); // Whoever does not wait for it learns of it otherwise.
  }

  /** The owner has called `ready` on the present connection. */
  get isReady(): boolean {
    return this.#isReady;
  }

  connect(): void {
    if (!this.#isClosed) void this.#connect();
  }

  /** Leaves the present connection and opens the next one at once. */
  again(): void {
    if (this.#isClosed) return;
    this.#drop();
    this.connect();
  }

  /** The other side has answered as it should. */
  ready(): void {
    this.#isReady = true;
    this.#failures = 0;
    this.#clearTimer();
  }

  /** @returns false when there is no connection, or much waits to be written */
  send(data: string | Uint8Array): boolean {
    return this.#connection?.send(data) ?? false;
  }

  /** Ends it: no connection, no timer, no other try. @param error why; null: nobody wants it any more */
  close(error: Error | null = null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#drop();
    if (error) this.#settle.reject(error);
    else this.#settle.resolve();
  }

  async #connect(): Promise<void> {
    const dialing = new AbortController();
    this.#dialing = dialing;
    try {
      const connection = await this.#owner.dial(dialing.signal);
      if (this.#dialing !== dialing) return connection.terminate();
      this.#dialing = null;
      this.#adopt(connection);
    } catch (error) {
      if (this.#dialing !== dialing) return;
      this.#dialing = null;
      this.#onRefused(error as Error);
    }
  }

  #adopt(connection: Connection): void {
    this.#connection = connection;
    // Late events of a connection that was dropped mean nothing.
    connection.onmessage = (data) => this.#connection === connection && this.#receive(data);
    connection.onclose = (code) => this.#connection === connection && this.#onClose(connection, code);
    this.#timer = this.#clock.setTimeout(() => this.#lose('the server says nothing'), READY_MS);
    this.#owner.onOpen?.((data) => connection.send(data));
  }

  /** What the owner throws over a message is the end: the same would come again. */
  #receive(data: Message): void {
    try {
      this.#owner.onMessage(data);
    } catch (error) {
      this.close(error as Error);
    }
  }

  #onRefused(error: Error): void {
    const { status } = error as WebSocketError;
    const end = status === undefined ? null : this.#owner.refusalOf(status);
    if (end) this.close(end);
    else if (error instanceof WebSocketError || (error as { isPassing?: boolean }).isPassing) this.#lose(error.message);
    else this.close(error);
  }

  #onClose(connection: Connection, code: number): void {
    const end = this.#owner.endOf(code);
    if (end) this.close(end);
    else this.#lose(connection.error?.message ?? `the connection was closed (${code})`);
  }

  #lose(reason: string): void {
    this.#drop();
    if (this.#isClosed) return;
    const ceiling = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures++, 10));
    this.#timer = this.#clock.setTimeout(() => this.connect(), ceiling * (0.5 + this.#random() / 2));
    this.#owner.onAway?.(reason);
  }

  #drop(): void {
    this.#clearTimer();
    this.#isReady = false;
    const { connection, dialing } = { connection: this.#connection, dialing: this.#dialing };
    this.#connection = null;
    this.#dialing = null;
    dialing?.abort();
    if (connection?.state === 'open' && this.#isClosed) connection.close();
    else connection?.terminate();
  }

  #clearTimer(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

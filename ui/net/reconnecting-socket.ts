/**
 * One WebSocket that comes back by itself: it knows when to try again, how long to wait for an answer, and which socket is the
 * present one. What is said over it is its owner's business.
 */
import type { Timer } from '../state/signal.ts';

/** `connecting`: opened, not answered as its owner wants it. `waiting`: the next try is planned. */
export type SocketPhase = 'closed' | 'connecting' | 'up' | 'waiting';

/** A try that is older than this when the device wakes up may be one of before it slept: another is made; ms. */
const MAX_TRY_AT_WAKE = 1_000;

/** The part of the browser's WebSocket that is used. */
export interface RawSocket {
  binaryType: string;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface SocketClock {
  now(): number;
  random(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

export interface SocketDeps {
  clock: SocketClock;
  /** Wait before the first new try, and the longest; it doubles from one to the next; ms. */
  firstRetry: number;
  maxRetry: number;
  /** A try that is not `ready` by then is given up; ms. */
  readyDeadline: number;
  /** Makes the next socket. */
  open(): RawSocket;
  onOpen?(): void;
  onMessage(data: string | ArrayBuffer): void;
  /** Whether this close code is the end: no other try is made, and `onEnd` is called. */
  isEnd(code: number): boolean;
  onEnd(): void;
  /** @param retryAt when the next try is made; only while waiting */
  onPhase(phase: SocketPhase, retryAt: number | null): void;
}

export class ReconnectingSocket {
  readonly #deps: SocketDeps;
  #phase: SocketPhase = 'closed';
  #socket: RawSocket | null = null;
  /** Tries in a row that failed. */
  #failures = 0;
  /** Tries in a row that were closed before they had opened. */
  #refusals = 0;
  #triedAt = 0;
  /** The present socket has opened. */
  #isOpen = false;
  #retry: Timer | null = null;
  /** Until when something must be heard. */
  #deadline: Timer | null = null;

  constructor(deps: SocketDeps) {
    this.#deps = deps;
  }

  get phase(): SocketPhase {
    return this.#phase;
  }

  /**
   * How many tries in a row the other side refused: it closed them before they had opened. 0 after one that opened, or that
   * nobody answered.
   */
  get refusals(): number {
    return this.#refusals;
  }

  /** Tries now, whatever was before. */
  connect(): void {
    this.#drop();
    this.#triedAt = this.#deps.clock.now();
    this.#enter('connecting');
    const socket = this.#deps.open();
    socket.binaryType = 'arraybuffer';
    // Late events of a socket that was let go mean nothing.
    socket.onopen = () => this.#socket === socket && this.#onOpen();
    socket.onmessage = ({ data }) => this.#socket === socket && this.#onMessage(data);
    socket.onclose = (event) => this.#socket === socket && this.#onClose(event?.code);
    this.#socket = socket;
    this.#isOpen = false;
    this.expect(this.#deps.readyDeadline);
  }

  /** Ends it: no socket, no timer, no other try. */
  close(): void {
    this.#drop();
    this.#enter('closed');
  }

  /** The other side has answered: it is up from now on. */
  ready(): void {
    this.#failures = 0;
    this.#heard();
    this.#enter('up');
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket?.send(data);
  }

  /** Something must be heard within this time; otherwise the socket is given up; ms. */
  expect(ms: number): void {
    this.#heard();
    this.#deadline = this.#deps.clock.setTimeout(() => this.#giveUp(), ms);
  }

  /** Tries at once, when it only waits for its next try. */
  retryNow(): void {
    if (this.#phase !== 'waiting') return;
    this.#failures = 0;
    this.connect();
  }

  /** The device woke up or the network came back: tries at once, unless it is up. */
  wake(): void {
    this.retryNow();
    const isOld = this.#deps.clock.now() - this.#triedAt >= MAX_TRY_AT_WAKE;
    if (this.#phase === 'connecting' && isOld) this.connect();
  }

  #enter(phase: SocketPhase, retryAt: number | null = null): void {
    this.#phase = phase;
    this.#deps.onPhase(phase, retryAt);
  }

  #onOpen(): void {
    this.#isOpen = true;
    this.#refusals = 0;
    this.#deps.onOpen?.();
  }

  #onMessage(data: string | ArrayBuffer): void {
    if (this.#phase === 'up') this.#heard();
    this.#deps.onMessage(data);
  }

  #onClose(code: number): void {
    if (!this.#isOpen) this.#refusals++;
    if (!this.#deps.isEnd(code)) return this.#lose();
    this.close();
    this.#deps.onEnd();
  }

  #heard(): void {
    if (this.#deadline !== null) this.#deps.clock.clearTimeout(this.#deadline);
    this.#deadline = null;
  }

  /** Nothing was heard in time. */
  #giveUp(): void {
    this.#refusals = 0;
    this.#lose();
  }

  #lose(): void {
    const { clock, firstRetry, maxRetry } = this.#deps;
    this.#drop();
    const ceiling = Math.min(maxRetry, firstRetry * 2 ** this.#failures++);
    const wait = Math.round(ceiling * (0.5 + clock.random() / 2));
    this.#retry = clock.setTimeout(() => this.connect(), wait);
    this.#enter('waiting', clock.now() + wait);
  }

  #drop(): void {
    this.#heard();
    if (this.#retry !== null) this.#deps.clock.clearTimeout(this.#retry);
    this.#retry = null;
    const old = this.#socket;
    this.#socket = null;
    old?.close();
  }
}

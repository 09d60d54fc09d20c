/**
 * A browser's connection that left HTTP, joined to a stream of the tunnel: bytes both ways, with backpressure, until both
 * halves have ended. The relay forwards WebSocket bytes unread and follows only the lengths of the machine's frames, so that
 * it can put a close frame of its own between two of them.
 */
import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../core/clock.ts';
import { abortConnection } from '../core/http/abort-connection.ts';
import { closeFrame, FrameBoundary } from './frame-boundary.ts';

/** How long a browser may take to close its side after both halves have ended, ms. */
const END_TIMEOUT_MS = 2_000;
/** How long an unfinished frame of the machine, and the browser's answer to a close frame, may take, ms. */
const CLOSE_TIMEOUT_MS = 1_000;

export class UpgradedConnection {
  readonly #browser: Duplex;
  readonly #machine: Duplex;
  readonly #clock: Clock;
  /** null: the protocol is not WebSocket. */
  readonly #frames: FrameBoundary | null;
  #timer: Timer | null = null;
  /** The relay's own close frame, once `close` was called. */
  #closeFrame: Buffer | null = null;

  /**
   * @param browser the raw connection behind the 101
   * @param machine the stream of the tunnel
   */
  constructor(browser: Duplex, machine: Duplex, isWebSocket: boolean, clock: Clock) {
    this.#browser = browser;
    this.#machine = machine;
    this.#clock = clock;
    this.#frames = isWebSocket ? new FrameBoundary() : null;
    browser.on('error', () => {}); // `close` follows.
    browser.on('close', () => this.#onBrowserClosed());
    machine.on('close', () => this.#onMachineClosed());
    browser.pipe(machine);
    machine.on('data', (chunk: Buffer) => this.#forward(chunk));
    machine.on('end', () => browser.end());
    browser.on('drain', () => machine.resume());
  }

  /** Calls `listener` when the browser's connection has closed. */
  onClose(listener: () => void): void {
    this.#browser.once('close', listener);
  }

  /**
   * Ends the connection. The machine gets no further input from now on. A WebSocket receives the rest of an unfinished frame
   * and then a close frame with this code; any other protocol is cut off.
   */
  close(code: number, reason: string): void {
    if (this.#closeFrame || this.#browser.destroyed) return;
    this.#closeFrame = closeFrame(code, reason);
    this.#browser.unpipe(this.#machine);
    this.#browser.resume();
    if (!this.#frames) return this.#abort();
    this.#startTimer(CLOSE_TIMEOUT_MS);
    if (this.#frames.between) this.#finish();
  }

  /** Sends the machine's bytes; after `close` only to the end of the frame that has begun. */
  #forward(chunk: Buffer): void {
    if (this.#browser.writableEnded) return;
    let bytes: Uint8Array = chunk;
    if (!this.#closeFrame) this.#frames?.feed(chunk);
    else bytes = chunk.subarray(0, this.#frames!.feedToEnd(chunk));
    if (!this.#browser.write(bytes)) this.#machine.pause();
    if (this.#closeFrame && this.#frames!.between) this.#finish();
  }

  #finish(): void {
    // Over TLS a write may emit `drain` before it returns, so that the next bytes come, and end, within the first ones' turn.
    if (this.#browser.writableEnded) return;
    this.#browser.end(this.#closeFrame);
    this.#machine.destroy();
  }

  #onBrowserClosed(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#machine.destroy();
  }

  #onMachineClosed(): void {
    const browser = this.#browser;
    if (browser.destroyed) return;
    if (!browser.writableEnded) return this.#abort();
    // A clean end: the browser may not have read all of it yet.
    browser.resume(); // Drops further input, so that the end is seen.
    if (browser.writableFinished) this.#startTimer(END_TIMEOUT_MS);
    else browser.once('finish', () => this.#startTimer(END_TIMEOUT_MS));
  }

  /** The timer that is set first counts. */
  #startTimer(ms: number): void {
    this.#timer ??= this.#clock.setTimeout(() => this.#abort(), ms);
  }

  #abort(): void {
    // What follows a 101 ends with its connection, unless the end was sent already.
    abortConnection(this.#browser as Socket, !this.#browser.writableFinished);
  }
}

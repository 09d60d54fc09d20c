/**
 * Watches what connections have to send and ends one whose client takes nothing of it for a while. The `timeout` of
 * node:http does not do it: its first one after a write is skipped, because some of that write has reached the system's
 * buffers since.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../clock.ts';
import { transportOf } from './abort-connection.ts';
import { tellsProgress, writeInPieces } from './write-in-pieces.ts';

/** A stall is noticed at most this share of its time, or MAX_SWEEP_MS, too late. */
const SWEEP_SHARE = 1 / 20;
const MAX_SWEEP_MS = 1_000;

interface Watched {
  /** Ends the connection. */
  cut: (socket: Socket) => void;
  /** When the client last took something, or had nothing to take; monotonic ms. */
  since: number;
  done: number;
  queued: number;
}

export class StallWatch {
  readonly #clock: Clock;
  readonly #stallMs: number;
  readonly #sockets = new Map<Socket, Watched>();
  #timer: Timer | null = null;

  /** @param stallMs how long a client may take nothing */
  constructor(clock: Clock, stallMs: number) {
    this.#clock = clock;
    this.#stallMs = stallMs;
  }

  /** Watches a connection until it is closed. @param cut must end it; that of the latest call is used */
  add(socket: Socket, cut: (socket: Socket) => void): void {
    const known = this.#sockets.get(socket);
    if (known) return void (known.cut = cut);
    if (socket.destroyed) return;
    if (!tellsProgress(transportOf(socket))) writeInPieces(socket);
    this.#sockets.set(socket, { cut, since: this.#clock.monotonic(), done: -1, queued: -1 });
    socket.once('close', () => this.#sockets.delete(socket));
    this.#timer ??= this.#clock.setTimeout(this.#sweep, this.#sweepMs);
  }

  close(): void {
    this.#sockets.clear();
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  get #sweepMs(): number {
    return Math.min(MAX_SWEEP_MS, Math.ceil(this.#stallMs * SWEEP_SHARE));
  }

  readonly #sweep = (): void => {
    this.#timer = null;
    const now = this.#clock.monotonic();
    for (const [socket, watched] of this.#sockets) {
      if (!this.#isStalled(socket, watched, now)) continue;
      this.#sockets.delete(socket);
      watched.cut(socket);
    }
    if (this.#sockets.size) this.#timer = this.#clock.setTimeout(this.#sweep, this.#sweepMs);
  };

  #isStalled(socket: Socket, watched: Watched, now: number): boolean {
    // What a handler adds meanwhile is in both numbers, so it is not taken for progress of the client.
    const done = socket.bytesWritten - socket.writableLength;
    const queued = queuedOf(socket);
    const isTaking = socket.writableLength === 0 || done !== watched.done || queued !== watched.queued;
    if (isTaking) Object.assign(watched, { since: now, done, queued });
    return !isTaking && now - watched.since >= this.#stallMs;
  }
}

/**
 * Bytes of the write under way that the system has not taken yet: progress within a large write. Undocumented, but what
 * node:net's own timeout looks at; without it (Deno) the pieces of a write count.
 */
function queuedOf(socket: Socket): number {
  const { _handle } = transportOf(socket) as { _handle?: { writeQueueSize?: number } | null };
  return _handle?.writeQueueSize ?? 0;
}

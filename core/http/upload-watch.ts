/**
 * Watches request bodies and ends the connection of one that trickles in, or that continues long after its reply. The
 * client is not blamed for a handler that reads slowly (backpressure).
 */
import type { Clock, Timer } from '../clock.ts';
import type { Socket } from 'node:net';
import type { LocalRequest, LocalResponse } from './node-adapter.ts';

/** A body must bring MIN_BYTES in each WINDOW_MS while the server waits for it. */
export const WINDOW_MS = 30_000;
export const MIN_BYTES = 1024;
/** Bytes of a body that are read and dropped after the reply, so that the client sees the reply and not a broken connection. */
export const DRAIN_BYTES = 1024 * 1024;
export const DRAIN_MS = 5_000;
const SWEEP_MS = 1_000;

interface Upload {
  req: LocalRequest;
  /** Of the request, which no longer has it once the connection is closed. */
  socket: Socket;
  since: number;
  bytes: number;
  answered: boolean;
}

export class UploadWatch {
  readonly #clock: Clock;
  readonly #onSlow: (socket: Socket) => void;
  readonly #open = new Map<LocalRequest, Upload>();
  #timer: Timer | null = null;

  /** @param onSlow must end the connection */
  constructor(clock: Clock, onSlow: (socket: Socket) => void) {
    this.#clock = clock;
    this.#onSlow = onSlow;
  }

  add(req: LocalRequest, res: LocalResponse): void {
    const { socket } = req;
    const upload = { req, socket, since: this.#clock.monotonic(), bytes: socket.bytesRead, answered: false };
    this.#open.set(req, upload);
    req.once('close', () => this.#open.delete(req));
    req.once('end', () => this.#open.delete(req));
    res.once('finish', () => this.#onAnswered(upload));
    this.#timer ??= this.#clock.setTimeout(this.#sweep, SWEEP_MS);
  }

  /** The reply is sent: the rest of the body is read only to be dropped. */
  #onAnswered(upload: Upload): void {
    const { req, socket } = upload;
    // A handler that destroyed its request has made the rest unreadable: the connection ends behind the reply.
    if (req.destroyed && !req.complete) return socket.destroySoon();
    Object.assign(upload, { since: this.#clock.monotonic(), bytes: socket.bytesRead, answered: true });
    // Nobody else may read the rest, and the connection's next request waits behind it.
    req.resume();
  }

  close(): void {
    this.#open.clear();
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  readonly #sweep = (): void => {
    this.#timer = null;
    const now = this.#clock.monotonic();
    for (const upload of this.#open.values()) {
      if (isSlow(upload, now)) {
        this.#open.delete(upload.req);
        this.#onSlow(upload.socket);
      }
    }
    if (this.#open.size) this.#timer = this.#clock.setTimeout(this.#sweep, SWEEP_MS);
  };
}

/** Whether the upload is too slow; begins its next window when one is over. */
function isSlow(upload: Upload, now: number): boolean {
  const arrived = upload.socket.bytesRead - upload.bytes;
  if (upload.answered) return arrived > DRAIN_BYTES || now - upload.since >= DRAIN_MS;
  const waiting = upload.req.readableLength === 0 && !upload.req.complete;
  if (waiting && arrived < MIN_BYTES) return now - upload.since >= WINDOW_MS;
  upload.since = now;
  upload.bytes += arrived;
  return false;
}

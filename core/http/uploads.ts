/**
 * Watches request bodies: one that trickles in, and one that goes on after its reply, end with the connection. A reader
 * that is slow itself (backpressure) is never held against the client.
 */
import type { Clock, Timer } from '../clock.ts';
import type { LocalRequest } from './message.ts';

/** A body must bring MIN_BYTES in each WINDOW_MS while the server waits for it. */
export const WINDOW_MS = 30_000;
export const MIN_BYTES = 1024;
/** What is read and thrown away of a body after the reply, so that the client sees the reply and not a broken connection. */
export const DRAIN_BYTES = 1024 * 1024;
export const DRAIN_MS = 5_000;
const SWEEP_MS = 1_000;

interface Upload {
  req: LocalRequest;
  since: number;
  bytes: number;
  answered: boolean;
}

export class Uploads {
  readonly #clock: Clock;
  readonly #onSlow: (req: LocalRequest) => void;
  readonly #open = new Map<LocalRequest, Upload>();
  #timer: Timer | null = null;

  /** @param onSlow must end the request's connection */
  constructor(clock: Clock, onSlow: (req: LocalRequest) => void) {
    this.#clock = clock;
    this.#onSlow = onSlow;
  }

  add(req: LocalRequest): void {
    this.#open.set(req, { req, since: this.#clock.monotonic(), bytes: req.socket.bytesRead, answered: false });
    req.once('close', () => this.#open.delete(req));
    req.once('end', () => this.#open.delete(req));
    this.#timer ??= this.#clock.setTimeout(this.#sweep, SWEEP_MS);
  }

  /** The reply is out: from here on the rest of the body is only thrown away. */
  answered(req: LocalRequest): void {
    const upload = this.#open.get(req);
    if (!upload) return;
    Object.assign(upload, { since: this.#clock.monotonic(), bytes: req.socket.bytesRead, answered: true });
    // Node does so by itself. On Deno nobody would read it, and the connection's next request would wait behind it.
    if (req.readableFlowing === null) req.resume();
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
        this.#onSlow(upload.req);
      }
    }
    if (this.#open.size) this.#timer = this.#clock.setTimeout(this.#sweep, SWEEP_MS);
  };
}

/** Judges one upload and, where its window is over, begins the next. */
function isSlow(upload: Upload, now: number): boolean {
  const arrived = upload.req.socket.bytesRead - upload.bytes;
  if (upload.answered) return arrived > DRAIN_BYTES || now - upload.since >= DRAIN_MS;
  const waiting = upload.req.readableLength === 0 && !upload.req.complete;
  if (waiting && arrived < MIN_BYTES) return now - upload.since >= WINDOW_MS;
  upload.since = now;
  upload.bytes += arrived;
  return false;
}

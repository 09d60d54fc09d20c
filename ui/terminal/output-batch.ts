/**
 * Output on its way to the screen. A first piece is written at once, what follows it closely together: each writing costs a
 * drawing, and of a flood nobody sees the lines that scroll past between two of them.
 */
import type { Timer } from '../state/signal.ts';

/** Between two writings; of a flood, longer: ms. */
export const PAUSE_MS = 16;
export const FLOOD_PAUSE_MS = 50;
/** So many bytes in one writing are a flood. */
export const FLOOD = 16 * 1024;

interface BatchDeps {
  /** @param offset of the output behind these bytes; null: a repaint, which has none */
  write(bytes: Uint8Array, offset: number | null): void;
  now(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

/** Bounded by the window of the server, which sends no more than that beyond what was shown. */
export class OutputBatch {
  readonly #deps: BatchDeps;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #offset: number | null = null;
  #timer: Timer | null = null;
  /** Before this time nothing is written by itself. */
  #pauseUntil = 0;

  constructor(deps: BatchDeps) {
    this.#deps = deps;
  }

  add(bytes: Uint8Array, offset: number | null): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    this.#offset = offset;
    const left = this.#pauseUntil - this.#deps.now();
    if (left <= 0) this.flush();
    else this.#timer ??= this.#deps.setTimeout(() => this.flush(), left);
  }

  /** Writes what waits, now: what comes next must come after it. */
  flush(): void {
    this.stop();
    if (!this.#length) return;
    const [bytes, offset] = [joined(this.#pieces, this.#length), this.#offset];
    const pause = this.#length >= FLOOD ? FLOOD_PAUSE_MS : PAUSE_MS;
    this.#pieces = [];
    this.#length = 0;
    this.#pauseUntil = this.#deps.now() + pause;
    this.#deps.write(bytes, offset);
  }

  /** Writes nothing more by itself. */
  stop(): void {
    if (this.#timer !== null) this.#deps.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

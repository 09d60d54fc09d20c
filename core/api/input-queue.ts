import { INPUT_WINDOW, TERMINAL_CHUNK } from './terminals.ts';

/** Input that waits for the server, bytes; what is typed or pasted beyond is refused. */
export const MAX_INPUT = 8 * 1024 * 1024;

/**
 * Input that the server has not acknowledged, of a page or of the command line client. Byte n of a client's input is always
 * the same byte: `acknowledged` counts those that the server has, `sent` those that are on their way (TERMINAL.md, "Input is
 * typed once").
 */
export class InputQueue {
  /** Begins at byte `#acknowledged`. */
  readonly #parts: Uint8Array[] = [];
  #acknowledged = 0;
  #sent = 0;
  #length = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** @returns false when too much waits already; nothing is taken then */
  add(bytes: Uint8Array): boolean {
    if (this.#length + bytes.length > MAX_INPUT) return false;
    if (bytes.length) this.#parts.push(bytes);
    this.#length += bytes.length;
    return true;
  }

  /** The server has everything before byte `end`. */
  acknowledge(end: number): void {
    let count = end - this.#acknowledged;
    this.#acknowledged = Math.max(this.#acknowledged, end);
    while (count > 0 && this.#parts.length) {
      const first = this.#parts[0]!;
      if (first.length > count) this.#parts[0] = first.subarray(count);
      else this.#parts.shift();
      this.#length -= Math.min(first.length, count);
      count -= first.length;
    }
  }

  /**
   * A new connection: what the server has not got is sent again. `end`: the bytes that it has got. null, or less than it
   * acknowledged: it has lost its count, and both count from there on again. What was on its way then may have been typed, and
   * is not sent again.
   */
  resume(end: number | null): void {
    if (end === null || end < this.#acknowledged) {
      this.acknowledge(this.#sent);
      this.#acknowledged = end ?? 0;
    } else this.acknowledge(end);
    this.#sent = this.#acknowledged;
  }

  /** The next piece that may be sent now; null when there is none or the window is full. */
  next(): Uint8Array<ArrayBuffer> | null {
    const room = this.#acknowledged + INPUT_WINDOW - this.#sent;
    if (room <= 0) return null;
    let start = this.#acknowledged;
    for (const part of this.#parts) {
      const from = this.#sent - start;
      if (from < part.length) {
        const piece = part.slice(from, from + Math.min(TERMINAL_CHUNK, room));
        this.#sent += piece.length;
        return piece as Uint8Array<ArrayBuffer>;
      }
      start += part.length;
    }
    return null;
  }
}

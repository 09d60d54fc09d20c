/** WebSocket frames as far as the relay needs them: where they end in a stream of bytes, and a close frame. Pure. */
import { Buffer } from 'node:buffer';

/** Follows frame lengths in a stream of unmasked frames (RFC 6455 section 5.2). */
export class FrameBoundary {
  #header: number[] = [];
  #left = 0;

  /** Whether no frame has begun, or the last one is complete. */
  get between(): boolean {
    return this.#left === 0 && this.#header.length === 0;
  }

  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) at += this.#step(chunk, at);
  }

  /** Feeds until a frame ends. @returns how many bytes that took, at most all */
  feedToEnd(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && !this.between) at += this.#step(chunk, at);
    return at;
  }

  /** @returns how many bytes from `at` on it consumed */
  #step(chunk: Uint8Array, at: number): number {
    if (this.#left > 0) {
      const part = Math.min(this.#left, chunk.length - at);
      this.#left -= part;
      return part;
    }
    this.#header.push(chunk[at]!);
    const length = this.#header.length < 2 ? null : payloadLength(this.#header);
    if (length !== null) {
      this.#header = [];
      this.#left = length;
    }
    return 1;
  }
}

/** @returns null while the header is incomplete */
function payloadLength(header: number[]): number | null {
  const short = header[1]! & 0x7f;
  if (short < 126) return short;
  const bytes = short === 126 ? 2 : 8;
  if (header.length < 2 + bytes) return null;
  return header.slice(2).reduce((length, byte) => length * 256 + byte, 0);
}

/** An unmasked close frame (RFC 6455 section 5.5.1). @param reason at most 123 bytes of UTF-8 */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x88;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}

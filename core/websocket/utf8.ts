/** Checks UTF-8 (RFC 3629) as bytes arrive, so that an invalid one is refused at once and not at the end of the message. */
import { type Buffer, isUtf8 } from 'node:buffer';

/** Runs of at least this many bytes are checked natively. */
const NATIVE_MIN = 48;
/** Texts shorter than this are checked byte by byte: a native call costs more. */
const SHORT_TEXT = 96;

/** Checks one text that arrives in parts. */
export class Utf8Checker {
  /** Continuation bytes that the current character still needs, and the allowed range of the next one. */
  #need = 0;
  #low = 0x80;
  #high = 0xbf;

  /** @returns false as soon as no continuation could make the text valid */
  push(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    while (this.#need > 0 && at < end) if (!this.#step(bytes[at++]!)) return false;
    if (end - at >= NATIVE_MIN) {
      const cut = lastBoundary(bytes, at, end);
      if (!isUtf8(bytes.subarray(at, cut))) return false;
      at = cut;
    }
    while (at < end) if (!this.#step(bytes[at++]!)) return false;
    return true;
  }

  /** @returns whether the text may end here. The checker is then ready for the next text. */
  end(): boolean {
    const complete = this.#need === 0;
    this.#need = 0;
    this.#low = 0x80;
    this.#high = 0xbf;
    return complete;
  }

  /** RFC 3629 §4, the table of well-formed sequences. */
  #step(byte: number): boolean {
    if (this.#need > 0) {
      if (byte < this.#low || byte > this.#high) return false;
      this.#need--;
      this.#low = 0x80;
      this.#high = 0xbf;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#need = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.#low = 0xa0; // shorter forms exist
    else if (byte === 0xf0) this.#low = 0x90;
    else if (byte === 0xed) this.#high = 0x9f; // surrogates
    else if (byte === 0xf4) this.#high = 0x8f; // above U+10FFFF
    return true;
  }
}

/** Where the last character begins if it lacks bytes; otherwise `end`. */
function lastBoundary(bytes: Buffer, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= start; back++) {
    const byte = bytes[end - back]!;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) > back ? end - back : end;
  }
  return end;
}

/** The text of bytes start..end, or null if they are not UTF-8. A byte order mark is kept. */
export function decodeText(bytes: Buffer, start: number, end: number): string | null {
  if (end - start < SHORT_TEXT) {
    let all = 0;
    for (let i = start; i < end; i++) all |= bytes[i]!;
    if (all < 0x80) return bytes.toString('latin1', start, end);
  }
  return isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : null;
}

/**
 * C1 control characters in UTF-8 (c2 80 to c2 9f): text that was decoded with the wrong encoding is full of them, and U+009D
 * would swallow everything up to the next ESC. No program that writes UTF-8 means them, so they are taken out.
 */
import type { Buffer } from 'node:buffer';

const LEAD = 0xc2;

/** Makes C1 characters ineffective, across the chunks of one output. */
export class C1Filter {
  #isAfterLead = false;

  /**
   * Changes the bytes in place and returns them. The second byte becomes NUL: c2 alone is then no character and is dropped by
   * every UTF-8 decoder, and NUL has no effect, so that the length stays and nothing has to be held back.
   */
  filter(bytes: Buffer): Buffer {
    for (let at = this.#isAfterLead ? 0 : bytes.indexOf(LEAD) + 1 || bytes.length; at < bytes.length;) {
      if (bytes[at]! >= 0x80 && bytes[at]! < 0xa0) bytes[at] = 0;
      const next = bytes.indexOf(LEAD, at);
      if (next < 0) break;
      at = next + 1;
    }
    this.#isAfterLead = bytes.length > 0 ? bytes.at(-1) === LEAD : this.#isAfterLead;
    return bytes;
  }
}

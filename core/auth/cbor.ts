/** The part of CBOR (RFC 8949) that authenticators write: definite lengths, no tags, no floats (CTAP 2.1 section 8). Pure. */
import type { Buffer } from 'node:buffer';

export type CborValue = number | string | boolean | null | Buffer | CborValue[] | CborMap;
export type CborMap = Map<number | string, CborValue>;

/** Maps and arrays inside one another. */
const MAX_DEPTH = 8;
/** Values in one text. */
const MAX_VALUES = 256;

/** Reads one value. @returns it and the offset of its end. @throws for anything else than one of these values, whole */
export function decodeCbor(bytes: Buffer): { value: CborValue; end: number } {
  const reader = new Reader(bytes);
  return { value: reader.value(0), end: reader.at };
}

class Reader {
  readonly #bytes: Buffer;
  #left = MAX_VALUES;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth: number): CborValue {
    if (depth > MAX_DEPTH || this.#left-- <= 0) throw new Error('CBOR: too much inside one another');
    const [first] = this.#take(1);
    const kind = first! >> 5;
    if (kind === 7) return simple(first! & 31);
    const argument = this.#argument(first! & 31);
    switch (kind) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.#take(argument);
      case 3:
        return new TextDecoder('utf-8', { fatal: true }).decode(this.#take(argument));
      case 4:
        return this.#list(argument, depth);
      case 5:
        return this.#map(argument, depth);
      default:
        throw new Error('CBOR: tags are not expected');
    }
  }

  #list(length: number, depth: number): CborValue[] {
    const list: CborValue[] = [];
    while (list.length < length) list.push(this.value(depth + 1));
    return list;
  }

  #map(size: number, depth: number): CborMap {
    const map: CborMap = new Map();
    for (let i = 0; i < size; i++) {
      const key = this.value(depth + 1);
      if ((typeof key !== 'number' && typeof key !== 'string') || map.has(key)) throw new Error('CBOR: a bad map key');
      map.set(key, this.value(depth + 1));
    }
    return map;
  }

  /** RFC 8949 section 3: the value itself up to 23, else 1, 2, 4 or 8 bytes; 8 are never needed here. */
  #argument(short: number): number {
    if (short < 24) return short;
    if (short > 26) throw new Error('CBOR: a length that is not expected');
    const size = 1 << (short - 24);
    return this.#take(size).readUIntBE(0, size);
  }

  #take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.#bytes.length) throw new Error('CBOR: cut short');
    const part = this.#bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}

function simple(code: number): CborValue {
  if (code === 20 || code === 21) return code === 21;
  if (code === 22) return null;
  throw new Error('CBOR: a simple value that is not expected');
}

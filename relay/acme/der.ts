/**
 * DER, the binary form of ASN.1 (X.690 section 10): as much of it as certificates and certificate requests need. Pure.
 * An element is a tag of one byte, a length in its shortest form and that many bytes of content.
 */
import { Buffer } from 'node:buffer';

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Bytes of a length that is read: 4 GiB is more than any certificate has. */
const MAX_LENGTH_BYTES = 4;

/** One element. @param tag one byte; tags above 30 are not needed here */
export function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Buffer.from([tag]), encodeLength(length), ...contents]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...parts: Uint8Array[]): Buffer => element(TAG.sequence, ...parts);
export const set = (...parts: Uint8Array[]): Buffer => element(TAG.set, ...parts);
export const octetString = (bytes: Uint8Array): Buffer => element(TAG.octetString, bytes);
/** Of whole bytes only: the first content byte counts the unused bits. */
export const bitString = (bytes: Uint8Array): Buffer => element(TAG.bitString, Buffer.from([0]), bytes);
export const utf8String = (text: string): Buffer => element(TAG.utf8String, Buffer.from(text));
export const boolean = (value: boolean): Buffer => element(TAG.boolean, Buffer.from([value ? 0xff : 0]));
/** Context-specific tag, e.g. `[0]`. @param constructed it holds elements, not a value */
export const tagged = (number: number, constructed: boolean, ...parts: Uint8Array[]): Buffer =>
  element(0x80 | (constructed ? 0x20 : 0) | number, ...parts);

/** A number that is not negative, given as a number or as big-endian bytes. */
export function integer(value: number | Uint8Array): Buffer {
  let bytes = typeof value === 'number' ? numberBytes(value) : Buffer.from(value);
  while (bytes.length > 1 && bytes[0] === 0 && bytes[1]! < 0x80) bytes = bytes.subarray(1);
  // The top bit is the sign.
  return bytes[0]! < 0x80 ? element(TAG.integer, bytes) : element(TAG.integer, Buffer.from([0]), bytes);
}

function numberBytes(value: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
}

/** @param dotted e.g. `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAG.objectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128));
  return bytes;
}

/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from then on. Whole seconds. */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().slice(0, 19).replace(/\D/g, '');
  return digits < '2050'
    ? element(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`))
    : element(TAG.generalizedTime, Buffer.from(`${digits}Z`));
}

export interface DerElement {
  tag: number;
  content: Buffer;
  /** Offset of what follows. */
  end: number;
}

/** Reads the element at `at`. Throws for one that does not fit into `bytes`, has a long tag or an indefinite length. */
export function readElement(bytes: Buffer, at: number): DerElement {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Error('DER: no element');
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > MAX_LENGTH_BYTES || start + count > bytes.length) throw new Error('DER: bad length');
    length = bytes.readUIntBE(start, count);
    start += count;
  }
  if (start + length > bytes.length) throw new Error('DER: element is cut off');
  return { tag, content: bytes.subarray(start, start + length), end: start + length };
}

/** The elements inside of a constructed one. Throws like readElement. */
export function readElements(content: Buffer): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < content.length;) {
    const next = readElement(content, at);
    elements.push(next);
    at = next.end;
  }
  return elements;
}

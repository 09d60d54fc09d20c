/**
 * The records of a zip file (PKWARE APPNOTE 6.3.10) that is written without going back: sizes and sums stand behind each
 * entry (section 4.3.9) and in the directory at the end; what may pass 4 GiB has 64-bit fields. Pure.
 */
import { Buffer } from 'node:buffer';

/** Section 4.4.3: 64-bit sizes. */
const VERSION = 45;
/** Section 4.4.4: bit 3, sizes follow the data; bit 11, names are UTF-8. */
const FLAGS = 0x0808;
const DEFLATED = 8;
const MAX_32 = 0xffffffff;
const MAX_16 = 0xffff;
/** Section 4.5.3: the extra field with 64-bit values. */
const ZIP64 = 1;
/** A Unix file mode is in the upper half of the external attributes (section 4.4.2.2). */
const MADE_BY_UNIX = 3 << 8;

export interface ZipEntry {
  /** With "/"; a directory ends with it. */
  name: string;
  /** ms since the Unix epoch. */
  modifiedAt: number;
  mode: number;
}

export interface WrittenEntry extends ZipEntry {
  crc: number;
  packed: number;
  size: number;
  /** Where its local header begins. */
  at: number;
}

const u16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value & MAX_16);
  return bytes;
};
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(Math.min(value, MAX_32));
  return bytes;
};
const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** Section 4.4.6: two seconds exact, from 1980, as on the clock of UTC. */
function dosTime(ms: number): Buffer {
  const at = new Date(Math.max(ms, Date.UTC(1980, 0, 1)));
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  const date = (Math.min(at.getUTCFullYear() - 1980, 127) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  return Buffer.concat([u16(time), u16(date)]);
}

/** Section 4.3.7. The 64-bit field says that the descriptor has 64-bit sizes. */
export function localHeader(entry: ZipEntry): Buffer {
  const name = Buffer.from(entry.name);
  const extra = Buffer.concat([u16(ZIP64), u16(16), u64(0), u64(0)]);
  return Buffer.concat([
    u32(0x04034b50),
    u16(VERSION),
    u16(FLAGS),
    u16(DEFLATED),
    dosTime(entry.modifiedAt),
    u32(0),
    u32(MAX_32),
    u32(MAX_32),
    u16(name.length),
    u16(extra.length),
    name,
    extra,
  ]);
}

/** Section 4.3.9. */
export const descriptor = ({ crc, packed, size }: Pick<WrittenEntry, 'crc' | 'packed' | 'size'>): Buffer =>
  Buffer.concat([u32(0x08074b50), u32(crc), u64(packed), u64(size)]);

/** Section 4.3.12. */
export function directoryHeader(entry: WrittenEntry): Buffer {
  const name = Buffer.from(entry.name);
  const extra = Buffer.concat([u16(ZIP64), u16(24), u64(entry.size), u64(entry.packed), u64(entry.at)]);
  return Buffer.concat([
    u32(0x02014b50),
    u16(VERSION | MADE_BY_UNIX),
    u16(VERSION),
    u16(FLAGS),
    u16(DEFLATED),
    dosTime(entry.modifiedAt),
    u32(entry.crc),
    u32(MAX_32),
    u32(MAX_32),
    u16(name.length),
    u16(extra.length),
    u16(0),
    u16(0),
    u16(0),
    u32((entry.mode & MAX_16) * 0x10000 + (entry.name.endsWith('/') ? 0x10 : 0)),
    u32(MAX_32),
    name,
    extra,
  ]);
}

/** Sections 4.3.14 to 4.3.16. @param count entries; @param size bytes of the directory; @param at where it begins */
export function directoryEnd(count: number, size: number, at: number): Buffer {
  return Buffer.concat([
    u32(0x06064b50),
    u64(44),
    u16(VERSION | MADE_BY_UNIX),
    u16(VERSION),
    u32(0),
    u32(0),
    u64(count),
    u64(count),
    u64(size),
    u64(at),
    u32(0x07064b50),
    u32(0),
    u64(at + size),
    u32(1),
    u32(0x06054b50),
    u16(0),
    u16(0),
    u16(MAX_16),
    u16(MAX_16),
    u32(MAX_32),
    u32(MAX_32),
    u16(0),
  ]);
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 of what came before (0 at first) and these bytes. */
export function crc32(before: number, bytes: Uint8Array): number {
  let value = ~before;
  for (let i = 0; i < bytes.length; i++) value = TABLE[(value ^ bytes[i]!) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}

/** A name that no program that unpacks it takes for a path of its own: a backslash is a separator on Windows. */
export const entryName = (path: string): string => path.replaceAll('\\', '_');

/**
 * Animated PNG (W3C PNG, third edition, section 11.3.4): the pictures of a browser, one after another, in one file. What knows
 * no animation shows the first.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from '../../agent/files/zip.ts';

export interface Frame {
  png: Uint8Array;
  /** How long it is shown, in ms; up to 65,535. */
  shownMs: number;
}

interface Chunk {
  type: string;
  data: Buffer;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, type and checksum. */
const FRAMING = 12;
const MS_PER_SECOND = 1000;

/**
 * @returns a file that shows the frames for ever
 * @throws Error when a frame is no PNG, or not of the size and kind of the first
 */
export function animate(frames: readonly Frame[]): Buffer {
  const all = frames.map(({ png }) => chunksOf(png));
  const header = all[0]?.find(({ type }) => type === 'IHDR');
  if (!header) throw new Error('There is no picture to animate.');
  const same = all.every((chunks) => chunks.find(({ type }) => type === 'IHDR')?.data.equals(header.data));
  if (!same) throw new Error('The pictures are not all of one size and kind.');
  let sequence = 0;
  const body = all.flatMap((chunks, i) => {
    const control = frameControl(sequence++, header.data, frames[i]!.shownMs);
    const data = chunks.filter(({ type }) => type === 'IDAT');
    return [control, ...data.map((chunk) => i === 0 ? chunk : frameData(sequence++, chunk.data))];
  });
  const chunks = [header, animationControl(frames.length), ...body, { type: 'IEND', data: Buffer.alloc(0) }];
  return Buffer.concat([SIGNATURE, ...chunks.map(written)]);
}

function animationControl(frames: number): Chunk {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(frames, 0); // the second number, 0: for ever
  return { type: 'acTL', data };
}

/** The whole picture, in place of the one before. */
function frameControl(sequence: number, header: Buffer, shownMs: number): Chunk {
  const data = Buffer.alloc(26);
  data.writeUInt32BE(sequence, 0);
  header.copy(data, 4, 0, 8); // width and height
  data.writeUInt16BE(shownMs, 20);
  data.writeUInt16BE(MS_PER_SECOND, 22);
  return { type: 'fcTL', data };
}

function frameData(sequence: number, image: Buffer): Chunk {
  const data = Buffer.alloc(4 + image.length);
  data.writeUInt32BE(sequence, 0);
  image.copy(data, 4);
  return { type: 'fdAT', data };
}

function chunksOf(png: Uint8Array): Chunk[] {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('A picture is no PNG.');
  const chunks: Chunk[] = [];
  for (let at = SIGNATURE.length; at < bytes.length;) {
    const end = at + FRAMING + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new Error('A picture is cut off.');
    chunks.push({ type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, end - 4) });
    at = end;
  }
  return chunks;
}

function written({ type, data }: Chunk): Buffer {
  const chunk = Buffer.alloc(FRAMING + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  data.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(0, chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** A video for the tests of players: WebM (RFC 9559) of pictures that the browser itself encodes. */
import { Buffer } from 'node:buffer';
import type { Page } from 'playwright-core';

/** Bytes of nothing behind each picture, so that a player cannot have the whole file with its beginning. */
const PADDING = 2 * 1024 * 1024;
const [WIDTH, HEIGHT] = [64, 48];

/** @param page of a secure context @returns a file with one picture a second, and an index in front of them */
export async function createVideo(page: Page, seconds: number): Promise<Buffer> {
  const frames = await encodeFrames(page, seconds);
  const clusters = frames.map((frame, i) => clusterOf(i * 1000, frame));
  const [information, tracks] = [informationOf(seconds * 1000), tracksOf()];
  // Each of its numbers has a fixed length, so it is as long with any positions.
  const cuesLength = cuesOf(clusters.map(() => 0)).length;
  let at = information.length + tracks.length + cuesLength;
  const positions = clusters.map((cluster) => (at += cluster.length) - cluster.length);
  return Buffer.concat([HEAD, element('18538067', information, tracks, cuesOf(positions), ...clusters)]);
}

/** VP8, each of them a key frame. */
async function encodeFrames(page: Page, count: number): Promise<Buffer[]> {
  const frames = await page.evaluate(async ([count, width, height]) => {
    const chunks: number[][] = [];
    const encoder = new VideoEncoder({
      output: (chunk) => {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        chunks.push([...bytes]);
      },
      error: (error) => console.error(error),
    });
    encoder.configure({ codec: 'vp8', width, height });
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d')!;
    for (let i = 0; i < count; i++) {
      context.fillStyle = `hsl(${i * 18} 80% 50%)`;
      context.fillRect(0, 0, width, height);
      const frame = new VideoFrame(canvas, { timestamp: i * 1e6 });
      encoder.encode(frame, { keyFrame: true });
      frame.close();
    }
    await encoder.flush();
    return chunks;
  }, [count, WIDTH, HEIGHT] as const);
  return frames.map((bytes) => Buffer.from(bytes));
}

function element(id: string, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(content.length));
  size[0] = 1; // the mark of a length of eight bytes
  return Buffer.concat([Buffer.from(id, 'hex'), size, content]);
}

function unsigned(id: string, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return element(id, bytes);
}

const text = (id: string, value: string) => element(id, Buffer.from(value));

const HEAD = element(
  '1a45dfa3',
  ...[['4286', 1], ['42f7', 1], ['42f2', 4], ['42f3', 8]].map(([id, value]) => unsigned(id as string, value as number)),
  text('4282', 'webm'),
  unsigned('4287', 2),
  unsigned('4285', 2),
);

function informationOf(durationMs: number): Buffer {
  const duration = Buffer.alloc(8);
  duration.writeDoubleBE(durationMs);
  const names = [text('4d80', 'test'), text('5741', 'test')];
  return element('1549a966', unsigned('2ad7b1', 1_000_000), element('4489', duration), ...names);
}

function tracksOf(): Buffer {
  const video = element('e0', unsigned('b0', WIDTH), unsigned('ba', HEIGHT));
  const track = [unsigned('d7', 1), unsigned('73c5', 1), unsigned('83', 1), text('86', 'V_VP8'), video];
  return element('1654ae6b', element('ae', ...track));
}

/** @param positions of the clusters, behind the segment's own head */
function cuesOf(positions: number[]): Buffer {
  const points = positions.map((position, i) =>
    element('bb', unsigned('b3', i * 1000), element('b7', unsigned('f7', 1), unsigned('f1', position)))
  );
  return element('1c53bb6b', ...points);
}

function clusterOf(timeMs: number, frame: Buffer): Buffer {
  const block = element('a3', Buffer.from([0x81, 0, 0, 0x80]), frame);
  return Buffer.concat([element('1f43b675', unsigned('e7', timeMs), block), element('ec', Buffer.alloc(PADDING))]);
}

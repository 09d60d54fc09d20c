import { Buffer } from 'node:buffer';
import { crc32, deflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { animate } from '../../scripts/screenshots/apng.ts';

const chunk = (type: string, data: Buffer) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
};

/** A grey picture; its data in two pieces, as browsers write them. */
function picture(width: number, grey: number): Buffer {
  const header = Buffer.from([0, 0, 0, width, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const data = deflateSync(Buffer.concat([Buffer.from([0]), Buffer.alloc(width, grey)]));
  const pieces = [chunk('IDAT', data.subarray(0, 3)), chunk('IDAT', data.subarray(3))];
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', header), ...pieces, chunk('IEND', Buffer.alloc(0))]);
}

/** @returns type and data of each chunk */
function read(png: Buffer): [string, Buffer][] {
  const chunks: [string, Buffer][] = [];
  for (let at = 8; at < png.length;) {
    const end = at + 8 + png.readUInt32BE(at);
    if (crc32) assert.is(png.readUInt32BE(end), crc32(png.subarray(at + 4, end)));
    chunks.push([png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, end)]);
    at = end + 4;
  }
  return chunks;
}

test('pictures follow each other, for ever', () => {
  const frames = [picture(5, 1), picture(5, 2), picture(5, 3)].map((png, i) => ({ png, shownMs: 700 + i }));
  const chunks = read(animate(frames));
  const types = 'IHDR acTL fcTL IDAT IDAT fcTL fdAT fdAT fcTL fdAT fdAT IEND';
  assert.is(chunks.map(([type]) => type).join(' '), types);
  assert.equal([...chunks[1]![1]], [0, 0, 0, 3, 0, 0, 0, 0]);
  const counted = chunks.filter(([type]) => type === 'fcTL' || type === 'fdAT').map(([, data]) => data.readUInt32BE(0));
  assert.equal(counted, [0, 1, 2, 3, 4, 5, 6]);
  const controls = chunks.filter(([type]) => type === 'fcTL').map(([, data]) => data);
  assert.equal(controls.map((data) => [data.readUInt32BE(4), data.readUInt16BE(20)]), [[5, 700], [5, 701], [5, 702]]);
});

test('what does not fit together is refused', () => {
  const frame = (png: Buffer) => ({ png, shownMs: 1 });
  assert.throws(() => animate([]), /no picture/);
  assert.throws(() => animate([frame(picture(5, 1)), frame(picture(6, 1))]), /not all of one size/);
  assert.throws(() => animate([frame(Buffer.from('GIF89a..'))]), /no PNG/);
  assert.throws(() => animate([frame(picture(5, 1).subarray(0, 40))]), /cut off/);
});

test.run();

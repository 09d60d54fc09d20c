import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameEncoder, packHead, readFrames, TunnelProtocolError, unpackHead } from '../../../core/tunnel/frame.ts';
import { MAX_HEAD, MAX_HEAD_STRINGS, MAX_PLAIN } from '../../../core/tunnel/limits.ts';
import { frame, head } from '../../support/fakes/hostile-peer.ts';

const broken = (error: unknown) => error instanceof TunnelProtocolError;

function frames(record: Buffer) {
  const list: [number, number, number, string][] = [];
  readFrames(record, (type, flags, id, payload) => list.push([type, flags, id, payload.toString()]));
  return list;
}

test('frames are written and read one behind the other', () => {
  const writer = new FrameEncoder({ acquire: () => Buffer.alloc(MAX_PLAIN), release: () => {} });
  writer.begin(3, 1, 7);
  writer.bytes(Buffer.from('body'));
  writer.finish();
  writer.begin(5, 0, 0xffff_ffff);
  writer.u32(9);
  writer.finish();
  const record = Buffer.from(writer.take());
  assert.is(record.toString('hex'), '0301000400000007' + '626f6479' + '05000004ffffffff' + '00000009');
  assert.is(writer.length, 0);
  assert.equal(frames(record).map(([type, flags, id]) => [type, flags, id]), [[3, 1, 7], [5, 0, 0xffff_ffff]]);
});

test('payloads of 0, 1, 255, 256, 65,535 bytes keep their length', () => {
  for (const size of [0, 1, 255, 256, 0xffff]) {
    const [only] = frames(frame(3, 0, 1, Buffer.alloc(size, 'x')));
    assert.is(only![3].length, size);
  }
});

test('a record cut at any byte inside a frame is refused', () => {
  const record = Buffer.concat([frame(3, 0, 1, Buffer.from('ab')), frame(4, 0, 1, Buffer.from('cd'))]);
  for (let cut = 1; cut < record.length; cut++) {
    if (cut === 10) continue; // between the two frames
    assert.throws(() => frames(record.subarray(0, cut)), broken, String(cut));
  }
});

test('a head of every sort of string comes back as it was', () => {
  for (const strings of [[], [''], ['GET', '/', ''], ['a', '\u00ff'.repeat(300), '', 'é'], ['x'.repeat(30_000)]]) {
    const bytes = head(strings);
    assert.is(bytes.length, packHead(strings)!.size);
    assert.equal(unpackHead(bytes, 0), { strings, end: bytes.length });
  }
});

test('heads at the limits are packed, one past them are not', () => {
  const full = 'x'.repeat(MAX_HEAD - 4);
  assert.is(packHead([full])!.size, MAX_HEAD);
  assert.is(packHead([`${full}x`]), null);
  assert.ok(packHead(new Array(MAX_HEAD_STRINGS).fill('')));
  assert.is(packHead(new Array(MAX_HEAD_STRINGS + 1).fill('')), null);
});

test('characters that would end a line or lose their high byte are never packed', () => {
  for (const bad of ['\r', '\n', '\0', '\u010a', '\u2028', '😀']) {
    assert.is(packHead([`a${bad}b`]), null, JSON.stringify(bad));
  }
});

test('a packed head that is cut, too long, or holds a line end is refused', () => {
  const bytes = head(['GET', '/path', 'peer']);
  for (let cut = 0; cut < bytes.length; cut++) assert.is(unpackHead(bytes.subarray(0, cut), 0), null);
  const evil = Buffer.from(bytes);
  evil[evil.length - 2] = 10;
  assert.is(unpackHead(evil, 0), null);
  const many = Buffer.alloc(2 + 2 * (MAX_HEAD_STRINGS + 1));
  many.writeUInt16BE(MAX_HEAD_STRINGS + 1);
  assert.is(unpackHead(many, 0), null);
});

test('random bytes never make the reader do anything but give frames or throw WireError', () => {
  let seed = 1;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  for (let round = 0; round < 2000; round++) {
    const record = Buffer.from(Array.from({ length: Math.floor(random() * 64) }, () => Math.floor(random() * 256)));
    try {
      readFrames(record, (_type, _flags, _id, payload) => void unpackHead(payload, 0));
    } catch (error) {
      assert.ok(broken(error));
    }
  }
});

test.run();

/** permessage-deflate: RFC 7692 §7.2.3, windows, takeover, bombs. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { constants, createInflateRaw, deflateRawSync } from 'node:zlib';
import { Deflater, Inflater } from '../../../core/websocket/deflate.ts';
import { randomBytes, seeded } from '../../support/harness/websocket-frames.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const inflate = (text: string) => new Inflater(15, true).decompress(hex(text), 1000).toString();

const EXAMPLES: [string, string, string][] = [
  ['one block', 'f2 48 cd c9 c9 07 00', 'Hello'],
  ['no compression', '00 05 00 fa ff 48 65 6c 6c 6f 00', 'Hello'],
  ['BFINAL', 'f3 48 cd c9 c9 07 00 00', 'Hello'],
  ['two blocks', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00', 'Hello'],
  ['empty', '00', ''],
  ['a BFINAL block, then another', 'f3 48 cd c9 c9 07 00 f3 48 cd c9 c9 07 00 00', 'HelloHello'],
];
for (const [name, bytes, expected] of EXAMPLES) {
  test(`RFC 7692 §7.2.3: ${name}`, () => assert.is(inflate(bytes), expected));
}

test('RFC 7692 §7.2.3.2: the second message uses the window of the first', () => {
  const inflater = new Inflater(15, false);
  assert.is(inflater.decompress(hex('f2 48 cd c9 c9 07 00'), 100).toString(), 'Hello');
  assert.is(inflater.decompress(hex('f2 00 11 00 00'), 100).toString(), 'Hello');
  assert.throws(() => new Inflater(15, true).decompress(hex('f2 00 11 00 00'), 100), /damaged/);
});

test('round trips with every window and takeover setting', () => {
  for (let bits = 8; bits <= 15; bits++) {
    for (const fresh of [false, true]) {
      const random = seeded(bits);
      const deflater = new Deflater(bits, fresh), inflater = new Inflater(bits, fresh);
      const words = Array.from({ length: 40 }, () => randomBytes(random, 12));
      for (const size of [0, 1, 5, 300, 70, 40_000, 2, 33_000]) {
        const message = Buffer.concat(
          Array.from({ length: Math.ceil(size / 12) }, () => words[Math.floor(random() * 40)]!),
        )
          .subarray(0, size);
        assert.equal(inflater.decompress(deflater.compress(message), 1 << 20), message, `${bits} ${fresh} ${size}`);
      }
    }
  }
});

/** An ordinary streaming inflater with the window that was agreed upon, as a peer has it. */
function peerInflater(windowBits: number) {
  const stream = createInflateRaw({ windowBits });
  return (data: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      const take = (part: Buffer) => parts.push(part);
      stream.on('data', take).off('error', reject).on('error', reject);
      stream.write(Buffer.concat([data, hex('0000ffff')]));
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        stream.off('data', take).off('error', reject);
        resolve(Buffer.concat(parts));
      });
    });
}

test('a peer that inflates as a stream with the agreed window reads every message', async () => {
  for (let bits = 8; bits <= 15; bits++) {
    const random = seeded(bits);
    const deflater = new Deflater(bits, false);
    const read = peerInflater(bits);
    const pool = randomBytes(random, 3000);
    for (let n = 0; n < 30; n++) {
      const from = Math.floor(random() * 2000);
      const message = Buffer.concat([pool.subarray(from, from + 1000), pool.subarray(0, Math.floor(random() * 900))]);
      assert.equal(await read(deflater.compress(message)), message, `${bits} ${n}`);
    }
  }
});

test('takeover makes a repeated message short', () => {
  const message = randomBytes(seeded(1), 2000);
  const keeps = new Deflater(15, false), forgets = new Deflater(15, true);
  assert.ok(keeps.compress(message).length > 2000);
  // A runtime whose zlib takes no dictionary does without.
  const dictionary = deflateRawSync(message, { dictionary: message }).length < 50;
  assert.is(keeps.compress(message).length < 50, dictionary);
  forgets.compress(message);
  assert.ok(forgets.compress(message).length > 2000);
});

test('output: at the limit and just past it', () => {
  const bytes = new Deflater(15, true).compress(Buffer.alloc(5000, 1));
  assert.is(new Inflater(15, true).decompress(bytes, 5000).length, 5000);
  assert.throws(
    () => new Inflater(15, true).decompress(bytes, 4999),
    (e: { code: string }) => e.code === 'WS_MESSAGE_TOO_BIG',
  );
});

test('a bomb is cut while it inflates', () => {
  const bomb = deflateRawSync(Buffer.alloc(64 << 20), { finishFlush: constants.Z_SYNC_FLUSH });
  const before = process.memoryUsage().arrayBuffers;
  const started = cpuMs();
  assert.throws(() => new Inflater(15, true).decompress(bomb, 1 << 20), /too big/);
  assert.ok(cpuMs() - started < 200);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 << 20);
});

test('a message of endless final blocks is refused', () => {
  const blocks = Buffer.alloc(100_000, hex('0300'));
  const started = cpuMs();
  assert.throws(() => new Inflater(15, false).decompress(blocks, 1 << 20), /damaged/);
  assert.ok(cpuMs() - started < 500);
});

for (const bytes of ['ff ff ff', '07', 'f2 48 cd ff ff ff ff']) {
  test(`damaged: ${bytes}`, () =>
    assert.throws(() => inflate(bytes), (e: { code: string }) => e.code === 'WS_INVALID_DEFLATE'));
}

test.run();

/** What waits in a holder: read at any offset, forgotten up to any, in a bound of time and memory however it came in. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { MAX_SPOOL, Spool } from '../../../agent/process/holder/spool.ts';
import { seeded } from '../../support/fakes/seeded.ts';

/** All from `offset` on, read in pieces. */
function rest(spool: Spool, offset: number, limit: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = offset; at < spool.end;) {
    const piece = spool.read(at, limit);
    assert.ok(piece.length > 0 && piece.length <= limit);
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

test('appended, read and released at random, it is the end of what came', () => {
  for (const seed of [1, 2, 3]) {
    const random = seeded(seed);
    const below = (n: number) => Math.floor(random() * n);
    const spool = new Spool();
    let all = Buffer.alloc(0);
    for (let i = 0; i < 150; i++) {
      const bytes = randomBytes(below(3) ? below(50) : below(200_000));
      const before = spool.end;
      spool.append(bytes);
      // What came stays as it is, whatever becomes of the chunk that it came in.
      all = Buffer.concat([all, bytes]);
      const size = bytes.length;
      bytes.fill(0);
      assert.is(spool.end, before + size);
      if (below(4) === 0) spool.release(below(all.length + 10));
      assert.ok(spool.start <= spool.end);
      const from = spool.start + below(spool.end - spool.start + 1);
      if (below(8) === 0) {
        assert.ok(rest(spool, from, 1 + below(70_000)).equals(all.subarray(from)), `seed ${seed}, ${i}`);
      }
    }
    assert.is(spool.read(spool.end, 10).length, 0);
  }
});

test('release goes neither back nor beyond the end', () => {
  const spool = new Spool();
  spool.append(Buffer.from('0123456789'));
  spool.release(4);
  spool.release(2);
  assert.equal([spool.start, spool.end, rest(spool, 4, 100).toString()], [4, 10, '456789']);
  spool.release(99);
  assert.equal([spool.start, spool.end], [10, 10]);
  spool.append(Buffer.from('x'));
  assert.is(rest(spool, 10, 1).toString(), 'x');
});

test('it is full at its bound', () => {
  const spool = new Spool();
  spool.append(Buffer.alloc(MAX_SPOOL - 1));
  assert.not(spool.isFull);
  spool.append(Buffer.alloc(1));
  assert.ok(spool.isFull);
  spool.release(1);
  assert.not(spool.isFull);
});

test('short writes cost what long ones do', () => {
  const ms = (size: number) => {
    const spool = new Spool();
    const chunk = Buffer.alloc(size);
    const from = performance.now();
    // Each is sent at once, as to a server that keeps up; then all of it once more, as to the next one.
    while (!spool.isFull) {
      spool.append(chunk);
      spool.read(spool.end - size, 64 * 1024);
    }
    rest(spool, 0, 64 * 1024);
    return performance.now() - from;
  };
  ms(64 * 1024);
  const [long, short] = [ms(64 * 1024), ms(128)];
  assert.ok(short < 20 * long + 1000, `${short} ms, in long ones ${long} ms`);
});

test.run();

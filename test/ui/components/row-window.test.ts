/** Which rows of a long list are drawn, and that what is not drawn takes the place that it would. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { averageOf, geometryOf, isSame, nextRange, partsOf, rowsWithin } from '../../../ui/components/row-window.ts';
import { seeded } from '../../support/fakes/seeded.ts';

test('the rows that cross the band are drawn, and no other', () => {
  const heights = [100, 50, 200, 100];
  assert.equal(rowsWithin(heights, 4, 0, 100), { from: 0, to: 1 });
  assert.equal(rowsWithin(heights, 4, 0, 101), { from: 0, to: 2 });
  assert.equal(rowsWithin(heights, 4, 100, 350), { from: 1, to: 3 });
  assert.equal(rowsWithin(heights, 4, -500, 0), { from: 0, to: 0 });
  assert.equal(rowsWithin(heights, 4, 450, 900), { from: 0, to: 0 });
  assert.equal(rowsWithin([], 0, 0, 100), { from: 0, to: 0 });
});

test('a row that was never drawn is as high as the others on average', () => {
  assert.is(averageOf([100, 0, 200]), 150);
  assert.equal(rowsWithin([100, 200], 10, 300, 451), { from: 2, to: 4 });
});

test('what is near is drawn at once, what is far a row at a time and only in idle time', () => {
  const wanted = { near: { from: 4, to: 8 }, far: { from: 2, to: 11 } };
  const next = (from: number, to: number, isIdle: boolean) => nextRange({ from, to }, wanted, isIdle);
  assert.equal(next(4, 8, false), { range: { from: 4, to: 8 }, isMore: true });
  assert.equal(next(4, 8, true), { range: { from: 3, to: 9 }, isMore: true });
  assert.equal(next(2, 10, true), { range: { from: 2, to: 11 }, isMore: false });
  // Rows that were scrolled away go with the next that comes.
  assert.equal(next(0, 9, false), { range: { from: 0, to: 9 }, isMore: true });
  assert.equal(next(0, 9, true), { range: { from: 2, to: 10 }, isMore: true });
  // Nearly there: what is drawn and still wanted stays. Elsewhere, or out of sight: it does not.
  assert.equal(next(1, 6, false), { range: { from: 2, to: 8 }, isMore: true });
  assert.equal(next(6, 20, true), { range: { from: 4, to: 11 }, isMore: true });
  assert.equal(next(30, 40, true), { range: { from: 4, to: 8 }, isMore: true });
  const nothing = { near: { from: 0, to: 0 }, far: { from: 0, to: 0 } };
  assert.equal(nextRange({ from: 0, to: 25 }, nothing, false), { range: { from: 0, to: 0 }, isMore: false });
});

test('from anywhere to anywhere: near is there after the first step, far after as many as it has rows', () => {
  const random = seeded(11);
  const upTo = (n: number) => Math.floor(random() * n);
  for (let round = 0; round < 500; round++) {
    const [begin, drawn] = [upTo(40), upTo(40)];
    const isNear = upTo(3) > 0;
    const near = isNear ? { from: begin + upTo(4), to: begin + 5 + upTo(4) } : { from: 0, to: 0 };
    const far = { from: begin, to: (isNear ? near.to : begin) + upTo(4) };
    let { range } = nextRange({ from: drawn, to: drawn + upTo(9) }, { near, far }, false);
    for (let step = 0; step <= far.to - far.from; step++) {
      assert.ok(!isNear || (range.from <= near.from && range.to >= near.to), 'no hole');
      range = nextRange(range, { near, far }, true).range;
    }
    assert.ok(isSame(range, far), `${JSON.stringify({ range, far })}`);
  }
});

test('in any list, at any place, the parts are in order and as high as the whole list', () => {
  const random = seeded(7);
  const upTo = (n: number) => Math.floor(random() * n);
  for (let round = 0; round < 500; round++) {
    const columns = 1 + upTo(3);
    const count = upTo(60);
    const rows = Math.ceil(count / columns);
    const heights = Array.from({ length: upTo(rows + 1) }, () => upTo(3) * 50);
    const [a, b] = [upTo(rows + 1), upTo(rows + 1)];
    const range = { from: Math.min(a, b), to: Math.max(a, b) };
    const focus = upTo(rows + 1) - 1;
    const parts = partsOf(count, { columns, heights }, range, focus);
    const drawn = parts.flatMap((part) => 'index' in part ? [part.index] : []);
    assert.equal(drawn, drawn.toSorted((x, y) => x - y));
    for (let row = range.from; row < range.to; row++) assert.ok(drawn.includes(row * columns));
    for (let row = Math.max(0, focus - 1); focus >= 0 && row <= focus + 1 && row < rows; row++) {
      assert.ok(drawn.includes(row * columns), `row ${row} beside the focus ${focus}`);
    }
    const average = averageOf(heights);
    const high = (row: number) => heights[row] || average;
    const spaces = parts.reduce((sum, part) => sum + ('height' in part ? part.height : 0), 0);
    const firsts = drawn.filter((index) => index % columns === 0);
    const all = Array.from({ length: rows }, (_, row) => high(row)).reduce((sum, height) => sum + height, 0);
    const mine = firsts.reduce((sum, index) => sum + high(index / columns), 0);
    assert.ok(Math.abs(spaces + mine - all) < 1e-6);
  }
});

test('a list is remembered for who comes back, and no more lists than there may be', () => {
  geometryOf('mine').heights = [42];
  assert.equal(geometryOf('mine').heights, [42]);
  for (let i = 0; i < 100; i++) geometryOf(`other ${i}`);
  assert.equal(geometryOf('mine').heights, []);
});

test.run();

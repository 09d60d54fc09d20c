/** Which rows of a long list are drawn, and that what is not drawn takes the place that it would. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { averageOf, geometryOf, partsOf, rowsWithin } from '../../../ui/components/row-window.ts';
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

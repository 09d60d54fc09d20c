import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { steady } from '../../../ui/hooks/quiet.ts';

const item = (id: string, rank = 0) => ({ id, rank });
const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).join('');

test('entries keep their place while others come, go and change their rank', () => {
  const all = new Map(['a', 'b', 'c', 'd'].map((id) => [id, item(id)]));
  const find = (id: string) => all.get(id);
  assert.is(ids(steady(['a', 'b', 'c'], [item('c'), item('a'), item('b')], find)), 'abc');
  assert.is(ids(steady(['a', 'b', 'c'], [item('d'), item('c')], find)), 'abcd');
  assert.is(ids(steady([], [item('b'), item('a')], find)), 'ba');
});

test('an entry that is no more goes, and what is shown is what it is now', () => {
  const find = (id: string) => (id === 'a' ? item('a', 7) : undefined);
  const list = steady(['a', 'b', 'c'], [item('c', 3)], find);
  assert.equal(list, [item('a', 7), item('c', 3)]);
});

test.run();

/** The table of streams against a Map, with long-lived streams that share a slot with new ones. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Stream } from '../../../core/tunnel/stream.ts';
import { StreamTable } from '../../../core/tunnel/stream-table.ts';
import { seeded } from '../../support/fakes/seeded.ts';

const host = { ready() {}, forget() {} };

test('finds exactly what is in it, through thousands of comings and goings', () => {
  const random = seeded(11);
  const table = new StreamTable();
  const model = new Map<number, Stream>();
  const known: Stream[] = [];
  for (let id = 1; id <= 20_000; id++) {
    const stream = new Stream(id, true, host);
    table.add(stream);
    model.set(id, stream);
    known.push(stream);
    // Every 100th stays for long, so that chains of a slot grow and are cut at their end, middle and beginning.
    while (model.size > 300) {
      const entry = known[Math.floor(random() * known.length)]!;
      const stays = entry.id % 100 === 0 && random() < 0.98;
      if (!stays) assert.is(table.remove(entry), model.delete(entry.id), `removing ${entry.id}`);
    }
    const asked = 1 + Math.floor(random() * id);
    assert.is(table.get(asked), model.get(asked), `asked for ${asked}`);
    assert.is(table.size, model.size);
  }
  for (const [id, stream] of model) assert.is(table.get(id), stream);
  assert.equal(table.clear().map(({ id }) => id).sort((a, b) => a - b), [...model.keys()].sort((a, b) => a - b));
  assert.is(table.size, 0);
  assert.is(table.get(known.at(-1)!.id), undefined);
});

test('a stream that was removed points to no other', () => {
  const table = new StreamTable();
  const [first, second] = [new Stream(1, true, host), new Stream(513, true, host)];
  table.add(first);
  table.add(second);
  assert.ok(table.remove(second));
  assert.is(second.sameSlot, null);
  assert.not.ok(table.remove(second));
  assert.is(table.get(1), first);
});

test.run();

import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveChange } from '../../../core/api/live.ts';
import { EventLog, MAX_RETAINED_CHANGES, MAX_RETAINED_LENGTH } from '../../../agent/live/event-log.ts';

const warning = (text: string): LiveChange => ({ type: 'warning', code: 'c', text });
const delta = (text: string): LiveChange => ({ type: 'delta', agent: 'a', id: 'm', field: 'text', offset: 0, text });
const seqs = (events: { seq: number }[] | null) => events?.map(({ seq }) => seq) ?? null;

test('changes are numbered from 1, handed out in order, and say whose messages they are', () => {
  const log = new EventLog();
  const seen: unknown[] = [];
  const unsubscribe = log.subscribe((change, { seq, agent }) => seen.push([seq, change.type, agent]));
  log.publish(warning('x'));
  log.publish(delta('y'));
  unsubscribe();
  log.publish(warning('z'));
  assert.equal(seen, [[1, 'warning', null], [2, 'delta', 'a']]);
  assert.is(log.seq, 3);
});

test('the JSON of a change is that of the message of the feed, also where the publisher had it', () => {
  const log = new EventLog();
  for (const change of [warning('"x"\n'), delta('é😀')]) {
    log.publish(change);
    log.publish(change, JSON.stringify(change));
  }
  const events = log.since(0)!.map(({ json }) => JSON.parse(json));
  const expected = [warning('"x"\n'), delta('é😀')].flatMap((change) => [change, change]);
  assert.equal(events, expected.map((change, i) => ({ type: 'event', seq: i + 1, change })));
});

test('what a subscriber publishes comes after what it is hearing, for every subscriber', () => {
  const log = new EventLog();
  const first: number[] = [];
  const second: number[] = [];
  log.subscribe((change, { seq }) => {
    first.push(seq);
    if (change.type === 'settings') log.publish(warning('settings changed'));
  });
  log.subscribe((_, { seq }) => second.push(seq));
  log.publish({ type: 'settings' });
  log.publish(warning('later'));
  assert.equal(first, [1, 2, 3]);
  assert.equal(second, first);
});

test('a subscriber that throws disturbs neither the publisher nor the others, and is not silent', async () => {
  const log = new EventLog();
  const seen: number[] = [];
  log.subscribe(() => {
    throw new Error('broken subscriber');
  });
  log.subscribe((_, { seq }) => seen.push(seq));
  const unexpected = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  log.publish(warning('x'));
  assert.equal(seen, [1]);
  assert.is((await unexpected).message, 'broken subscriber');
  log.publish({ type: 'settings' });
  await new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  assert.equal(seen, [1, 2]);
});

test('what was missed is everything after that number, or nothing at all', () => {
  const log = new EventLog();
  for (const text of ['a', 'b', 'c']) log.publish(warning(text));
  assert.equal(seqs(log.since(1)), [2, 3]);
  assert.equal(seqs(log.since(3)), []);
  assert.is(log.since(4), null, 'a number of another life');
  assert.is(new EventLog().since(1), null);
});

test('the oldest changes are dropped by number and by length; a gap is never passed over', () => {
  const many = new EventLog();
  for (let i = 0; i < MAX_RETAINED_CHANGES + 5; i++) many.publish(warning(''));
  assert.is(many.since(4), null);
  assert.is(many.since(5)?.length, MAX_RETAINED_CHANGES);
  const long = new EventLog();
  const text = 'x'.repeat(1024 * 1024);
  for (let i = 0; i < 12; i++) long.publish(warning(text));
  const retained = long.since(long.seq - 7)!;
  assert.ok(retained.reduce((sum, { json }) => sum + json.length, 0) <= MAX_RETAINED_LENGTH);
  assert.is(long.since(0), null);
  const huge = new EventLog();
  huge.publish(warning('x'.repeat(MAX_RETAINED_LENGTH)));
  assert.is(huge.since(0), null);
  assert.equal(seqs(huge.since(1)), []);
});

test('each life of the server has an epoch of its own', () => {
  assert.is.not(new EventLog().epoch, new EventLog().epoch);
});

test.run();

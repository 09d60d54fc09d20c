/** Tickets, cookies, and the bound on what runs at a time. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PREVIEW_MS } from '../../../core/api/previews.ts';
import { type Entrance, Entrances, MAX_BROWSERS, MAX_ENTRANCES, TICKET_MS } from '../../../core/preview/entrances.ts';
import { Slots } from '../../../core/preview/slots.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

const SOURCE = { machine: 'machine', preview: '0123456789abcdef0123456789abcdef', port: 5173, session: 'login' };

function setup() {
  const clock = fakeClock();
  const ended: Entrance[] = [];
  return { clock, ended, entrances: new Entrances(clock, (entrance) => ended.push(entrance)) };
}

test('a ticket works once, in time, and for its own name', () => {
  const { clock, entrances } = setup();
  const { entrance, ticket } = entrances.create(SOURCE);
  const other = entrances.create({ ...SOURCE, preview: 'f'.repeat(32) });
  assert.is(entrances.enter(other.entrance.label, ticket), null, 'of another preview');
  assert.is(entrances.enter(entrance.label, `${ticket}x`), null);
  assert.is(entrances.enter(entrance.label, ''), null);
  const entered = entrances.enter(entrance.label, ticket)!;
  assert.equal(entered.entrance, entrance);
  assert.is(entrances.enter(entrance.label, ticket), null, 'twice');
  assert.equal(entrances.find(entrance.label, entered.cookie), entrance);
  assert.is(entrances.find(other.entrance.label, entered.cookie), null, 'of another preview');
  assert.is(entrances.find(entrance.label, ticket), null, 'a ticket is no cookie');
  clock.advance(TICKET_MS);
  assert.is(entrances.enter(other.entrance.label, other.ticket), null, 'too late');
});

test('the same preview again has the same origin, and the ticket before is void', () => {
  const { entrances } = setup();
  const first = entrances.create(SOURCE);
  const second = entrances.create(SOURCE);
  assert.is(second.entrance.label, first.entrance.label);
  assert.is(entrances.enter(first.entrance.label, first.ticket), null);
  assert.ok(entrances.enter(second.entrance.label, second.ticket));
  assert.is.not(entrances.create({ ...SOURCE, session: 'another' }).entrance.label, first.entrance.label);
});

test('an entrance ends with its login, in its time, and as the oldest of too many', () => {
  const { clock, ended, entrances } = setup();
  const enter = (source = SOURCE, until?: number) => {
    const { entrance, ticket } = entrances.create(source, until);
    return { entrance, cookie: entrances.enter(null, ticket)!.cookie };
  };
  const short = enter({ ...SOURCE, preview: 'a'.repeat(32) }, clock.now() + 1000);
  const long = enter();
  const signedOut = enter({ ...SOURCE, session: 'other' });
  entrances.endSession('other');
  assert.is(entrances.find(null, signedOut.cookie), null);
  clock.advance(1000);
  assert.is(entrances.find(null, short.cookie), null, 'its login has ended');
  assert.ok(entrances.find(null, long.cookie));
  clock.advance(PREVIEW_MS - 1000);
  assert.is(entrances.find(null, long.cookie), null);
  assert.equal(ended.map(({ label }) => label), [signedOut, short, long].map(({ entrance }) => entrance.label));
  const oldest = enter();
  for (let i = 1; i <= MAX_ENTRANCES; i++) entrances.create({ ...SOURCE, session: `s${i}` });
  assert.is(entrances.find(null, oldest.cookie), null);
  assert.is(ended.length, 4);
});

test('so many browsers have one entrance, and the oldest leaves', () => {
  const { entrances } = setup();
  const cookies = Array.from({ length: MAX_BROWSERS + 1 }, () => {
    const { entrance, ticket } = entrances.create(SOURCE);
    return entrances.enter(entrance.label, ticket)!.cookie;
  });
  assert.equal(cookies.map((cookie) => entrances.find(null, cookie) !== null), [
    false,
    ...Array(MAX_BROWSERS).fill(true),
  ]);
});

test('what exceeds the places waits in line, and leaves it when it is over before', () => {
  const slots = new Slots({ running: 2, waiting: 2 });
  const started: string[] = [];
  const enter = (name: string) => slots.enter(() => void started.push(name), () => {});
  const [a, , c, d] = ['a', 'b', 'c', 'd'].map(enter);
  assert.is(enter('e'), null, 'the line is full');
  assert.equal(started, ['a', 'b']);
  c!();
  a!();
  a!();
  assert.equal(started, ['a', 'b', 'd'], 'freed once, and c has left');
  assert.is(slots.running, 2);
  d!();
  assert.is(slots.running, 1);
});

test('what throws at its start frees its place, at once and from the line, and the next one goes on', () => {
  const slots = new Slots({ running: 1, waiting: 3 });
  const failed: unknown[] = [];
  const bad = () => {
    throw new Error('no');
  };
  const note = (error: unknown) => void failed.push((error as Error).message);
  for (let i = 0; i < 3; i++) assert.throws(() => slots.enter(bad, note), /no/);
  assert.equal([slots.running, failed], [0, []]);
  let isStarted = false;
  const first = slots.enter(() => {}, note)!;
  const [second, third] = [slots.enter(bad, note)!, slots.enter(bad, note)!];
  const last = slots.enter(() => void (isStarted = true), note)!;
  first();
  assert.equal([slots.running, isStarted, failed], [1, true, ['no', 'no']]);
  for (const leave of [second, third, last, last]) leave();
  assert.is(slots.running, 0);
});

test.run();

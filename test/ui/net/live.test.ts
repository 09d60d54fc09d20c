import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIVE_CLOSE } from '../../../core/api/live-close.ts';
import type { AgentCounts } from '../../../core/api/agent-order.ts';
import type { LiveMessage } from '../../../core/api/live.ts';
import {
  createLive,
  MAX_RETRY,
  PING_DEADLINE,
  PING_EVERY,
  WAKE_DEADLINE,
  WELCOME_DEADLINE,
} from '../../../ui/net/live.ts';
import type { RawSocket } from '../../../ui/net/reconnecting-socket.ts';
import { machine } from '../../support/fakes/ui-data.ts';
import { Timers } from '../../support/fakes/ui-clock.ts';

class FakeSocket implements RawSocket {
  binaryType = '';
  onopen: RawSocket['onopen'] = null;
  onmessage: RawSocket['onmessage'] = null;
  onclose: RawSocket['onclose'] = null;
  sent: any[] = [];
  closed = false;
  send(data: string | Uint8Array) {
    this.sent.push(JSON.parse(String(data)));
  }
  close() {
    this.closed = true;
  }
  say(message: LiveMessage) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  die(code = 1006) {
    this.onclose?.({ code });
  }
}

function setup() {
  const timers = new Timers();
  const sockets: FakeSocket[] = [];
  const cursor = { epoch: null as string | null, seq: 0, loaded: false, rest: null as AgentCounts | null };
  const idle: (() => void)[] = [];
  const chats = new Set<string>();
  const got: LiveMessage[] = [];
  let signedOut = 0;
  const live = createLive({
    open: () => sockets[sockets.push(new FakeSocket()) - 1]!,
    cursor: () => cursor,
    hasChat: (agent) => chats.has(agent),
    onMessage: (message) => got.push(message),
    whenIdle: (action) => idle.push(action),
    onSignedOut: () => signedOut++,
    now: timers.now,
    random: timers.random,
    setTimeout: timers.setTimeout,
    clearTimeout: timers.clearTimeout,
  });
  const last = () => sockets.at(-1)!;
  const up = (resumed = false) => {
    last().onopen?.({});
    last().say({ type: 'welcome', epoch: 'e', seq: 5, resumed, machine });
  };
  return { timers, sockets, cursor, idle, chats, got, live, last, up, signedOut: () => signedOut };
}

test('it is up only after the welcome', () => {
  const { live, last, up } = setup();
  live.start();
  assert.is(live.connection.value.phase, 'connecting');
  last().onopen?.({});
  assert.is(live.connection.value.phase, 'connecting');
  up();
  assert.is(live.connection.value.phase, 'up');
});

test('hello says where the page left off and what it watches', () => {
  const { live, last, cursor } = setup();
  live.watch('a');
  live.start();
  last().onopen?.({});
  assert.equal(last().sent, [{ type: 'hello', watch: [{ agent: 'a', limit: 80 }], first: 60 }]);
  Object.assign(cursor, { epoch: 'e', seq: 42, loaded: true });
  last().die();
  live.retryNow();
  last().onopen?.({});
  assert.equal(last().sent[0], { type: 'hello', epoch: 'e', last: 42, watch: [{ agent: 'a', limit: 80 }] });
});

test('a page whose agents have come in part asks for the rest when it is idle, and after a cut for the whole', () => {
  const { live, last, up, cursor, idle } = setup();
  const rest = { all: 9, waiting: 0, active: 0, idle: 9, stopped: 0, archived: 0 };
  const asked = () => last().sent.filter(({ type }) => type === 'rest').length;
  live.start();
  up();
  last().say({ type: 'snapshot', epoch: 'e', seq: 5, snapshot: {} as never, rest });
  assert.is(asked(), 0);
  idle.shift()!();
  assert.is(asked(), 1);
  last().say({ type: 'agents', seq: 5, agents: [], rest });
  idle.shift()!();
  assert.is(asked(), 2);
  last().say({ type: 'agents', seq: 5, agents: [] });
  assert.is(idle.length, 0);
  Object.assign(cursor, { epoch: 'e', seq: 5, loaded: true, rest });
  last().die();
  live.retryNow();
  last().onopen?.({});
  assert.equal(last().sent[0], { type: 'hello', watch: [] });
});

test('a chat that is opened between hello and welcome is asked for, once, also without a resume', () => {
  for (const resumed of [false, true]) {
    const { live, last, chats } = setup();
    live.watch('early');
    live.start();
    last().onopen?.({});
    live.watch('late');
    chats.add('early');
    last().say({ type: 'welcome', epoch: 'e', seq: 5, resumed, machine });
    assert.equal(last().sent.filter(({ type }) => type === 'watch').map(({ agent }) => agent), ['late']);
  }
});

test('after a resume only chats that are not here are asked for', () => {
  const { live, last, up, chats } = setup();
  live.watch('known');
  live.watch('new');
  chats.add('known');
  live.start();
  up(true);
  assert.equal(last().sent.filter((m) => m.type === 'watch').map((m) => m.agent), ['new']);
});

test('a silent server is not called connected: ping, deadline, retry', () => {
  const { live, timers, up, last, sockets } = setup();
  live.start();
  up();
  timers.pass(PING_EVERY);
  assert.is(last().sent.at(-1).type, 'ping');
  timers.pass(PING_DEADLINE - 1);
  assert.is(live.connection.value.phase, 'up');
  timers.pass(1);
  assert.is(live.connection.value.phase, 'waiting');
  assert.ok(sockets[0]!.closed);
  assert.is(live.connection.value.since, timers.time);
});

test('an answer to the ping keeps it up, and says when it was last heard', () => {
  const { live, timers, up, last, sockets } = setup();
  live.start();
  up();
  for (let i = 0; i < 10; i++) {
    timers.pass(PING_EVERY);
    last().say({ type: 'pong', t: 0 });
    assert.is(live.connection.value.seenAt, timers.time);
  }
  assert.is(live.connection.value.phase, 'up');
  assert.is(sockets.length, 1);
});

test('a socket that is never welcomed is given up', () => {
  const { live, timers, sockets } = setup();
  live.start();
  timers.pass(WELCOME_DEADLINE);
  assert.ok(sockets[0]!.closed);
  assert.is(live.connection.value.phase, 'waiting');
});

test('the wait doubles up to its limit and begins anew after a welcome', () => {
  const { live, timers, last, up } = setup();
  live.start();
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    last().die();
    waits.push(live.connection.value.retryAt! - timers.time);
    timers.pass(waits.at(-1)!);
  }
  assert.equal(waits.slice(0, 4), [500, 1000, 2000, 4000]);
  assert.is(waits.at(-1), MAX_RETRY);
  up();
  last().die();
  assert.is(live.connection.value.retryAt! - timers.time, 500);
});

test('the outage is counted from when it began, not from the last try', () => {
  const { live, timers, last, up } = setup();
  live.start();
  up();
  timers.pass(5000);
  last().die();
  const began = timers.time;
  timers.pass(1000);
  last().die();
  timers.pass(5000);
  assert.is(live.connection.value.since, began);
});

test('waking up proves the way at once, with a short deadline', () => {
  const { live, timers, up, last } = setup();
  live.start();
  up();
  live.wake();
  assert.is(last().sent.at(-1).type, 'ping');
  timers.pass(WAKE_DEADLINE);
  assert.is(live.connection.value.phase, 'waiting');
  live.wake();
  assert.is(live.connection.value.phase, 'connecting');
});

test('waking up gives up a try of before', () => {
  const { live, timers, sockets } = setup();
  live.start();
  live.wake();
  assert.is(sockets.length, 1);
  timers.pass(1000);
  live.wake();
  assert.is(sockets.length, 2);
  assert.is(live.connection.value.phase, 'connecting');
});

test('signed out: no retry, and the page is told', () => {
  const { live, timers, up, last, signedOut, sockets } = setup();
  live.start();
  up();
  last().die(LIVE_CLOSE.signedOut);
  assert.is(signedOut(), 1);
  timers.pass(600_000);
  assert.is(sockets.length, 1);
  assert.is(timers.pending, 0);
});

test('two watchers of one agent are one watch on the wire', () => {
  const { live, up, last } = setup();
  live.start();
  up();
  const entry = live.watch('a');
  const two = live.watch('a');
  assert.is(entry(), false);
  assert.is(entry(), false);
  assert.is(two(), true);
  assert.equal(last().sent.map((m) => m.type), ['hello', 'watch', 'unwatch']);
});

test('a page that comes after one has left is dropped: it would pass as up to date for ever', () => {
  const { live, up, last, got } = setup();
  live.start();
  const page = (agent: string): LiveMessage => ({ type: 'messages', seq: 6, agent, messages: [], more: false });
  const [leave, other] = [live.watch('a'), live.watch('b')];
  up();
  leave();
  last().say(page('a'));
  last().say(page('b'));
  live.watch('a');
  last().say(page('a'));
  other();
  live.watch('b');
  last().say(page('b'));
  assert.equal(got.flatMap((message) => message.type === 'messages' ? [message.agent] : []), ['b', 'a', 'b']);
});

test('stop leaves no timer and no socket', () => {
  const { live, timers, up, sockets } = setup();
  live.start();
  up();
  live.stop();
  assert.is(timers.pending, 0);
  assert.ok(sockets[0]!.closed);
});

test.run();

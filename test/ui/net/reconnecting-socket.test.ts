import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type RawSocket, ReconnectingSocket, type SocketPhase } from '../../../ui/net/reconnecting-socket.ts';
import { Timers } from '../../support/fakes/ui-clock.ts';

const END = 4321;

class FakeSocket implements RawSocket {
  binaryType = '';
  onopen: RawSocket['onopen'] = null;
  onmessage: RawSocket['onmessage'] = null;
  onclose: RawSocket['onclose'] = null;
  sent: unknown[] = [];
  closed = false;
  send(data: unknown) {
    this.sent.push(data);
  }
  close() {
    this.closed = true;
  }
}

function setup() {
  const clock = new Timers();
  const sockets: FakeSocket[] = [];
  const phases: SocketPhase[] = [];
  const heard: unknown[] = [];
  let ends = 0;
  const socket = new ReconnectingSocket({
    clock,
    firstRetry: 100,
    maxRetry: 1000,
    readyDeadline: 5000,
    open: () => sockets[sockets.push(new FakeSocket()) - 1]!,
    onMessage: (data) => heard.push(data),
    isEnd: (code) => code === END,
    onEnd: () => ends++,
    onPhase: (phase) => phases.push(phase),
  });
  return { clock, sockets, phases, heard, socket, last: () => sockets.at(-1)!, ends: () => ends };
}

test('the waits double up to the limit, and begin again after it was ready', () => {
  const { socket, clock, last, sockets } = setup();
  socket.connect();
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    last().onclose?.({ code: 1006 });
    const before = sockets.length;
    let wait = 0;
    while (sockets.length === before) clock.pass(++wait && 1);
    waits.push(wait);
  }
  assert.equal(waits, [100, 200, 400, 800, 1000, 1000]);
  socket.ready();
  last().onclose?.({ code: 1006 });
  clock.pass(100);
  assert.is(sockets.length, 8);
});

test('a try that nobody answers is given up, with messages or without', () => {
  const { socket, clock, sockets } = setup();
  socket.connect();
  clock.pass(4999);
  sockets[0]!.onmessage?.({ data: 'not what its owner waits for' });
  assert.is(socket.phase, 'connecting');
  clock.pass(1);
  assert.ok(sockets[0]!.closed);
  assert.is(socket.phase, 'waiting');
});

test('what must be heard is heard with the next message, or the socket is given up', () => {
  const { socket, clock, last } = setup();
  socket.connect();
  socket.ready();
  socket.expect(50);
  last().onmessage?.({ data: 'x' });
  clock.pass(10_000);
  assert.is(socket.phase, 'up');
  socket.expect(50);
  clock.pass(50);
  assert.is(socket.phase, 'waiting');
});

test('late events of a socket that was let go mean nothing', () => {
  const { socket, sockets, heard, phases } = setup();
  socket.connect();
  socket.connect();
  const [old] = sockets;
  assert.ok(old!.closed);
  old!.onopen?.({});
  old!.onmessage?.({ data: 'late' });
  old!.onclose?.({ code: END });
  assert.equal(heard, []);
  assert.equal(phases, ['connecting', 'connecting']);
});

test('an end is the end: no other try, no timer', () => {
  const { socket, clock, last, ends, sockets } = setup();
  socket.connect();
  socket.ready();
  socket.expect(50);
  last().onclose?.({ code: END });
  assert.is(ends(), 1);
  assert.is(socket.phase, 'closed');
  assert.is(clock.pending, 0);
  socket.wake();
  socket.retryNow();
  clock.pass(60_000);
  assert.is(sockets.length, 1);
});

test('refusals are tries that were closed before they had opened; silence is none', () => {
  const { socket, clock, last } = setup();
  socket.connect();
  for (const count of [1, 2, 3]) {
    last().onclose?.({ code: 1006 });
    assert.is(socket.refusals, count);
    clock.pass(1000);
  }
  clock.pass(5000);
  assert.is(socket.phase, 'waiting');
  assert.is(socket.refusals, 0, 'nobody answered');
  clock.pass(1000);
  last().onclose?.({ code: 1006 });
  clock.pass(1000);
  last().onopen?.({});
  last().onclose?.({ code: 1006 });
  assert.is(socket.refusals, 0, 'it had opened');
});

test('waking up tries at once, and gives up a try of before the sleep', () => {
  const { socket, clock, last, sockets } = setup();
  socket.connect();
  last().onclose?.({ code: 1006 });
  socket.wake();
  assert.is(sockets.length, 2);
  clock.pass(999);
  socket.wake();
  assert.is(sockets.length, 2);
  clock.pass(1);
  socket.wake();
  assert.is(sockets.length, 3);
  socket.ready();
  clock.pass(5000);
  socket.wake();
  assert.is(sockets.length, 3);
});

test.run();

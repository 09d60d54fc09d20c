/** The page's end of a terminal's socket, with sockets and a clock that the test plays. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INPUT_WINDOW, TERMINAL_CHUNK, TERMINAL_CLOSE, type TerminalMessage } from '../../../core/api/terminals.ts';
import { ACK_STEP, ATTACH_DEADLINE, DOUBT, TerminalConnection } from '../../../ui/terminal/connection.ts';
import { MAX_INPUT } from '../../../core/api/input-queue.ts';
import type { RawSocket } from '../../../ui/net/reconnecting-socket.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

interface PlayedSocket extends RawSocket {
  query: URLSearchParams;
  sent: (string | Uint8Array)[];
  isClosed: boolean;
  message(message: TerminalMessage): void;
  bytes(length: number): void;
}

function played() {
  const clock = fakeClock();
  const sockets: PlayedSocket[] = [];
  const events: string[] = [];
  const connection = new TerminalConnection({
    client: 'client-id',
    open(query) {
      const socket: PlayedSocket = {
        query: new URLSearchParams(query),
        binaryType: '',
        onopen: null,
        onmessage: null,
        onclose: null,
        sent: [],
        isClosed: false,
        send: (data) => socket.sent.push(data),
        close: () => socket.isClosed = true,
        message: (message) => socket.onmessage?.({ data: JSON.stringify(message) }),
        bytes: (length) => socket.onmessage?.({ data: new ArrayBuffer(length) }),
      };
      sockets.push(socket);
      return socket;
    },
    onReset: ({ cols, rows }) => events.push(`reset ${cols}x${rows}`),
    onBytes: (bytes, offset) => events.push(`${bytes.length} bytes to ${offset}`),
    onSize: ({ cols, rows }) => events.push(`size ${cols}x${rows}`),
    onExit: (code) => events.push(`exit ${code}`),
    now: () => clock.now(),
    random: () => 1,
    setTimeout: (action, ms) => clock.setTimeout(action, ms) as never,
    clearTimeout: (timer) => clock.clearTimeout(timer),
  });
  const attach = (part: Partial<Extract<TerminalMessage, { type: 'attached' }>> = {}) =>
    sockets.at(-1)!.message({
      type: 'attached',
      offset: 0,
      reset: true,
      repaint: 0,
      cols: 80,
      rows: 24,
      input: 0,
      ...part,
    });
  const inputs = (socket: PlayedSocket) =>
    socket.sent.filter((entry): entry is Uint8Array => typeof entry !== 'string');
  const commands = (socket: PlayedSocket) =>
    socket.sent.filter((entry): entry is string => typeof entry === 'string').map((entry) => JSON.parse(entry));
  connection.start({ cols: 100, rows: 30 }, true);
  return { clock, sockets, events, connection, attach, inputs, commands };
}

test('says who it is and what it can show, and where it left off when it comes back', () => {
  const { sockets, attach, clock } = played();
  assert.is(sockets[0]!.query.toString(), 'client=client-id&cols=100&rows=30&active=1');
  attach({ offset: 500 });
  sockets[0]!.bytes(20);
  sockets[0]!.onclose!({ code: 1006 });
  clock.advance(300);
  assert.is(sockets[1]!.query.get('offset'), '520');
});

test('repaint bytes have no offset, output has', () => {
  const { sockets, attach, events } = played();
  attach({ offset: 100, repaint: 7 });
  sockets[0]!.bytes(5);
  sockets[0]!.bytes(2);
  sockets[0]!.bytes(3);
  assert.equal(events, ['reset 80x24', '5 bytes to null', '2 bytes to null', '3 bytes to 103']);
});

test('acknowledges in steps, and all at rest', () => {
  const { sockets, attach, connection, commands } = played();
  attach();
  sockets[0]!.bytes(3 * ACK_STEP);
  const acks = () => commands(sockets[0]!).filter(({ type }) => type === 'ack').map(({ offset }) => offset);
  connection.shown(1);
  connection.shown(ACK_STEP);
  connection.shown(ACK_STEP + 1);
  connection.shown(3 * ACK_STEP);
  connection.shown(3 * ACK_STEP);
  assert.equal(acks(), [ACK_STEP, 3 * ACK_STEP]);
  connection.shown(9e9); // never received
  assert.is(acks().length, 2);
});

test('input waits for the attach, goes in chunks, and stops at the window', () => {
  const { sockets, attach, connection, inputs } = played();
  connection.input(new Uint8Array(INPUT_WINDOW + 5));
  assert.is(inputs(sockets[0]!).length, 0);
  attach();
  assert.equal(
    inputs(sockets[0]!).map(({ length }) => length),
    Array(INPUT_WINDOW / TERMINAL_CHUNK).fill(TERMINAL_CHUNK),
  );
  assert.is(connection.unsent.value, INPUT_WINDOW + 5);
  sockets[0]!.message({ type: 'input', offset: 3 });
  assert.is(inputs(sockets[0]!).at(-1)!.length, 3);
  sockets[0]!.message({ type: 'input', offset: INPUT_WINDOW + 3 });
  sockets[0]!.message({ type: 'input', offset: INPUT_WINDOW + 5 });
  assert.is(connection.unsent.value, 0);
});

test('what the server has not received is sent again, and nothing else', () => {
  const { sockets, attach, connection, inputs, clock } = played();
  attach();
  connection.input(Uint8Array.from([1, 2, 3]));
  connection.input(Uint8Array.from([4, 5]));
  sockets[0]!.message({ type: 'input', offset: 1 });
  sockets[0]!.onclose!({ code: 1006 });
  connection.input(Uint8Array.from([6]));
  clock.advance(1000);
  attach({ reset: false, input: 4 });
  assert.equal(inputs(sockets[1]!).flatMap((part) => [...part]), [5, 6]);
});

test('a repaint in mid-connection leaves the input alone', () => {
  const { sockets, attach, connection, inputs } = played();
  attach();
  connection.input(Uint8Array.from([1, 2]));
  attach({ offset: 900, input: 1 });
  assert.is(inputs(sockets[0]!).length, 1);
});

test('tries again with growing pauses, at once when woken, and gives up a silent try', () => {
  const { sockets, connection, clock } = played();
  clock.advance(ATTACH_DEADLINE);
  assert.ok(sockets[0]!.isClosed);
  assert.is(connection.phase.value, 'waiting');
  clock.advance(300);
  sockets[1]!.onclose!({ code: 1006 });
  clock.advance(599);
  assert.is(sockets.length, 2);
  connection.wake();
  assert.is(sockets.length, 3);
});

test('in doubt about the way, it lets go of a socket that has not noticed and goes on where it was', () => {
  const { sockets, connection, clock, attach, inputs } = played();
  attach();
  sockets[0]!.bytes(10);
  connection.input(Uint8Array.from([1, 2]));
  connection.doubt();
  clock.advance(DOUBT - 1);
  assert.is(connection.phase.value, 'up');
  clock.advance(1);
  assert.ok(sockets[0]!.isClosed);
  assert.is(connection.phase.value, 'waiting');
  connection.doubt();
  clock.advance(300);
  assert.is(sockets.length, 2);
  assert.is(sockets[1]!.query.get('offset'), '10');
  attach({ reset: false, offset: 10, input: 1 });
  assert.equal(inputs(sockets[1]!).flatMap((part) => [...part]), [2]);
});

test('in doubt about the way, it stays while the server speaks', () => {
  const { sockets, connection, clock, attach } = played();
  attach();
  connection.doubt();
  clock.advance(DOUBT - 1);
  sockets[0]!.bytes(1);
  clock.advance(60_000);
  assert.is(connection.phase.value, 'up');
  assert.is(sockets.length, 1);
});

test('waking up gives up a try of before', () => {
  const { sockets, connection, clock } = played();
  connection.wake();
  assert.is(sockets.length, 1);
  clock.advance(1000);
  connection.wake();
  assert.is(sockets.length, 2);
});

test('a repaint that was cut short is asked for again as a whole', () => {
  const { sockets, attach, clock } = played();
  attach({ offset: 500, repaint: 1000 });
  sockets[0]!.bytes(100);
  sockets[0]!.onclose!({ code: 1006 });
  clock.advance(300);
  assert.is(sockets[1]!.query.get('offset'), null);
  attach({ offset: 600, repaint: 10 });
  sockets[1]!.bytes(10);
  sockets[1]!.bytes(5);
  sockets[1]!.onclose!({ code: 1006 });
  clock.advance(600);
  assert.is(sockets[2]!.query.get('offset'), '605');
});

test('a closed terminal is not asked for again', () => {
  const { sockets, connection, clock, attach } = played();
  attach();
  sockets[0]!.onclose!({ code: TERMINAL_CLOSE.gone });
  assert.is(connection.phase.value, 'gone');
  clock.advance(60_000);
  assert.is(sockets.length, 1);
  assert.is(clock.pending, 0);
  assert.not.ok(connection.input(Uint8Array.from([1])));
});

test('late events of an old socket mean nothing', () => {
  const { sockets, events, attach, clock } = played();
  attach();
  const { onmessage, onclose } = sockets[0]!;
  onclose!({ code: 1006 });
  clock.advance(1000);
  onmessage!({ data: new ArrayBuffer(5) });
  onclose!({ code: 1006 });
  assert.equal(events, ['reset 80x24']);
  assert.is(sockets.length, 2);
});

test('too much input is refused as a whole', () => {
  const { connection } = played();
  assert.ok(connection.input(new Uint8Array(MAX_INPUT)));
  assert.not.ok(connection.input(new Uint8Array(1)));
});

test('sizes are sent once, also those of before the attach', () => {
  const { sockets, attach, connection, commands } = played();
  connection.resize({ cols: 90, rows: 30 }, true);
  attach();
  connection.resize({ cols: 90, rows: 30 }, true);
  connection.resize({ cols: 90, rows: 30 }, false);
  assert.equal(commands(sockets[0]!), [
    { type: 'size', cols: 90, rows: 30, active: true },
    { type: 'size', cols: 90, rows: 30, active: false },
  ]);
});

test.run();

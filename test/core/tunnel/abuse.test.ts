/** What a peer that knows the token, or sits on the wire, can do: one stream is reset or the tunnel is closed, and no more. */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { END, RESET, TYPE } from '../../../core/tunnel/frame.ts';
import { CLOSE, MAX_DATA, MAX_PLAIN, MAX_STREAMS, WINDOW } from '../../../core/tunnel/limits.ts';
import { serveStream } from '../../../core/tunnel/serve.ts';
import type { StreamEvents } from '../../../core/tunnel/stream.ts';
import { closeHostilePeers, frame, head, hostilePeer } from '../../support/fakes/hostile-peer.ts';
import { ask, memoryTransport, tunnelPair, until } from '../../support/harness/tunnel-pair.ts';
import { MemorySocket } from '../../support/fakes/memory-pair.ts';

const OPEN = head(['GET', '/', 'peer']);
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const answering = {
  onOpen: (stream: Parameters<typeof serveStream>[0], opened: Parameters<typeof serveStream>[1]) =>
    serveStream(stream, opened, (req, res) => {
      req.resume();
      res.writeHead(200);
      res.write('x');
    }, () => {}),
};

/** Frames of a relay that break the machine's tunnel: nothing of them may be taken for an honest mistake. */
const FATAL: [string, Buffer][] = [
  ['an unknown type', frame(99, 0, 1)],
  ['an unknown type on an open stream', Buffer.concat([frame(TYPE.open, 0, 1, OPEN), frame(99, 0, 1)])],
  ['an unknown type for the session', frame(99, 0, 0)],
  ['data of a stream never opened', frame(TYPE.data, 0, 5, Buffer.from('x'))],
  ['a reset of a stream never opened', frame(TYPE.reset, 0, 5, Buffer.from([0, 1]))],
  ['an id used again', Buffer.concat([frame(TYPE.open, 0, 3, OPEN), frame(TYPE.open, 0, 3, OPEN)])],
  ['an id below the last', Buffer.concat([frame(TYPE.open, 0, 3, OPEN), frame(TYPE.open, 0, 2, OPEN)])],
  ['a frame longer than its record', frame(TYPE.data, 0, 1, Buffer.from('x'), 500)],
  ['half a frame header', Buffer.from([3, 0, 0])],
  ['a ping of 7 bytes', frame(TYPE.ping, 0, 0, Buffer.alloc(7))],
  ['a pong that answers nothing', frame(TYPE.pong, 0, 0, Buffer.alloc(8, 1))],
  ['a second hello', frame(TYPE.hello, 0, 0, Buffer.from('{}'))],
  ['a bye without a code', frame(TYPE.bye, 0, 0)],
  ['JSON', Buffer.from('{"type":"open","id":1}')],
  ['65,519 bytes of zeros', Buffer.alloc(MAX_PLAIN)],
];

for (const [name, bytes] of FATAL) {
  test(`closes the tunnel: ${name}`, async () => {
    const r = await hostilePeer('machine', answering);
    r.record(bytes);
    await until(() => r.end() !== null);
    assert.is(r.end()!.code, CLOSE.failed);
    assert.is(r.session.streams, 0);
  });
}

test('the machine opens no streams at the relay', async () => {
  const r = await hostilePeer('relay');
  r.frame(TYPE.open, 0, 2, OPEN);
  await until(() => r.end() !== null);
  assert.is(r.end()!.code, CLOSE.failed);
});

test('a text message closes the tunnel', async () => {
  const r = await hostilePeer('machine');
  r.socket.sendText('{"hello":1}');
  await until(() => r.end() !== null);
});

/** Frames for an open stream 1 that reset this stream alone. */
const RESETTING: [string, Buffer, number][] = [
  ['empty data', frame(TYPE.data, 0, 1), RESET.protocol],
  ['data over its size', frame(TYPE.data, 0, 1, Buffer.alloc(MAX_DATA + 1)), RESET.protocol],
  [
    'data behind the end',
    Buffer.concat([frame(TYPE.data, END, 1), frame(TYPE.data, 0, 1, Buffer.from('x'))]),
    RESET.protocol,
  ],
  ['a second end', Buffer.concat([frame(TYPE.data, END, 1), frame(TYPE.data, END, 1)]), RESET.protocol],
  ['trailers without an end', frame(TYPE.trailers, 0, 1, head(['a', 'b'])), RESET.protocol],
  ['trailers with a name and no value', frame(TYPE.trailers, END, 1, head(['a'])), RESET.protocol],
  ['a response head from the relay', frame(TYPE.head, 0, 1, head([], 200)), RESET.protocol],
  ['1xx from the relay', frame(TYPE.info, 0, 1, head([], 103)), RESET.protocol],
  ['a reset of 3 bytes', frame(TYPE.reset, 0, 1, Buffer.alloc(3)), RESET.protocol],
  ['credit of nothing', frame(TYPE.credit, 0, 1, u32(0)), RESET.flow],
  ['credit over 2^31', frame(TYPE.credit, 0, 1, u32(0xffff_ffff)), RESET.flow],
  ['credit of 3 bytes', frame(TYPE.credit, 0, 1, Buffer.alloc(3)), RESET.flow],
];

for (const [name, bytes, code] of RESETTING) {
  test(`resets the stream alone: ${name}`, async () => {
    const r = await hostilePeer('machine', answering);
    r.record(Buffer.concat([frame(TYPE.open, 0, 1, OPEN), bytes]));
    await until(() => r.seen.some((entry) => entry.type === TYPE.reset && entry.id === 1));
    assert.is(r.seen.find((entry) => entry.type === TYPE.reset)!.payload.readUInt16BE(0), code);
    assert.is(r.session.streams, 0);
    r.frame(TYPE.open, 0, 2, OPEN);
    await until(() => r.seen.some((entry) => entry.type === TYPE.head && entry.id === 2));
    assert.is(r.end(), null);
  });
}

test('an open that is no head is reset', async () => {
  const r = await hostilePeer('machine', answering);
  r.record(
    Buffer.concat([frame(TYPE.open, 0, 1, Buffer.from('nonsense')), frame(TYPE.open, 0, 2, head(['GET', '/']))]),
  );
  await until(() => r.seen.filter((entry) => entry.type === TYPE.reset).length === 2);
  assert.is(r.end(), null);
});

test('more than the credit resets the stream, counted with 256 bytes at least per frame', async () => {
  for (const size of [1, MAX_DATA]) {
    const r = await hostilePeer('machine', { onOpen: () => {} });
    r.frame(TYPE.open, 0, 1, OPEN);
    const allowed = Math.floor(WINDOW / Math.max(size, 256));
    const data = frame(TYPE.data, 0, 1, Buffer.alloc(size));
    for (let i = 0; i < allowed; i++) r.record(data);
    await until(() => r.session.bytesIn >= allowed * size);
    assert.is(r.session.streams, 1, 'at the limit');
    r.record(data);
    await until(() => r.seen.some((entry) => entry.type === TYPE.reset));
    assert.is(r.seen.at(-1)!.payload.readUInt16BE(0), RESET.flow);
  }
});

test('frames of a closed stream are dropped in silence', async () => {
  const r = await hostilePeer('machine', { onOpen: (stream) => stream.reset(RESET.cancel) });
  r.frame(TYPE.open, 0, 1, OPEN);
  await until(() => r.seen.some((entry) => entry.type === TYPE.reset));
  r.frame(TYPE.data, 0, 1, Buffer.from('x'));
  r.frame(TYPE.credit, 0, 1, u32(1));
  r.frame(TYPE.reset, 0, 1, Buffer.from([0, 0]));
  r.frame(TYPE.open, 0, 2, OPEN);
  await until(() => r.seen.filter((entry) => entry.type === TYPE.reset).length === 2);
  assert.is(r.end(), null);
});

test('opens without end are refused, then the tunnel is closed; little memory is retained', async () => {
  const r = await hostilePeer('machine', { onOpen: () => {} });
  const before = process.memoryUsage().heapUsed;
  for (let id = 1; id <= 100_000 && r.end() === null; id += 500) {
    r.record(Buffer.concat(Array.from({ length: 500 }, (_, i) => frame(TYPE.open, 0, id + i, OPEN))));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => r.end() !== null);
  assert.ok(r.seen.filter((entry) => entry.type === TYPE.reset).length <= MAX_STREAMS);
  assert.ok(process.memoryUsage().heapUsed - before < 10 * 1024 * 1024);
});

test('pings without end from a peer that does not read cost one answer', async () => {
  const r = await hostilePeer('machine');
  r.socket.pause();
  const ping = (i: number) => {
    const stamp = Buffer.alloc(8);
    stamp.writeDoubleBE(i);
    return frame(TYPE.ping, 0, 0, stamp);
  };
  const before = r.session.bytesOut;
  for (let i = 0; i < 100; i++) r.record(Buffer.concat(Array.from({ length: 1000 }, (_, k) => ping(1000 * i + k))));
  await until(() => r.session.bytesIn > 1_600_000);
  assert.ok(r.session.bytesOut - before < 100 * 16, 'at most one a record');
  r.socket.resume();
  await until(() => r.seen.some(({ type, payload }) => type === TYPE.pong && payload.readDoubleBE() === 99_999));
  assert.is(r.end(), null);
});

/** Answers of a machine that no browser may see. */
const BAD_ANSWERS: [string, Buffer[]][] = [
  ['two heads', [frame(TYPE.head, 0, 1, head([], 200)), frame(TYPE.head, 0, 1, head([], 200))]],
  ['data before the head', [frame(TYPE.data, 0, 1, Buffer.from('x'))]],
  ['an end before the head', [frame(TYPE.data, END, 1)]],
  ['1xx behind the head', [frame(TYPE.head, 0, 1, head([], 200)), frame(TYPE.info, 0, 1, head([], 103))]],
  ['a field name without a value', [frame(TYPE.head, 0, 1, head(['a'], 200))]],
  ['a head of one byte', [frame(TYPE.head, 0, 1, Buffer.from([1]))]],
  ['an open', [frame(TYPE.trailers, END, 1, head(['a', 'b']))]],
];

for (const [name, bytes] of BAD_ANSWERS) {
  test(`the relay resets the stream for ${name}`, async () => {
    const r = await hostilePeer('relay');
    const answer = ask(r.session);
    await until(() => r.seen.some((entry) => entry.type === TYPE.open));
    for (const entry of bytes) r.record(entry);
    assert.is((await answer).reset, RESET.protocol);
    await until(() => r.session.streams === 0);
    assert.is(r.end(), null);
  });
}

test('whatever is done to one record on the wire, nothing of it is delivered and the tunnel ends', async () => {
  const changes: [string, (message: Buffer) => Buffer[]][] = [
    ['flipped', (message) => {
      message[Math.floor(message.length / 2)]! ^= 1;
      return [message];
    }],
    ['cut', (message) => [message.subarray(0, -1)]],
    ['grown', (message) => [Buffer.concat([message, Buffer.from([0])])]],
    ['repeated', (message) => [message, message]],
    ['emptied', () => [Buffer.alloc(0)]],
  ];
  for (const [name, change] of changes) {
    const pair = await tunnelPair({
      transport: memoryTransport,
      handler: (_req, res) => {
        res.writeHead(200);
        res.end('fine');
      },
    });
    assert.is((await ask(pair.relay)).body.toString(), 'fine');
    (pair.sockets.machine as MemorySocket).tamper = change;
    const answer = await ask(pair.relay);
    // Of a repeated record the first copy is the true one.
    if (name === 'repeated') assert.is(answer.body.toString(), 'fine');
    else assert.ok(answer.reset === RESET.lost && answer.status === 0, name);
    assert.is((await pair.relayEnded).code, CLOSE.failed, name);
  }
});

test('a dropped, a swapped and a reflected record end the tunnel', async () => {
  for (const kind of ['dropped', 'swapped', 'reflected']) {
    const pair = await tunnelPair({
      handler: (_req, res) => {
        res.writeHead(200);
        res.end('fine');
      },
    });
    const socket = pair.sockets.machine as MemorySocket;
    const held: Buffer[] = [];
    socket.tamper = (message) => {
      held.push(message);
      if (kind === 'dropped') return held.length === 1 ? [] : [message];
      if (kind === 'swapped') return held.length === 2 ? [held[1]!, held[0]!] : [];
      (pair.sockets.relay as MemorySocket).send(message);
      return [];
    };
    const answers = [ask(pair.relay)];
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (pair.relay.established) answers.push(ask(pair.relay));
    for (const answer of await Promise.all(answers)) assert.is(answer.body.length, 0, kind);
    await until(() => pair.ends.relay !== null || pair.ends.machine !== null);
    await pair.close();
  }
});

test('a forged close of the socket is an abort, never a proven end', async () => {
  const pair = await tunnelPair();
  pair.sockets.relay.close(CLOSE.replaced, 'replaced');
  const end = await pair.machineEnded;
  assert.is(end.code, CLOSE.replaced);
  assert.is(end.proven, false);
});

test('random records never do more than end the tunnel', async () => {
  let seed = 42;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  for (let round = 0; round < 200; round++) {
    const r = await hostilePeer(round % 2 ? 'machine' : 'relay', answering);
    const events: StreamEvents = {};
    const stream = round % 2 ? null : r.session.open();
    if (stream) {
      stream.events = events;
      stream.open(['GET', '/', ''], false);
    }
    for (let i = 0; i < 20; i++) {
      const type = 1 + Math.floor(random() * 14);
      const size = Math.floor(random() * 40);
      const payload = Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
      r.frame(type, Math.floor(random() * 4), Math.floor(random() * 4), payload);
    }
    await new Promise((resolve) => setImmediate(resolve));
    await r.session.close(1001, '');
    assert.is(r.session.streams, 0);
  }
});

test.after.each(closeHostilePeers);
test.run();

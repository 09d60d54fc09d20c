/** Raw bytes against a server, and against a client: what must be refused, how, and what it may cost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import net, { type AddressInfo } from 'node:net';
import process from 'node:process';
import { constants, deflateRawSync } from 'node:zlib';
import { acceptKey } from '../../../core/websocket/handshake.ts';
import { type AcceptOptions, Connection, DEFAULT_LIMITS, dial } from '../../../core/websocket/mod.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import {
  closePayload,
  frame,
  type FrameParts,
  fromClient,
  readFrames,
} from '../../support/harness/websocket-frames.ts';
import { closeServers, duplexPair, RawClient, REQUEST, serve } from '../../support/harness/websocket-peers.ts';

const echo = (connection: Connection) => connection.onmessage = (message) => connection.send(message);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the server sends after these bytes until it ends the connection, and how long that took. */
async function reply(bytes: Buffer, options: AcceptOptions = {}, headers: string[] = []) {
  const server = await serve(echo, options);
  const client = await RawClient.open(server.port, headers);
  const started = performance.now();
  client.socket.write(bytes);
  await client.untilEnd();
  const ms = performance.now() - started;
  client.socket.destroy();
  const { error } = server.connections[0]!;
  await server.close();
  return { frames: readFrames(client.received), ms, error: error?.code };
}

const CASES: [string, number, FrameParts[]][] = [
  ['RSV1 without compression', 1002, [{ rsv: 4 }]],
  ['RSV2', 1002, [{ rsv: 2 }]],
  ['RSV3 on a ping', 1002, [{ rsv: 1, opcode: 9 }]],
  ['no mask', 1002, [{ mask: undefined }]],
  ['opcode 3', 1002, [{ opcode: 3 }]],
  ['opcode 11', 1002, [{ opcode: 11 }]],
  ['a fragmented ping', 1002, [{ opcode: 9, fin: false }]],
  ['a ping of 126 bytes', 1002, [{ opcode: 9, payload: Buffer.alloc(126) }]],
  ['a continuation of nothing', 1002, [{ opcode: 0 }]],
  ['a text within a text', 1002, [{ fin: false }, {}]],
  ['a close of one byte', 1002, [{ opcode: 8, payload: 'x' }]],
  ...[0, 999, 1004, 1005, 1006, 1015, 5000].map((code): [string, number, FrameParts[]] => [
    `close code ${code}`,
    1002,
    [{ opcode: 8, payload: closePayload(code) }],
  ]),
  ['bad UTF-8', 1007, [{ payload: Uint8Array.of(0xff) }]],
  ['bad UTF-8 split over fragments', 1007, [
    { fin: false, payload: Uint8Array.of(0xed) },
    { opcode: 0, fin: false, payload: Uint8Array.of(0xa0) },
  ]],
  ['a bad close reason', 1007, [{ opcode: 8, payload: closePayload(1000, Uint8Array.of(0xff)) }]],
  ['a length of 2^31', 1009, [{ opcode: 2, announce: 1n << 31n }]],
  ['a length of 2^53', 1009, [{ opcode: 2, announce: 1n << 53n }]],
  ['a length of 2^63 - 1', 1009, [{ opcode: 2, announce: (1n << 63n) - 1n }]],
  ['a length of 2^63', 1002, [{ opcode: 2, announce: 1n << 63n }]],
  ['one byte more than the limit', 1009, [{ opcode: 2, announce: BigInt(DEFAULT_LIMITS.message + 1) }]],
  ['65 fragments', 1008, Array.from({ length: 65 }, (_, i) => ({ opcode: i ? 0 : 2, fin: false }))],
];

for (const [name, code, parts] of CASES) {
  test(`${name} → ${code}, then the end of the stream, at once`, async () => {
    const bytes = Buffer.concat(parts.map((each) => 'mask' in each ? frame(each) : fromClient(each)));
    const { frames, ms } = await reply(bytes);
    const last = frames.at(-1)!;
    assert.equal([last.opcode, last.payload.readUInt16BE(0)], [8, code]);
    assert.is(frames.filter(({ opcode }) => opcode === 8).length, 1);
    assert.ok(ms < 1000);
  });
}

test('messages before a bad frame are answered', async () => {
  const { frames } = await reply(Buffer.concat([fromClient({ payload: 'good' }), fromClient({ rsv: 2 })]));
  assert.equal(frames.map(({ opcode }) => opcode), [1, 8]);
});

test('frames in the same packet as the request are read', async () => {
  const server = await serve(echo);
  const client = await RawClient.connect(server.port);
  client.socket.write(
    Buffer.concat([Buffer.from([...REQUEST, '', ''].join('\r\n')), fromClient({ payload: 'early' })]),
  );
  await client.head();
  await client.until(() => readFrames(client.received).length > 0);
  assert.is(readFrames(client.received)[0]!.payload.toString(), 'early');
  client.socket.destroy();
  await server.close();
});

test('a refused upgrade gets one answer and no byte after it', async () => {
  const server = await serve(echo);
  for (
    const [lines, status] of [
      [REQUEST.filter((line) => !line.startsWith('Host')), 400],
      [[...REQUEST, 'Host: b.example'], 400],
      [['GET / HTTP/1.0', ...REQUEST.slice(1)], 400],
      [REQUEST.map((line) => line.replace('13', '8')), 426],
      [[...REQUEST, 'Origin: http://a', 'Origin: http://a'], 403],
    ] as const
  ) {
    const client = await RawClient.connect(server.port);
    client.socket.write([...lines, '', ''].join('\r\n') + 'more');
    await client.untilEnd();
    const text = client.received.toString();
    assert.ok(text.startsWith(`HTTP/1.1 ${status} `), text);
    assert.is(text.match(/^HTTP\/1\.1 /gm)!.length, 1);
    client.socket.destroy();
  }
  await server.close();
});

test('big lengths announced and poured in by 8 clients cost nothing', async () => {
  const server = await serve(echo);
  const before = process.memoryUsage().rss;
  await Promise.all(Array.from({ length: 8 }, async () => {
    const client = await RawClient.open(server.port);
    client.socket.on('error', () => {});
    client.socket.write(fromClient({ opcode: 2, announce: 99n << 20n }));
    const junk = Buffer.alloc(1 << 20);
    for (let i = 0; i < 20 && !client.ended; i++) {
      client.socket.write(junk);
      await sleep(5);
    }
    await client.untilEnd();
    client.socket.destroy();
  }));
  assert.ok(process.memoryUsage().rss - before < 60 << 20, 'client and server are one process here');
  await server.close();
});

test('a flood of pings is cut off with 1008', async () => {
  const { frames, error } = await reply(Buffer.concat(Array(1000).fill(fromClient({ opcode: 9, payload: 'x' }))));
  assert.is(error, 'WS_CONTROL_FLOOD');
  assert.is(frames.filter(({ opcode }) => opcode === 10).length, DEFAULT_LIMITS.controlPerSecond);
  assert.is(frames.at(-1)!.payload.readUInt16BE(0), 1008);
});

test('pongs that nobody asked for are no fault', async () => {
  const bytes = [fromClient({ opcode: 10, payload: 'x' }), fromClient({ opcode: 8, payload: closePayload(1000) })];
  const { frames } = await reply(Buffer.concat(bytes));
  assert.equal(frames.map(({ payload }) => payload.readUInt16BE(0)), [1000]);
});

test('300,000 empty messages do not hold up another connection', async () => {
  const server = await serve((connection) =>
    connection.onmessage = (message) => message === 'hi' && connection.send('ho')
  );
  const [busy, calm] = [await RawClient.open(server.port), await RawClient.open(server.port)];
  const block = Buffer.concat(Array(10_000).fill(fromClient({ opcode: 2 })));
  for (let i = 0; i < 30; i++) busy.socket.write(block);
  let worst = 0;
  for (let i = 1; i <= 20; i++) {
    const started = performance.now();
    calm.socket.write(fromClient({ payload: 'hi' }));
    await calm.until(() => readFrames(calm.received).length === i);
    worst = Math.max(worst, performance.now() - started);
  }
  assert.ok(worst < 2000, `${worst} ms, while both clients and the server share one process`);
  busy.socket.destroy();
  calm.socket.destroy();
  await server.close();
});

test('a client that sends and never reads is not read from any more, and nothing grows', async () => {
  const server = await serve(echo);
  const client = await RawClient.open(server.port);
  client.socket.pause();
  const connection = server.connections[0]!;
  const block = Buffer.concat(Array(64).fill(fromClient({ opcode: 2, payload: Buffer.alloc(16_000) })));
  let worst = 0;
  for (let i = 0; i < 60; i++) {
    client.socket.write(block);
    await sleep(2);
    worst = Math.max(worst, connection.bufferedAmount);
  }
  assert.ok(worst <= DEFAULT_LIMITS.highWater + 256 * 1024, `${worst} bytes`);
  assert.ok(client.socket.writableLength > 10 << 20, 'the rest has stayed with the client');
  assert.is(connection.state, 'open');
  // When it reads after all, everything is there.
  client.socket.removeAllListeners('data');
  const all = 60 * 64 * 16_004;
  let got = 0;
  await new Promise<void>((resolve) => {
    client.socket.on('data', (chunk: Buffer) => (got += chunk.length) >= all && resolve());
    client.socket.resume();
  });
  assert.is(got, all);
  client.socket.destroy();
  await server.close();
});

test('who goes on sending to a client that never reads loses the connection, not the memory', async () => {
  const server = await serve(() => {}, { limits: { backlog: 4 << 20 } });
  const client = await RawClient.open(server.port);
  client.socket.pause();
  const connection = server.connections[0]!;
  let sent = 0;
  while (connection.state === 'open' && sent < 1000) {
    connection.send(Buffer.alloc(100_000));
    sent++;
    if (sent % 10 === 0) await sleep(1);
  }
  await connection.closed;
  assert.is(connection.error?.code, 'WS_BACKLOG');
  assert.ok(sent < 400, `${sent} messages`);
  client.socket.destroy();
  await server.close();
});

test('a close that is never answered ends after its time, and a half-open stream after the lingering', async () => {
  for (const half of [false, true]) {
    const clock = fakeClock();
    const server = await serve(() => {}, { clock });
    const client = await RawClient.open(server.port);
    const connection = server.connections[0]!;
    if (half) client.socket.write(fromClient({ opcode: 8, payload: closePayload(1000) }));
    else connection.close();
    await client.until(() => readFrames(client.received).length === 1);
    const ms = half ? DEFAULT_LIMITS.closeTimeoutMs : DEFAULT_LIMITS.closeHandshakeMs;
    clock.advance(ms - 1);
    assert.not(connection.state === 'closed');
    clock.advance(1);
    assert.is((await connection.closed).code, half ? 1000 : 1006);
    assert.is(connection.error?.code, half ? undefined : 'WS_CLOSE_TIMEOUT');
    assert.is(clock.pending, 0);
    client.socket.destroy();
    await server.close();
  }
});

test('a peer that is gone without a word is found by the heartbeat', async () => {
  const clock = fakeClock();
  const server = await serve(() => {}, { clock, heartbeat: { pingMs: 10_000, deadMs: 25_000 } });
  const client = await RawClient.open(server.port);
  clock.advance(10_000);
  await client.until(() => readFrames(client.received)[0]?.opcode === 9);
  clock.advance(15_000);
  const connection = server.connections[0]!;
  assert.is((await connection.closed).code, 1006);
  assert.is(connection.error?.code, 'WS_DEAD');
  assert.is(clock.pending, 0);
  client.socket.destroy();
  await server.close();
});

test('a bomb in compression is cut at the message limit', async () => {
  const bomb = deflateRawSync(Buffer.alloc(200 << 20), { level: 9, finishFlush: constants.Z_SYNC_FLUSH });
  const before = process.memoryUsage().rss;
  const { frames, error } = await reply(
    fromClient({ rsv: 4, opcode: 2, payload: bomb.subarray(0, bomb.length - 4) }),
    { deflate: true },
    ['Sec-WebSocket-Extensions: permessage-deflate'],
  );
  assert.is(error, 'WS_MESSAGE_TOO_BIG');
  assert.is(frames.at(-1)!.payload.readUInt16BE(0), 1009);
  assert.ok(process.memoryUsage().rss - before < 50 << 20);
});

test('a damaged compressed message → 1007', async () => {
  const { frames } = await reply(
    fromClient({ rsv: 4, payload: Uint8Array.of(0xff, 0xff, 0xff) }),
    { deflate: true },
    ['Sec-WebSocket-Extensions: permessage-deflate'],
  );
  assert.is(frames.at(-1)!.payload.readUInt16BE(0), 1007);
});

test('a reset, and an end in the middle of a frame, are 1006 with a reason', async () => {
  for (const end of [(s: net.Socket) => s.resetAndDestroy(), (s: net.Socket) => s.end()]) {
    const server = await serve(() => {});
    const client = await RawClient.open(server.port);
    client.socket.on('error', () => {});
    client.socket.write(fromClient({ payload: 'hello' }).subarray(0, 8));
    await sleep(10);
    end(client.socket);
    const connection = server.connections[0]!;
    assert.is((await connection.closed).code, 1006);
    assert.is(connection.error?.code, 'WS_SOCKET');
    client.socket.destroy();
    await server.close();
  }
});

test('an internal error closes the connection with 1011 and harms nothing else', async () => {
  const [left, right] = duplexPair();
  const connection = new Connection(left, { role: 'client' });
  const peer = new Connection(right, { role: 'server' });
  connection.onmessage = () => {};
  await sleep(5);
  const chunk = Buffer.from(frame({ opcode: 2, payload: 'hello' }));
  chunk.subarray = () => {
    throw new TypeError('out of order');
  };
  left.emit('data', chunk);
  assert.is((await peer.closed).code, 1011);
  await connection.closed;
  assert.is(connection.error?.code, 'WS_FAULT');
});

test('a masked frame from a server → 1002 by the client', async () => {
  const seen: Buffer[] = [];
  const server = net.createServer((socket) => {
    socket.once('data', (head) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(head.toString())![1]!;
      const lines = [
        'HTTP/1.1 101 X',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${acceptKey(key)}`,
      ];
      socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), fromClient({ payload: 'x' })]));
      socket.on('data', (chunk: Buffer) => seen.push(chunk)).on('end', () => socket.end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const client = await dial(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await client.closed;
  const [close] = readFrames(Buffer.concat(seen));
  assert.equal([close!.masked, close!.opcode, close!.payload.readUInt16BE(0)], [true, 8, 1002]);
  assert.is(client.error?.code, 'WS_MASKED');
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test("a fault in the receiver's code is an uncaught exception and leaves the connection working", async () => {
  const server = await serve((connection) => {
    connection.onmessage = (message) => {
      if (message === 'bad') throw new Error('thrown on purpose');
      connection.send(message);
    };
  });
  const uncaught = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  const client = await RawClient.open(server.port);
  client.socket.write(Buffer.concat([fromClient({ payload: 'bad' }), fromClient({ payload: 'good' })]));
  assert.is((await uncaught).message, 'thrown on purpose');
  await client.until(() => readFrames(client.received).length === 1);
  assert.is(readFrames(client.received)[0]!.payload.toString(), 'good');
  client.socket.destroy();
  await server.close();
});

test('a callback for drain or pong that throws does not stop the connection either', async () => {
  const server = await serve((connection) => {
    connection.onpong = connection.ondrain = () => {
      throw new Error('thrown on purpose');
    };
    connection.onmessage = (message) => connection.send(message);
  }, { limits: { highWater: 0 } });
  let uncaught = 0;
  const count = () => void uncaught++;
  process.on('uncaughtException', count);
  const client = await RawClient.open(server.port);
  const big = fromClient({ opcode: 2, payload: Buffer.alloc(300_000) });
  client.socket.write(Buffer.concat([fromClient({ opcode: 10 }), big, fromClient({ payload: 'last' })]));
  await client.until(() => readFrames(client.received).length === 2);
  await sleep(1);
  process.off('uncaughtException', count);
  assert.ok(uncaught >= 1);
  client.socket.destroy();
});

test('a peer that never answers the close frame is gone after 5 s at most', () =>
  assert.ok(DEFAULT_LIMITS.closeHandshakeMs + DEFAULT_LIMITS.closeTimeoutMs <= 5000));

test.after.each(closeServers);

test.run();

/** Both sides against the npm package ws, with and without compression. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import WebSocket, { WebSocketServer, type WsOptions } from 'ws';
import { type Connection, dial, type Message } from '../../../core/websocket/mod.ts';
import { randomBytes, seeded } from '../../support/harness/websocket-frames.ts';
import { closeServers, serve } from '../../support/harness/websocket-peers.ts';

const SIZES = [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 300_000, (1 << 20) - 1];
const text = (size: number) => 'aß€😀'.repeat(Math.floor(size / 10));
const MESSAGES: Message[] = SIZES.flatMap((size): Message[] => [
  text(size),
  randomBytes(seeded(size), size),
  Buffer.alloc(size, 'abcdefg'),
]);

const same = (a: Message, b: Message) =>
  typeof a === 'string' || typeof b === 'string' ? a === b : Buffer.from(a).equals(Buffer.from(b));

/** Our client sends everything and compares what comes back. */
async function ourClientGetsAll(client: Connection): Promise<void> {
  for (const message of MESSAGES) client.send(message);
  let i = 0;
  for await (const message of client) {
    assert.ok(same(message, MESSAGES[i]!), `message ${i}`);
    if (++i === MESSAGES.length) break;
  }
  assert.equal(await client.closed, { code: 1000, reason: '' });
}

/** The same by a client of ws. Gives the close code. */
function theirClientGetsAll(url: string, options: WsOptions): Promise<number> {
  const client = new WebSocket(url, options);
  let i = 0;
  return new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('open', () => MESSAGES.forEach((message) => client.send(message)));
    client.on('message', (data: Buffer, binary: boolean) => {
      if (!same(binary ? data : data.toString(), MESSAGES[i]!)) reject(new Error(`message ${i}`));
      if (++i === MESSAGES.length) client.close(4001, 'done');
    });
    client.on('close', resolve);
  });
}

const theirs = new Set<WebSocketServer>();

async function theirServer(options: WsOptions): Promise<{ url: string }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await new Promise((resolve) => server.on('listening', resolve));
  server.on('connection', (connection: WebSocket) => {
    connection.on('message', (data: Buffer, binary: boolean) => connection.send(data, { binary }));
  });
  theirs.add(server);
  return { url: `ws://127.0.0.1:${server.address().port}/` };
}

const echo = (connection: Connection) => connection.onmessage = (message) => connection.send(message);

/** Settings of permessage-deflate in the words of ws. */
const DEFLATE: Record<string, unknown>[] = [
  {},
  { serverNoContextTakeover: true, clientNoContextTakeover: true },
  ...[8, 9, 12, 15].map((bits) => ({ serverMaxWindowBits: bits, clientMaxWindowBits: bits === 8 ? 9 : bits })),
  { serverMaxWindowBits: 10, clientNoContextTakeover: true },
  { clientMaxWindowBits: 11, serverNoContextTakeover: true },
];

test('our client, their server', async () => {
  const server = await theirServer({ perMessageDeflate: false });
  await ourClientGetsAll(await dial(server.url));
});

test('their client, our server', async () => {
  const server = await serve(echo);
  assert.is(await theirClientGetsAll(server.url, { perMessageDeflate: false }), 4001);
  assert.equal(await server.connections[0]!.closed, { code: 4001, reason: 'done' });
});

test('our client, our server; their client, their server', async () => {
  const ours = await serve(echo, { deflate: true });
  await ourClientGetsAll(await dial(ours.url, { deflate: true }));
  const other = await theirServer({ perMessageDeflate: true });
  assert.is(await theirClientGetsAll(other.url, { perMessageDeflate: true }), 4001);
});

for (const setting of DEFLATE) {
  test(`our compressing client, their server: ${JSON.stringify(setting)}`, async () => {
    const server = await theirServer({ perMessageDeflate: { ...setting, threshold: 0 } });
    const client = await dial(server.url, { deflate: { threshold: 0 } });
    assert.ok(client.deflate);
    await ourClientGetsAll(client);
  });

  test(`their compressing client, our server: ${JSON.stringify(setting)}`, async () => {
    const server = await serve(echo, { deflate: { threshold: 0 } });
    assert.is(await theirClientGetsAll(server.url, { perMessageDeflate: { ...setting, threshold: 0 } }), 4001);
    const { deflate } = server.connections[0]!;
    if (setting.serverMaxWindowBits) assert.is(deflate?.serverMaxWindowBits, setting.serverMaxWindowBits);
    if (setting.clientNoContextTakeover) assert.ok(deflate?.clientNoContextTakeover);
  });
}

test('their fragments and pings', async () => {
  const server = await serve(echo);
  const client = new WebSocket(server.url, { perMessageDeflate: false });
  const back = new Promise((resolve) => client.on('message', (data: Buffer) => resolve(data.toString())));
  const pong = new Promise((resolve) => client.on('pong', (data: Buffer) => resolve(data.toString())));
  await new Promise((resolve) => client.on('open', resolve));
  client.send('frag', { fin: false });
  client.ping('p');
  client.send('ment', { fin: true });
  assert.equal([await back, await pong], ['fragment', 'p']);
  client.terminate();
});

test.after.each(async () => {
  for (const server of theirs) server.close();
  theirs.clear();
  await closeServers();
});

test.run();

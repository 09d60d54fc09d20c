/** The two echo programs, as a conformance suite uses them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import type WebSocket from 'ws';
import { dial } from '../../../core/websocket/mod.ts';
import { closePayload, fromClient, readFrames } from '../../support/harness/websocket-frames.ts';
import { RawClient } from '../../support/harness/websocket-peers.ts';

const script = (name: string) => fileURLToPath(new URL(`../../../scripts/conformance/${name}`, import.meta.url));
const children = new Set<ChildProcess>();

function start(name: string, ...args: string[]): ChildProcess {
  const child = spawn('node', ['--import', 'tsx', script(name), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  return child;
}

async function startServer(...args: string[]): Promise<number> {
  const child = start('echo-server.ts', '0', ...args);
  const [line] = await once(createInterface({ input: child.stdout! }), 'line');
  return Number(/\d+/.exec(line)![0]);
}

test.after.each(() => {
  for (const child of children) child.kill();
  children.clear();
});

test('echo-server: 64 MiB, plain', async () => {
  const port = await startServer();
  const client = await dial(`ws://127.0.0.1:${port}/`, { limits: { message: 64 << 20, backlog: 256 << 20 } });
  const message = Buffer.alloc(64 << 20, 'around the world ');
  client.send(message);
  for await (const echo of client) {
    assert.ok(message.equals(echo as Buffer));
    break;
  }
  assert.is((await client.closed).code, 1000);
});

test('echo-server: 16 MiB in frames of 64 bytes, and a thousand pings at once', async () => {
  const port = await startServer();
  const client = await RawClient.open(port);
  const count = (16 << 20) / 64;
  const parts = Array.from(
    { length: count },
    (_, i) => fromClient({ opcode: i ? 0 : 2, fin: i === count - 1, payload: Buffer.alloc(64, i) }),
  );
  const chunks: Buffer[] = [];
  client.socket.removeAllListeners('data').on('data', (chunk) => chunks.push(chunk));
  client.socket.write(Buffer.concat(parts));
  client.socket.write(Buffer.concat(Array(1000).fill(fromClient({ opcode: 9, payload: 'p' }))));
  client.socket.write(fromClient({ opcode: 8, payload: closePayload(1000) }));
  await client.untilEnd();
  const frames = readFrames(Buffer.concat(chunks));
  assert.is(frames.find(({ opcode }) => opcode === 2)?.payload.length, 16 << 20);
  assert.is(frames.filter(({ opcode }) => opcode === 10).length, 1000);
  client.socket.destroy();
});

test('echo-server listens on loopback unless told', async () => {
  const reaches = (port: number) =>
    dial(`ws://127.0.0.2:${port}/`).then((client) => (client.terminate(), true), () => false);
  assert.not(await reaches(await startServer()), 'another address of this machine');
  assert.ok(await reaches(await startServer('--host', '0.0.0.0')));
});

test('echo-server --deflate compresses', async () => {
  const port = await startServer('--deflate');
  const client = await dial(`ws://127.0.0.1:${port}/`, { deflate: true });
  assert.ok(client.deflate);
  client.send('again and again '.repeat(10_000));
  for await (const echo of client) {
    assert.is(echo.length, 160_000);
    break;
  }
});

test('echo-client echoes everything and exits at the close', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 64 << 20 });
  await once(server, 'listening');
  const messages = ['text ü', Buffer.alloc(0), Buffer.alloc(200_000, 7), Buffer.alloc(16 << 20, 'x')];
  const done = new Promise<void>((resolve) => {
    server.on('connection', (connection: WebSocket) => {
      let i = 0;
      connection.on('message', (data: Buffer) => {
        assert.ok(Buffer.from(messages[i++]!).equals(data));
        if (i < messages.length) connection.send(messages[i]!);
        else resolve(connection.close(4002, 'thanks'));
      });
      connection.send(messages[0]!);
    });
  });
  const child = start('echo-client.ts', `ws://127.0.0.1:${server.address().port}/`);
  let output = '';
  child.stdout!.on('data', (chunk) => output += chunk);
  await done;
  const [code] = await once(child, 'exit');
  assert.equal([code, output.trim()], [0, 'closed 4002 thanks']);
  server.close();
});

test('the programs say what is wrong', async () => {
  for (const [name, ...args] of [['echo-server.ts'], ['echo-client.ts'], ['echo-client.ts', 'ws://127.0.0.1:1/']]) {
    const child = start(name!, ...args);
    let output = '';
    child.stderr!.on('data', (chunk) => output += chunk);
    const [code] = await once(child, 'exit');
    assert.ok(code !== 0);
    assert.match(output, /Say|Cannot reach/);
  }
});

test.run();

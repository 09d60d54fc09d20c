/** The kernel's tables of listening sockets, and whose they are. */
import { createServer, type Server } from 'node:net';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReadTable } from '../../../agent/access/socket-table.ts';
import { listeningSockets } from '../../../agent/preview/listening.ts';
import { Ports } from '../../../agent/preview/ports.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string, uid: number, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0 100 0 0 10 0\n`;
const LOOPBACK_6 = '00000000000000000000000001000000';
const ANY_6 = '0'.repeat(32);

const TCP = HEAD + row('0100007F:1435', '0A', 1000, 11) + row('00000000:0BB8', '0A', 1000, 12) +
  row('0100007F:1F90', '0A', 0, 13) + // another user's
  row('0A00000A:1F91', '0A', 1000, 14) + // 10.0.0.10: another address of this machine
  row('3500007F:0035', '0A', 1000, 15) + // 127.0.0.53: not where localhost leads
  row('0100007F:1436', '01', 1000, 16) + // a connection
  row('0100007F:1437', '0A', 1000, 0); // nobody holds it
const TCP6 = HEAD + row(`${LOOPBACK_6}:1439`, '0A', 1000, 21) + row(`${ANY_6}:143A`, '0A', 1000, 22) +
  row('FE80000000000000:143B', '0A', 1000, 23);

const tables = (size = 7): ReadTable =>
  async function* (name) {
    const text = name === 'tcp' ? TCP : TCP6;
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  };

test('what listens on loopback or on every address is found, wherever the text is cut', async () => {
  for (const size of [1, 7, 64, 100_000]) {
    const found = await listeningSockets(tables(size));
    assert.equal(found.map(({ port, address, user }) => [port, address, user]), [
      [5173, '127.0.0.1', 1000],
      [3000, '127.0.0.1', 1000],
      [8080, '127.0.0.1', 0],
      [5177, '::1', 1000],
      [5178, '::1', 1000],
    ]);
  }
});

test('a port is reached only where a program of this user listens on it', async () => {
  const ports = new Ports({ dataDir: '/x', platform: 'linux', readTable: tables(), user: 1000 });
  assert.is(await ports.addressOf(5173), '127.0.0.1');
  assert.is(await ports.addressOf(5178), '::1');
  for (const port of [8080, 8081, 53, 5174, 5175, 5179, 22]) assert.is(await ports.addressOf(port), null, String(port));
});

test('whoever asks gets the tables as they were read after that; many who ask at once share a reading', async () => {
  let reads = 0;
  let release = () => {};
  let owner = 1000;
  const readTable: ReadTable = async function* (name) {
    yield HEAD;
    if (name !== 'tcp') return;
    reads++;
    const user = owner;
    await new Promise<void>((resolve) => release = resolve);
    yield row('0100007F:1435', '0A', user, 11);
  };
  const ports = new Ports({ dataDir: '/x', platform: 'linux', readTable, user: 1000 });
  const first = ports.addressOf(5173);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  owner = 2000; // the port changes hands while it is read
  const others = Array.from({ length: 100 }, () => ports.addressOf(5173));
  await turn();
  assert.is(reads, 1);
  release();
  assert.is(await first, '127.0.0.1');
  await turn();
  release();
  assert.equal(new Set(await Promise.all(others)), new Set([null]));
  assert.is(reads, 2);
});

test('where the tables cannot be read, no port is reached', async () => {
  const readTable: ReadTable = async function* () {
    yield HEAD;
    throw new Error('no /proc');
  };
  const ports = new Ports({ dataDir: '/x', platform: 'linux', readTable, user: 1000 });
  assert.is(await ports.addressOf(5173), null);
});

const listen = (server: Server, host: string) =>
  new Promise<number>((resolve) => server.listen(0, host, () => resolve((server.address() as { port: number }).port)));

test('a real port of this user is found, and no longer once it is closed', async () => {
  const server = createServer();
  const port = await listen(server, '127.0.0.1');
  for (const platform of process.platform === 'linux' ? ['linux', 'darwin'] : ['darwin']) {
    assert.is(await new Ports({ dataDir: '/x', platform }).addressOf(port), '127.0.0.1', platform);
  }
  await new Promise((resolve) => server.close(resolve));
  for (const platform of process.platform === 'linux' ? ['linux', 'darwin'] : ['darwin']) {
    assert.is(await new Ports({ dataDir: '/x', platform }).addressOf(port), null, platform);
  }
});

test.run();

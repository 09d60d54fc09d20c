/** The share of each address in a server's connections: in a model, and over real sockets, plain and TLS. */
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConnectionTable } from '../../../core/http/connection-table.ts';
import { json } from '../../../core/http/reply.ts';
import { createHttpServer, DEFAULT_LIMITS } from '../../../core/http/server.ts';
import type { HttpResponse } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import { seeded } from '../../support/fakes/seeded.ts';
import { until } from '../../support/harness/tunnel-pair.ts';
import { HTTP_TRANSPORTS, type HttpTransport } from '../../support/network/http-transports.ts';
import { rawHttp, request } from '../../support/network/raw-http.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

class FakeSocket extends EventEmitter {
  destroyed = false;
  readonly remoteAddress: string | undefined;

  constructor(address: string | undefined) {
    super();
    this.remoteAddress = address;
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }
}

function table(connections: number, connectionsPerAddress: number, isProxy = (_address: string) => false) {
  const entries = new ConnectionTable({ limits: { connections, connectionsPerAddress }, isProxy });
  const open = (address: string | undefined) => {
    const socket = new FakeSocket(address);
    const added = entries.add(socket as unknown as Socket);
    if (!added) socket.destroy();
    return socket;
  };
  const reply = (socket: FakeSocket) => entries.beginReply(socket as unknown as Socket);
  const count = () => [...entries.sockets].length;
  return { open, reply, count };
}
const living = (sockets: FakeSocket[]) => sockets.filter(({ destroyed }) => !destroyed).length;

test('one address with 30,000 idle connections keeps nobody out, and costs nothing to speak of', () => {
  const { connections, connectionsPerAddress } = DEFAULT_LIMITS;
  const { open, count } = table(connections, connectionsPerAddress);
  const started = cpuMs();
  const flood = Array.from({ length: 3 * connections }, () => open('203.0.113.1'));
  const others = Array.from({ length: 1000 }, (_, i) => open(`198.51.100.${i % 256}`));
  assert.ok(cpuMs() - started < 2000);
  assert.is(living(flood), connectionsPerAddress);
  assert.is(flood.slice(-connectionsPerAddress).every(({ destroyed }) => !destroyed), true, 'the latest stay');
  assert.is(living(others), 1000);
  assert.is(count(), connectionsPerAddress + 1000);
});

test('many addresses together close the connection that has been idle for longest', () => {
  const { open, reply, count } = table(100, 25);
  const busy = open('192.0.2.1');
  reply(busy);
  const idle = open('192.0.2.2');
  const flood = Array.from({ length: 500 }, (_, i) => open(`203.0.113.${i % 250}`));
  assert.not(busy.destroyed);
  assert.ok(idle.destroyed);
  assert.is(living(flood), 99);
  assert.is(count(), 100);
});

test('an IPv6 network of one client counts as one address, IPv4 within IPv6 as IPv4', () => {
  const { open } = table(100, 10);
  const flood = Array.from({ length: 200 }, (_, i) => open(`2001:db8:0:1::${i.toString(16)}`));
  assert.is(living(flood), 10);
  assert.is(living(Array.from({ length: 20 }, (_, i) => open(i % 2 ? '::ffff:192.0.2.9' : '192.0.2.9'))), 10);
});

test('busy connections are never closed; when all of a share are busy the new one is', () => {
  const { open, reply } = table(100, 5);
  const busy = Array.from({ length: 5 }, () => open('192.0.2.1'));
  const finished = busy.map(reply);
  assert.ok(open('192.0.2.1').destroyed);
  assert.not(open('192.0.2.2').destroyed);
  finished[3]!();
  assert.not(open('192.0.2.1').destroyed);
  assert.equal(busy.map(({ destroyed }) => destroyed), [false, false, false, true, false]);
});

test('a share that has lost connections still counts the others; one that has lost all begins anew', () => {
  const { open, reply } = table(100, 3);
  const first = [open('192.0.2.1'), open('192.0.2.1')];
  reply(first[1]!);
  first[0]!.destroy();
  const later = [1, 2, 3].map(() => {
    const socket = open('192.0.2.1');
    reply(socket);
    return socket;
  });
  assert.equal(later.map(({ destroyed }) => destroyed), [false, false, true]);
  for (const socket of [...first, ...later]) socket.destroy();
  assert.is(living([1, 2, 3, 4].map(() => open('192.0.2.1'))), 3);
});

test('a trusted proxy has no share of its own, and a client without an address gets no connection', () => {
  const { open } = table(100, 5, (address) => address === '10.0.0.1');
  assert.is(living(Array.from({ length: 80 }, () => open('10.0.0.1'))), 80);
  assert.is(living(Array.from({ length: 80 }, () => open('10.0.0.2'))), 5);
  assert.ok(open(undefined).destroyed);
});

test('in any order of events no limit is exceeded, nothing busy is closed and nothing is left over', () => {
  for (const seed of [1, 2, 3]) {
    const random = seeded(seed);
    const { open, reply, count } = table(40, 12);
    let entries: { socket: FakeSocket; finish: (() => void)[] }[] = [];
    for (let step = 0; step < 5000; step++) {
      const choice = random();
      const entry = entries[Math.floor(random() * entries.length)];
      if (choice < 0.4 || !entry) entries.push({ socket: open(`192.0.2.${Math.floor(random() * 6)}`), finish: [] });
      else if (choice < 0.6) entry.finish.push(reply(entry.socket));
      else if (choice < 0.85) entry.finish.pop()?.();
      else entry.socket.destroy(), entry.finish = [];
      for (const { socket, finish } of entries) {
        if (socket.destroyed && choice < 0.85) assert.is(finish.length, 0, 'closed while busy');
      }
      entries = entries.filter(({ socket }) => !socket.destroyed);
      assert.ok(entries.length <= 40 && count() === entries.length, `${count()} of ${entries.length}`);
    }
    for (const { socket } of entries) socket.destroy();
    assert.is(count(), 0);
  }
});

for (const transport of HTTP_TRANSPORTS) {
  test(`a flood from one address leaves others and its own running replies alone (${transport.name})`, async () => {
    const waiting: HttpResponse[] = [];
    const server = createHttpServer({
      log: silentLog,
      ...transport.options,
      limits: { connections: 40, connectionsPerAddress: 10 },
      handler: (req, res) => void (req.url === '/wait' ? waiting.push(res) : json(res, 200, {})),
    });
    const { port } = await server.listen(0, '127.0.0.1');
    const sockets: Socket[] = [];
    try {
      await flood(transport, port, sockets, waiting);
    } finally {
      for (const socket of sockets) socket.destroy();
      await server.close(0);
    }
  });
}

async function flood(transport: HttpTransport, port: number, sockets: Socket[], waiting: HttpResponse[]) {
  const open = (bytes: string) => {
    const socket = transport.connect(port).on('error', () => {});
    sockets.push(socket);
    if (bytes) socket.write(bytes);
    return socket;
  };
  let running = '';
  open(request('GET', '/wait')).on('data', (chunk) => running += chunk);
  await until(() => waiting.length === 1);
  // Idle with a finished handshake, in the middle of one, and before it.
  for (let i = 0; i < 60; i++) {
    if (i % 3) sockets.push(connect(port, '127.0.0.1').on('error', () => {}));
    else open(request('GET', '/', { connection: 'keep-alive' }));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  const same = await rawHttp(port, request('GET', '/'), 1000, transport.connect);
  assert.is(same.status, 200, 'the same address');
  // Another address of this machine, where the system has one.
  const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' });
  await once(other, 'connect');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.not(other.destroyed || other.readableEnded, 'another address');
  other.destroy();
  json(waiting[0]!, 200, { running: true });
  await until(() => running.includes('{"running":true}'));
}

test.run();

/** What one client can do to others and to the relay's log: nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Handler } from '../../core/http/types.ts';
import { TUNNEL_PROTOCOL } from '../../core/tunnel/mod.ts';
import { accept, type Connection, dial } from '../../core/websocket/mod.ts';
import { ENDPOINT_LIMITS } from '../../relay/endpoint.ts';
import { countReplies, rawHttp, request } from '../support/raw-http.ts';
import { startRelay, type TestRelay } from '../support/relay.ts';
import { until } from '../support/tunnel-pair.ts';

/** Leaves HTTP whether it was asked to or not; with /stream, a reply that goes on until it is cut; with /hints, a bad 103. */
const machine: Handler = (req, res) => {
  if (req.url === '/api/stream') return void (res.writeHead(200), res.write('first'));
  if (req.url === '/api/hints') {
    res.inform?.(103, { link: 'not a link' });
    res.inform?.(103, { link: '</a.css>; rel=preload' });
    res.writeHead(200, { 'content-length': 2 });
    return void res.end('ok');
  }
  res.upgrade({ connection: 'Upgrade', upgrade: 'websocket' }).end('hello');
};
const own = (relay: TestRelay, cookie: string) => ({ host: `127.0.0.1:${relay.port}`, origin: relay.origin, cookie });

function withRelay(name: string, options: Parameters<typeof startRelay>[0], run: (relay: TestRelay) => Promise<void>) {
  test(name, async () => {
    const relay = await startRelay(options);
    try {
      await run(relay);
    } finally {
      await relay.close();
    }
  });
}

withRelay('no spelling of Connection: upgrade ends the tunnel for everybody', { machine }, async (relay) => {
  const cookie = await relay.login();
  for (const connection of ['keep-alive upgrade', 'upgrade;q=1', '"upgrade"', 'x-upgrade', 'keep-alive,, UPGRADE ,']) {
    const fields = { ...own(relay, cookie), connection, upgrade: 'websocket' };
    const { status } = await rawHttp(relay.port, request('GET', '/api/live', fields), 500);
    assert.is(status, connection.endsWith(',') ? 101 : 500, connection);
  }
  const { machine: m } = await (await relay.fetch('/api/relay/status', { cookie })).json() as {
    machine: { connected: boolean; tunnelsTotal: number };
  };
  assert.equal([m.connected, m.tunnelsTotal], [true, 1]);
});

withRelay(
  'early hints that node:http does not take are left out, and all are for HTTP/1.0',
  { machine },
  async (relay) => {
    const cookie = await relay.login();
    const asked = request('GET', '/api/hints', own(relay, cookie));
    const { text } = await rawHttp(relay.port, asked);
    assert.is(text.match(/HTTP\/1\.1 103/g)?.length, 1);
    assert.ok(text.endsWith('ok'));
    const old = await rawHttp(relay.port, asked.replace('HTTP/1.1', 'HTTP/1.0'));
    assert.is(old.status, 200);
    assert.is(countReplies(old.text), 1);
  },
);

withRelay(
  'a reply that an upgrade request got instead of 101 ends with the session too',
  { machine },
  async (relay) => {
    for (const path of ['/api/relay/events', '/api/stream']) {
      for (const connection of ['Upgrade', 'keep-alive']) {
        const cookie = await relay.login();
        const socket = connect(relay.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(request('GET', path, { ...own(relay, cookie), connection, upgrade: 'x' }));
        assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200/);
        await relay.fetch('/api/auth/logout', { method: 'POST', cookie });
        socket.resume();
        await until(() => socket.closed, 2000);
      }
    }
  },
);

for (const password of [undefined, '']) {
  test(`WebSockets do not hold up a relay that goes down${password === '' ? ', without a login too' : ''}`, async () => {
    const echo: Handler = (req, res) => {
      const socket = accept(req, res);
      if (socket) socket.onmessage = (data) => void socket.send(data);
    };
    const relay = await startRelay({ machine: echo, ...(password === undefined ? {} : { password }) });
    const cookie = password === undefined ? await relay.login() : '';
    const { host: _, ...headers } = own(relay, cookie);
    const socket = await dial(`ws://127.0.0.1:${relay.port}/api/live`, { headers });
    const closed = new Promise<number>((resolve) => socket.onclose = resolve);
    const started = performance.now();
    await relay.relay.close(10_000);
    assert.is(await closed, 4503);
    assert.ok(performance.now() - started < 3000);
    await relay.close();
  });
}

withRelay('who speaks no or another tunnel version gets a line of the log a minute', {}, async (relay) => {
  for (let i = 0; i < 30; i++) {
    const offered: Record<string, string> = i % 2 ? { 'sec-websocket-protocol': 'x'.repeat(5000) } : {};
    assert.is((await rawHttp(relay.port, request('GET', '/tunnel', offered))).status, 426);
  }
  const lines = relay.lines.filter((line) => line.includes('refused a machine'));
  assert.is(lines.length, 1);
  assert.ok(lines[0]!.length < 500);
});

withRelay(
  'addresses of one IPv6 network count as one at the tunnel',
  { trustedProxies: ['127.0.0.1'] },
  async (relay) => {
    const open: Connection[] = [];
    const dialFrom = (address: string) =>
      dial(`ws://127.0.0.1:${relay.port}/tunnel`, {
        protocols: [TUNNEL_PROTOCOL],
        headers: { 'x-forwarded-for': address },
      }).then((socket) => void open.push(socket));
    for (let i = 0; i < ENDPOINT_LIMITS.pendingPerAddress; i++) await dialFrom(`2001:db8:0:1::${i}`);
    const refused = await dialFrom('2001:db8:0:1:ffff::1').then(() => '', (error: Error) => error.message);
    assert.match(refused, /429/);
    await dialFrom('2001:db8:0:2::1');
    for (const socket of open) socket.terminate();
  },
);

test.run();

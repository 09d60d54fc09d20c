/** What one client can do to others and to the relay's log: nothing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { once } from 'node:events';
import type { Handler } from '../../../core/http/types.ts';
import { TUNNEL_PROTOCOL } from '../../../core/tunnel/mod.ts';
import { accept, type Connection, dial } from '../../../core/websocket/mod.ts';
import { ENDPOINT_LIMITS } from '../../../relay/tunnel-endpoint.ts';
import { countReplies, rawHttp, request } from '../../support/network/raw-http.ts';
import { transport, webSocketAt } from '../../support/network/transport.ts';
import { startRelay, type TestRelay, TOKEN } from '../../support/harness/relay.ts';
import { startMachine } from '../../support/harness/relay-harness.ts';
import { until } from '../../support/harness/tunnel-pair.ts';

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
  'early hints of a machine are left out: a browser would act on their links',
  { machine },
  async (relay) => {
    const cookie = await relay.login();
    const asked = request('GET', '/api/hints', own(relay, cookie));
    const { text } = await rawHttp(relay.port, asked);
    assert.not.match(text, /HTTP\/1\.1 103/);
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
        const socket = transport().connect(relay.port);
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
    const socket = await dial(webSocketAt(relay.port, '/api/live'), { headers });
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

const PAGES: [name: string, fields: Record<string, string>][] = [
  ['another site', { origin: 'https://evil.test' }],
  ['our own site', { origin: 'http://relay.test' }],
  ['a sandboxed frame', { origin: 'null' }],
  ['fetch metadata alone', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'websocket' }],
];
for (const [name, fields] of PAGES) {
  withRelay(
    `web pages (${name}) get 403 at the tunnel, and the machine at their address still gets in`,
    {},
    async (relay) => {
      const url = webSocketAt(relay.port, '/tunnel');
      const open: Connection[] = [];
      for (let i = 0; i < 30; i++) {
        const options = { protocols: [TUNNEL_PROTOCOL], headers: fields };
        const outcome = await dial(url, options).then((socket) => void open.push(socket), (error: Error) => error);
        assert.match(outcome?.message ?? 'it is open', /403/);
        const reply = await rawHttp(relay.port, request('GET', '/tunnel', fields));
        assert.is(reply.status, 403, 'without a subprotocol too');
      }
      assert.equal(relay.lines.filter((line) => /refused a machine|did not prove/.test(line)), []);
      const machine = startMachine(url, { token: TOKEN });
      await machine.reach('connected');
      await machine.tunnel.close(0);
      for (const socket of open) socket.terminate();
    },
  );
}

withRelay('an upgrade by HTTP/1.0 is an ordinary request', {
  machine: (req, res) => {
    const body = JSON.stringify([req.headers.upgrade ?? null, req.headers['sec-websocket-key'] ?? null]);
    res.writeHead(200, { 'content-length': body.length });
    res.end(body);
  },
}, async (relay) => {
  const cookie = await relay.login();
  for (const upgrade of ['websocket', 'x', 'WebSocket, x']) {
    const fields = { ...own(relay, cookie), connection: 'Upgrade', upgrade, 'sec-websocket-key': 'k' };
    const asked = request('GET', '/api/live', fields);
    assert.ok((await rawHttp(relay.port, asked)).text.endsWith(JSON.stringify([upgrade, 'k'])), 'as HTTP/1.1');
    const { status, text } = await rawHttp(relay.port, asked.replace('HTTP/1.1', 'HTTP/1.0'));
    assert.is(status, 200);
    assert.ok(text.endsWith('[null,null]'), text);
  }
});

withRelay(
  'addresses of one IPv6 network count as one at the tunnel',
  { trustedProxies: ['127.0.0.1'] },
  async (relay) => {
    const open: Connection[] = [];
    const dialFrom = (address: string) =>
      dial(webSocketAt(relay.port, '/tunnel'), {
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

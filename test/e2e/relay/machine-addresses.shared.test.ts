/** Several machines at one relay: side by side, each at its own address, and nothing of one reaches another. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startTunnelClient, type TunnelHandle } from '../../../agent/tunnel/client.ts';
import type { MachineEntry } from '../../../core/api/machines.ts';
import { json } from '../../../core/http/reply.ts';
import type { Handler } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import { dial } from '../../../core/websocket/mod.ts';
import { acceptKey } from '../../../core/websocket/handshake.ts';
import { startRelay, type TestRelay, TOKEN } from '../../support/harness/relay.ts';
import { until } from '../../support/harness/tunnel-pair.ts';
import { webSocketAt } from '../../support/network/transport.ts';

interface TestMachine {
  tunnel: TunnelHandle;
  /** `METHOD target` of each request, and all header values. */
  asked: string[];
  headers: string;
}

/** Says its name and what it was asked. Upgrades are answered with 101 and the name. */
function startMachine(relay: TestRelay, id: string | undefined, answer?: Handler): TestMachine {
  const machine: TestMachine = { tunnel: undefined!, asked: [], headers: '' };
  machine.tunnel = startTunnelClient({
    url: webSocketAt(relay.port, '/tunnel'),
    token: TOKEN,
    info: { name: `host of ${id ?? 'an old one'}`, version: '1' },
    ...(id ? { id: () => id } : {}),
    log: silentLog,
    handler: (req, res) => {
      if (req.headers['x-relay-event']) return void json(res, 200, {});
      machine.asked.push(`${req.method} ${req.url}`);
      machine.headers += JSON.stringify(req.headers);
      if (answer) return answer(req, res);
      if (req.headers.upgrade) {
        const accept = acceptKey(String(req.headers['sec-websocket-key']));
        const socket = res.upgrade({ upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-accept': accept });
        socket.write(Buffer.concat([Buffer.from([0x81, id!.length]), Buffer.from(id!)]));
        return void socket.once('data', () => socket.end(Buffer.from([0x88, 0])));
      }
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ id, url: req.url }));
    },
  });
  return machine;
}

const connected = (machine: TestMachine) => until(() => machine.tunnel.state().kind === 'connected');

const withRelay = (name: string, body: (relay: TestRelay, cookie: string) => Promise<void>) =>
  test(name, async () => {
    const relay = await startRelay();
    try {
      await body(relay, await relay.login());
    } finally {
      await relay.close();
    }
  });

const list = async (relay: TestRelay, cookie: string) =>
  await (await relay.fetch('/api/relay/machines', { cookie })).json() as MachineEntry[];
const get = async (relay: TestRelay, cookie: string, path: string) =>
  await (await relay.fetch(path, { cookie })).json() as Record<string, unknown>;

withRelay(
  'each machine is at its own address; the plain one is that of the machine that connected last',
  async (relay, cookie) => {
    const first = startMachine(relay, 'machine1');
    await connected(first);
    const second = startMachine(relay, 'machine2');
    await connected(second);
    await until(() => relay.relay !== null);
    assert.equal(await get(relay, cookie, '/m/machine1/api/agents?x=%2F'), {
      id: 'machine1',
      url: '/api/agents?x=%2F',
    });
    assert.equal(await get(relay, cookie, '/m/machine2/api/agents'), { id: 'machine2', url: '/api/agents' });
    assert.equal((await get(relay, cookie, '/api/agents')).id, 'machine2');
    assert.equal(
      [first.tunnel.state().kind, second.tunnel.state().kind],
      ['connected', 'connected'],
      'none replaces the other',
    );
    const entries = await list(relay, cookie);
    assert.equal(
      entries.map(({ id, name, connected, token, version, address }) => [id, name, connected, token, version, address]),
      [
        ['machine1', 'host of machine1', true, 'shared', '1', '127.0.0.1'],
        ['machine2', 'host of machine2', true, 'shared', '1', '127.0.0.1'],
      ],
    );
    await second.tunnel.close(0);
    await until(() => second.tunnel.state().kind === 'closed');
    assert.equal((await get(relay, cookie, '/api/agents')).id, 'machine1', 'of those that are connected');
    assert.equal(await get(relay, cookie, '/m/machine2/api/agents'), {
      error: 'Tunnel not connected',
      code: 'tunnel_down',
    });
    const away = (await list(relay, cookie))[1]!;
    assert.equal([away.id, away.connected], ['machine2', false]);
    assert.ok(Math.abs(Date.now() - away.since) < 5000 && Math.abs(Date.now() - away.lastSeenAt) < 5000);
    await first.tunnel.close(0);
  },
);

withRelay('an upgrade goes to the machine that its address names', async (relay, cookie) => {
  const machines = ['machine1', 'machine2'].map((id) => startMachine(relay, id));
  await Promise.all(machines.map(connected));
  for (const id of ['machine1', 'machine2']) {
    const socket = await dial(webSocketAt(relay.port, `/m/${id}/api/live`), {
      headers: { cookie, origin: relay.origin },
    });
    const said = await new Promise((resolve) => socket.onmessage = resolve);
    assert.is(said, id);
    socket.close(1000, '');
    await socket.closed;
  }
  await Promise.all(machines.map(({ tunnel }) => tunnel.close(0)));
});

withRelay(
  'a machine without an id, of a version before, connects; another one of them takes its place',
  async (relay, cookie) => {
    const [named, old] = [startMachine(relay, 'machine1'), startMachine(relay, undefined)];
    await Promise.all([named, old].map(connected));
    const before = await list(relay, cookie);
    assert.equal(before.map(({ id, connected }) => [id, connected]), [['machine', true], ['machine1', true]]);
    const newer = startMachine(relay, undefined);
    await connected(newer);
    await until(() => old.tunnel.state().kind === 'replaced');
    assert.is(named.tunnel.state().kind, 'connected');
    await Promise.all([named, newer].map(({ tunnel }) => tunnel.close(0)));
  },
);

withRelay('the same id again: the newer replaces the older, which stops', async (relay) => {
  const older = startMachine(relay, 'machine1');
  await connected(older);
  const newer = startMachine(relay, 'machine1');
  await connected(newer);
  await until(() => older.tunnel.state().kind === 'replaced');
  await newer.tunnel.close(0);
});

withRelay('an address that leads nowhere, or to the relay itself, reaches no machine', async (relay, cookie) => {
  const machine = startMachine(relay, 'machine1');
  await connected(machine);
  const status = async (path: string, init: RequestInit & { cookie?: string } = { cookie }) => {
    const response = await relay.fetch(path, init);
    await response.body?.cancel();
    return response.status;
  };
  assert.is((await get(relay, cookie, '/m/machine9/api/agents')).code, 'no_machine');
  for (const path of ['/api/auth/check', '/api/relay/devices', '/api/relay/status', '/api/auth/sessions']) {
    assert.is(await status(`/m/machine1${path}`), 404, path);
    assert.is(await status(`/m/machine1${path}`, { cookie, method: 'PUT', body: '{}' }), 404, path);
  }
  assert.is(await status('/m/machine1/api/agents', {}), 401, 'a login is needed');
  assert.equal(machine.asked, []);
  await machine.tunnel.close(0);
});

const CANARY = 'canary-of-machine-one';
/** Everything that a stolen machine may try to leave in the browser, or to lead it to. */
const ATTEMPTS: Record<string, string | string[]> = {
  'Set-Cookie': [`a=${CANARY}; Path=/`, `__Host-am_session=${CANARY}; Path=/; Secure`],
  Location: `/m/machine2/api/agents/actions/stop-all?${CANARY}`,
  Refresh: `0; url=/m/machine2/api/agents?${CANARY}`,
  'Clear-Site-Data': '"*"',
  'Strict-Transport-Security': 'max-age=0',
  'Service-Worker-Allowed': '/',
  'Alt-Svc': 'h3="evil.example:443"',
  'Report-To': `{"group":"${CANARY}"}`,
  NEL: `{"report_to":"${CANARY}"}`,
  'Reporting-Endpoints': `x="https://evil.example/${CANARY}"`,
  'Use-As-Dictionary': 'match="/m/*"',
  'WWW-Authenticate': `Basic realm="${CANARY}"`,
  'Access-Control-Allow-Origin': '*',
  'X-Accel-Redirect': '/m/machine2/api/agents',
  Link: '</x>; rel=preload; as=script',
  'Content-Security-Policy': "script-src * 'unsafe-inline'",
  'X-Content-Type-Options': 'off',
  'Cross-Origin-Resource-Policy': 'cross-origin',
};

withRelay('a stolen machine leaves nothing in the browser that would reach another', async (relay, cookie) => {
  const stolen = startMachine(relay, 'machine1', (_req, res) => {
    res.writeHead(307, { 'content-type': 'text/html', ...ATTEMPTS });
    res.end(`<script>${CANARY}</script>`);
  });
  const other = startMachine(relay, 'machine2');
  await Promise.all([stolen, other].map(connected));
  const mine = `${cookie}; a=${CANARY}; theme=${CANARY}`;
  const answer = await relay.fetch('/m/machine1/api/agents', { cookie: mine, method: 'POST', body: '{}' });
  assert.is(await answer.text(), `<script>${CANARY}</script>`);
  assert.equal([answer.status, answer.redirected], [307, false]);
  const fields = JSON.stringify([...answer.headers]);
  assert.not(fields.includes(CANARY), fields);
  for (const name of Object.keys(ATTEMPTS)) {
    const value = answer.headers.get(name);
    assert.not([ATTEMPTS[name]].flat().includes(value ?? ''), `${name}: ${value}`);
  }
  assert.match(answer.headers.get('content-security-policy')!, /default-src 'none'.*sandbox/);
  assert.is(answer.headers.get('x-content-type-options'), 'nosniff');
  // What the browser has of one origin it sends to every machine of it: no cookie reaches any.
  assert.is((await relay.fetch('/m/machine2/api/agents', { cookie: mine })).status, 200);
  assert.equal(other.asked, ['GET /api/agents']);
  assert.not((stolen.headers + other.headers).includes(CANARY));
  assert.not((stolen.headers + other.headers).toLowerCase().includes('cookie'));
  await Promise.all([stolen, other].map(({ tunnel }) => tunnel.close(0)));
});

withRelay('events of all machines, by name, are for those who ask for them', async (relay, cookie) => {
  const stop = new AbortController();
  const response = await relay.fetch('/api/relay/events?machines=1', { cookie, signal: stop.signal });
  let text = '';
  void (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
  })().catch(() => {});
  await until(() => text.includes('\n\ndata: '));
  assert.match(
    text,
    /^retry: 2000\n\nevent: machines\ndata: {"now":\d+,"machines":\[\]}\n\ndata: {"tunnelConnected":false/,
  );
  const machine = startMachine(relay, 'machine1');
  await until(() => /event: machine\ndata: {"now":\d+,"machine":{"id":"machine1".*"connected":true/.test(text));
  text = '';
  const rename = (name: string) =>
    relay.fetch('/api/relay/machines/machine1', { cookie, method: 'PUT', body: JSON.stringify({ name }) });
  assert.equal((await (await rename(' Lab ')).json() as MachineEntry).name, 'Lab');
  await until(() => /event: machine\n.*"name":"Lab"/.test(text));
  assert.is((await rename('x'.repeat(61))).status, 400);
  assert.equal((await (await rename('')).json() as MachineEntry).name, 'host of machine1');
  text = '';
  await machine.tunnel.close(0);
  await until(() => /event: machine\n.*"connected":false/.test(text));
  const removed = await relay.fetch('/api/relay/machines/machine1', { cookie, method: 'DELETE' });
  assert.is(removed.status, 200);
  await until(() => /event: machine.removed\ndata: {"now":\d+,"id":"machine1"}/.test(text));
  const again = await relay.fetch('/api/relay/machines/machine1', { cookie, method: 'DELETE' });
  assert.equal((await again.json() as { code: string }).code, 'no_machine');
  stop.abort();
});

test.run();

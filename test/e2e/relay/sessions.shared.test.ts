/** Sessions: revoked with everything they hold open, kept across restarts, handed to another device. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accept, dial } from '../../../core/websocket/mod.ts';
import type { Handler } from '../../../core/http/types.ts';
import { rawHttp, request } from '../../support/network/raw-http.ts';
import { PASSWORD, startRelay, type TestRelay, TOKEN } from '../../support/harness/relay.ts';
import { isTls, webSocketAt } from '../../support/network/transport.ts';

/** Echoes on a WebSocket; with /api/stream, a reply that goes on until it is cut. */
const machine: Handler = (req, res) => {
  if (req.headers.upgrade) {
    const connection = accept(req, res);
    if (connection) connection.onmessage = (data) => void connection.send(data);
    return;
  }
  res.writeHead(200, { 'content-type': 'application/octet-stream' });
  const timer = setInterval(() => res.write('x'), 20);
  res.on('close', () => clearInterval(timer));
};

function withRelay(
  name: string,
  run: (relay: TestRelay) => Promise<void>,
  options: Parameters<typeof startRelay>[0] = { machine },
) {
  test(name, async () => {
    const relay = await startRelay(options);
    try {
      await run(relay);
    } finally {
      await relay.close();
    }
  });
}

const open = (relay: TestRelay, cookie: string) =>
  dial(webSocketAt(relay.port, '/api/live'), { headers: { cookie, origin: relay.origin } });
const post = (relay: TestRelay, path: string, cookie: string, body?: unknown) =>
  relay.fetch(path, { method: 'POST', cookie, ...(body ? { body: JSON.stringify(body) } : {}) });
const sessionsOf = async (relay: TestRelay, cookie: string) =>
  (await (await relay.fetch('/api/auth/sessions', { cookie })).json() as {
    sessions: { id: string; current: boolean }[];
  }).sessions;
const statusOf = async (relay: TestRelay, cookie: string) =>
  (await relay.fetch('/api/auth/sessions', { cookie })).status;

withRelay(
  'a revoked session: its WebSocket closes with 4401 within 2 s, its cookie is worth nothing, others go on',
  async (relay) => {
    const [mine, other] = [await relay.login(), await relay.login()];
    const sockets = [await open(relay, mine), await open(relay, other)];
    const closed = new Promise<number>((resolve) => sockets[1]!.onclose = (code) => resolve(code));
    let mineClosed = false;
    sockets[0]!.onclose = () => mineClosed = true;
    const id = (await sessionsOf(relay, mine)).find(({ current }) => !current)!.id;
    const started = performance.now();
    assert.is((await relay.fetch(`/api/auth/sessions/${id}`, { method: 'DELETE', cookie: mine })).status, 200);
    assert.is(await closed, 4401);
    assert.ok(performance.now() - started < 2000);
    assert.is(await statusOf(relay, other), 401);
    assert.is(await statusOf(relay, mine), 200);
    assert.not.ok(mineClosed);
    sockets[0]!.terminate();
  },
);

withRelay('the close frame waits for the frame that is under way', async (relay) => {
  const cookie = await relay.login();
  const socket = await open(relay, cookie);
  let received = 0;
  const whole = new Uint8Array(512 * 1024).fill(7);
  const closed = new Promise<number>((resolve) => socket.onclose = (code) => resolve(code));
  const first = new Promise<void>((resolve) => {
    socket.onmessage = (data) => {
      assert.is(data.length, whole.length, 'never a part of a message');
      received++;
      resolve();
    };
  });
  for (let i = 0; i < 8; i++) socket.send(whole);
  await first;
  await post(relay, '/api/auth/logout', cookie);
  assert.is(await closed, 4401);
  assert.ok(received >= 1);
}, { machine });

withRelay('logout and signing out everywhere end streams of plain HTTP too', async (relay) => {
  for (const [path, who] of [['/api/auth/logout', 'self'], ['/api/auth/sign-out-everywhere', 'all']]) {
    const cookie = await relay.login();
    const other = await relay.login();
    const streams = await Promise.all([
      relay.fetch('/api/stream', { cookie }),
      relay.fetch('/api/relay/events', { cookie }),
    ]);
    const cut = Promise.all(streams.map((stream) => stream.text().then(() => 'ended', () => 'cut')));
    const reply = await post(relay, path!, cookie);
    assert.is(reply.status, 200);
    assert.match(reply.headers.getSetCookie()[0]!, /^(?:__Host-)?am_session=; .*Max-Age=0/);
    assert.equal((await cut)[0], 'cut', 'a broken reply, never a clean end');
    assert.is(await statusOf(relay, cookie), 401);
    assert.is(await statusOf(relay, other), who === 'all' ? 401 : 200);
  }
});

withRelay('the list says where, when and which browser, and which one is asking', async (relay) => {
  const cookie = await relay.login();
  const [session] = await sessionsOf(relay, cookie) as unknown as Record<string, unknown>[];
  assert.is(session!.address, '127.0.0.1');
  assert.is(session!.current, true);
  assert.type(session!.browser, 'string');
  assert.ok(Math.abs(Date.now() - (session!.createdAt as number)) < 10_000);
});

withRelay('a pairing code logs in once', async (relay) => {
  const cookie = await relay.login();
  const { code, expiresAt } = await (await post(relay, '/api/auth/pair', cookie)).json() as {
    code: string;
    expiresAt: number;
  };
  assert.ok(expiresAt - Date.now() <= 60_000);
  const claim = () => relay.fetch('/api/auth/pair/claim', { method: 'POST', body: JSON.stringify({ code }) });
  const first = await claim();
  assert.is(first.status, 200);
  assert.is(await statusOf(relay, first.headers.getSetCookie()[0]!.split(';')[0]!), 200);
  assert.is((await claim()).status, 401);
});

withRelay('guessing pairing codes is throttled like guessing passwords', async (relay) => {
  const statuses = [];
  for (let i = 0; i < 12; i++) {
    statuses.push((await relay.fetch('/api/auth/pair/claim', { method: 'POST', body: '{"code":"AAAA"}' })).status);
  }
  assert.equal(statuses, [...Array(10).fill(401), 429, 429]);
});

test('sessions survive a restart, a changed password ends them', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'relay-'));
  const stateFile = join(directory, 'state.json');
  const run = async (password: string | null, use: (relay: TestRelay) => Promise<void>) => {
    const relay = await startRelay({ stateFile, password });
    await use(relay).finally(() => relay.close());
  };
  try {
    let cookie = '';
    await run(PASSWORD, async (relay) => void (cookie = await relay.login()));
    assert.is(statSync(stateFile).mode & 0o777, 0o600);
    const text = readFileSync(stateFile, 'utf8');
    assert.not.ok(text.includes(PASSWORD) || text.includes(TOKEN), 'no secret in the file');
    await run(PASSWORD, async (relay) => {
      assert.is(await statusOf(relay, cookie), 200);
      await post(relay, '/api/auth/logout', cookie);
    });
    await run(PASSWORD, async (relay) => {
      assert.is(await statusOf(relay, cookie), 401, 'logged out before the restart');
      cookie = await relay.login();
    });
    await run('another password', async (relay) => assert.is(await statusOf(relay, cookie), 401));
    await run('another password', async (relay) => assert.is(await statusOf(relay, cookie), 401));
    assert.equal(readdirSync(directory), ['state.json'], 'nothing else is left behind');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a generated password stays valid over restarts', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'relay-'));
  const stateFile = join(directory, 'state.json');
  try {
    const first = await startRelay({ stateFile, password: null });
    const password = first.relay.generatedPassword!;
    const cookie = await first.login(password);
    await first.close();
    const second = await startRelay({ stateFile, password: null });
    assert.is(second.relay.generatedPassword, null);
    assert.is(await statusOf(second, cookie), 200);
    await second.login(password);
    await second.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

for (
  const damage of [
    '',
    '[]',
    '{}',
    'null',
    '{"version":1',
    '{"version":1,"password":null,"sessions":{"key":1,"sessions":[]}}',
    '\xff\xfe',
  ]
) {
  test(`a state file with ${JSON.stringify(damage)} is set aside and the relay starts`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'relay-'));
    const stateFile = join(directory, 'state.json');
    writeFileSync(stateFile, damage);
    try {
      const relay = await startRelay({ stateFile });
      await relay.login();
      await relay.close();
      const aside = readdirSync(directory).find((name) => name.startsWith('state.json.corrupt-'));
      assert.is(readFileSync(join(directory, aside!), 'utf8'), damage);
      assert.ok(relay.lines.some((line) => line.includes('set aside')));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test('where nothing can be written the relay works in memory and says so once', async () => {
  const relay = await startRelay({ stateFile: '/proc/nowhere/state.json' });
  const cookie = await relay.login();
  assert.is(await statusOf(relay, cookie), 200);
  await relay.close();
  assert.is(relay.lines.filter((line) => line.includes('in memory only')).length, 1);
});

withRelay('with the password set empty everybody is in, by names that cannot be rebound', async (relay) => {
  assert.equal(await (await relay.fetch('/api/auth/check')).json(), {
    authenticated: true,
    loginRequired: false,
    secure: isTls(),
  });
  assert.is((await relay.fetch('/api/auth/sessions')).status, 200);
  assert.is((await rawHttp(relay.port, request('GET', '/api/auth/sessions', { host: 'evil.test' }))).status, 421);
  assert.is((await rawHttp(relay.port, request('GET', '/api/relay/status', { host: 'evil.test' }))).status, 200);
}, { password: '' });

const isFull = ({ text }: { text: string }) => text.includes('secret-machine-name');
const statusAs = (relay: TestRelay, host: string, headers: Record<string, string> = {}) =>
  rawHttp(relay.port, request('GET', '/api/relay/status', { host, ...headers }));
withRelay('without a login the status tells a rebound name nothing of the machine', async (relay) => {
  for (const host of ['evil.test', 'evil.test:3457', '127.0.0.1.evil.test', 'localhost.evil.test']) {
    const reply = await statusAs(relay, host);
    assert.is(reply.status, 200);
    assert.equal(Object.keys(JSON.parse(reply.text.split('\r\n\r\n')[1]!)).sort(), ['tunnelConnected', 'uptime'], host);
  }
  for (const host of ['127.0.0.1', 'localhost:1', '[::1]:1', 'relay.test']) {
    assert.ok(isFull(await statusAs(relay, host)), host);
  }
}, { password: '', machine: true, domains: ['relay.test'] });

withRelay('with a login and a name the status under another name is the public one, whoever asks', async (relay) => {
  const cookie = await relay.login();
  assert.ok(isFull(await statusAs(relay, 'relay.test', { cookie })));
  assert.not(isFull(await statusAs(relay, 'evil.test', { cookie })));
}, { machine: true, domains: ['relay.test'] });

test.run();

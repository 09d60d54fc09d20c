/** Signing out holds: sockets close whatever the disk does, a 200 survives a kill and a relay that drains, and 507 says when not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handler } from '../../../core/http/types.ts';
import { accept, dial } from '../../../core/websocket/mod.ts';
import { RETRY_MS } from '../../../relay/login-state.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { freePort, ROOT, until } from '../../support/harness/product.ts';
import { PASSWORD, startRelay, type TestRelay, type TestRelayOptions, TOKEN } from '../../support/harness/relay.ts';
import { request } from '../../support/network/raw-http.ts';
import { originAt, tlsFiles, transport, webSocketAt } from '../../support/network/transport.ts';

const echo: Handler = (req, res) => {
  const connection = accept(req, res);
  if (connection) connection.onmessage = (data) => void connection.send(data);
};

interface Place {
  stateFile: string;
  start(options?: TestRelayOptions): Promise<TestRelay>;
}

/** Gives the test a state file; relays that it starts are closed afterwards. */
function withState(name: string, run: (place: Place) => Promise<void>) {
  test(name, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sign-out-'));
    const stateFile = join(directory, 'state.json');
    const relays: TestRelay[] = [];
    const start = async (options: TestRelayOptions = {}) => {
      const relay = await startRelay({ stateFile, ...options });
      relays.push(relay);
      return relay;
    };
    try {
      await run({ stateFile, start });
    } finally {
      await Promise.all(relays.map((relay) => relay.close()));
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

/** Keeps the state from being saved, for root too. @returns ends that */
function refuseSaves({ stateFile }: Place): () => void {
  const fresh = `${stateFile}.${process.pid}.new`;
  mkdirSync(fresh);
  return () => rmSync(fresh, { recursive: true });
}
const statusOf = async (relay: TestRelay, cookie: string) =>
  (await relay.fetch('/api/auth/sessions', { cookie })).status;

/** The session's id in its cookie. */
const idOf = (cookie: string) => /=([^.]+)\./.exec(cookie)![1]!;

/** Each way to sign a device out. @returns the answer */
const WAYS: Record<string, (relay: TestRelay, mine: string, thief: string) => Promise<Response>> = {
  'logout': (relay, _mine, thief) => relay.fetch('/api/auth/logout', { method: 'POST', cookie: thief }),
  'revoke': (relay, mine, thief) =>
    relay.fetch(`/api/auth/sessions/${idOf(thief)}`, { method: 'DELETE', cookie: mine }),
  'sign out everywhere': (relay, mine) =>
    relay.fetch('/api/auth/sign-out-everywhere', { method: 'POST', cookie: mine }),
};

for (const [name, signOut] of Object.entries(WAYS)) {
  withState(`${name} while the disk refuses: sockets close, 507, saved as soon as possible`, async (place) => {
    const clock = fakeClock(Date.now());
    const relay = await place.start({ machine: echo, clock });
    const [mine, thief] = [await relay.login(), await relay.login()];
    const headers = { cookie: thief, origin: relay.origin };
    const socket = await dial(webSocketAt(relay.port, '/api/live'), { headers });
    const closed = new Promise<number>((resolve) => socket.onclose = resolve);
    const mend = refuseSaves(place);
    const answer = await signOut(relay, mine, thief);
    assert.is(answer.status, 507);
    assert.is((await answer.json() as { code: string }).code, 'sign_out_not_saved');
    if (name !== 'revoke') assert.match(answer.headers.getSetCookie()[0]!, /Max-Age=0/);
    assert.is(await closed, 4401);
    assert.is(await statusOf(relay, thief), 401);
    const again = await signOut(relay, mine, thief);
    assert.is(again.status, name === 'sign out everywhere' ? 401 : 507, 'asked again');
    clock.advance(RETRY_MS);
    assert.is((await relay.fetch('/api/auth/check')).status, 200, 'the relay goes on');
    mend();
    clock.advance(RETRY_MS);
    const next = await place.start();
    assert.is(await statusOf(next, thief), 401, 'after a restart too');
    assert.is(await statusOf(next, mine), name === 'sign out everywhere' ? 401 : 200);
  });
}

withState('one failed save does not end saving: the next sign-out is kept', async (place) => {
  const relay = await place.start();
  const [single, other] = [await relay.login(), await relay.login()];
  const mend = refuseSaves(place);
  await relay.login();
  mend();
  assert.is((await WAYS.logout!(relay, '', single)).status, 200);
  const next = await place.start();
  assert.equal([await statusOf(next, single), await statusOf(next, other)], [401, 200]);
});

withState('a relay that drains does not bring back who signed out at the next one', async (place) => {
  const old = await place.start();
  const cookie = await old.login();
  const next = await place.start();
  assert.is((await WAYS['sign out everywhere']!(next, cookie, '')).status, 200);
  assert.is(await statusOf(old, cookie), 200, 'the old one does not know of it');
  assert.is((await WAYS.logout!(old, '', cookie)).status, 507, 'and does not claim to save anything');
  await old.close();
  await next.close();
  assert.is(await statusOf(await place.start(), cookie), 401);
});

withState('what changes while a relay drains is saved, as long as there is no other', async (place) => {
  const relay = await place.start({ machine: (_req, res) => void (res.writeHead(200), res.write('running')) });
  const [cookie, other] = [await relay.login(), await relay.login()];
  const running = await relay.fetch('/api/stream', { cookie });
  const socket = transport().connect(relay.port).on('error', () => {});
  const logout = request('POST', '/api/auth/logout', { cookie: other, host: `127.0.0.1:${relay.port}` });
  socket.write(logout.slice(0, 20));
  await once(socket, transport().connected);
  const closed = relay.relay.close(2000);
  socket.write(logout.slice(20));
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200/);
  await running.body!.cancel();
  await closed;
  const next = await place.start();
  assert.equal([await statusOf(next, other), await statusOf(next, cookie)], [401, 200]);
});

// ---- kill -9 right behind the answer

interface Running {
  port: number;
  kill(): Promise<void>;
}
async function startProgram(stateFile: string): Promise<Running> {
  const port = await freePort();
  const tls = tlsFiles();
  const env = {
    ...{ RELAY_TOKEN: TOKEN, RELAY_PASSWORD: PASSWORD, RELAY_PORT: String(port), RELAY_HOST: '127.0.0.1' },
    RELAY_STATE: stateFile,
    ...(tls ? { RELAY_TLS_CERT: tls.cert, RELAY_TLS_KEY: tls.key } : {}),
  };
  const child = spawn(process.execPath, [join(ROOT, 'dist/relay.mjs')], { env, stdio: 'ignore' });
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  await until('the relay', () => fetch(`${originAt(port)}/api/auth/check`).then((r) => r.ok, () => false));
  return { port, kill };
}
const login = async (port: number): Promise<string> => {
  const response = await fetch(`${originAt(port)}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ password: PASSWORD }),
  });
  return response.headers.getSetCookie()[0]!.split(';')[0]!;
};
/** Sends a request and kills the relay in the moment its answer arrives. @returns the status */
async function killBehindAnswer(relay: Running, method: string, path: string, cookie: string): Promise<string> {
  const socket = transport().connect(relay.port).on('error', () => {});
  socket.write(request(method, path, { cookie, host: `127.0.0.1:${relay.port}` }));
  const [chunk] = await once(socket, 'data');
  await relay.kill();
  return String(chunk).slice(9, 12);
}

const REQUESTS: [name: string, method: string, path: (cookie: string) => string][] = [
  ['logout', 'POST', () => '/api/auth/logout'],
  ['revoke', 'DELETE', (cookie) => `/api/auth/sessions/${idOf(cookie)}`],
  ['sign out everywhere', 'POST', () => '/api/auth/sign-out-everywhere'],
];
test('kill -9 right behind the 200 of a sign-out: the cookie is worth nothing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kill-'));
  const stateFile = join(directory, 'state.json');
  let relay = await startProgram(stateFile);
  try {
    for (const [name, method, path] of [...REQUESTS, ...REQUESTS]) {
      const cookie = await login(relay.port);
      assert.is(await killBehindAnswer(relay, method, path(cookie), cookie), '200', name);
      relay = await startProgram(stateFile);
      const after = await fetch(`${originAt(relay.port)}/api/auth/sessions`, { headers: { cookie } });
      assert.is(after.status, 401, name);
    }
  } finally {
    await relay.kill();
    rmSync(directory, { recursive: true });
  }
});

test.before(() => assert.ok(existsSync(join(ROOT, 'dist/relay.mjs')), 'npm run build first'));
test.run();

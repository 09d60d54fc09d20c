/** Devices that stay signed in by their key: renewal, what a cookie alone cannot do, and the end of everything at a sign-out. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startTunnelClient, type TunnelHandle } from '../../../agent/tunnel/client.ts';
import { signedByDevice } from '../../../core/api/auth.ts';
import type { DeviceInfo, DeviceRegistration, SessionInfo } from '../../../core/api/auth.ts';
import { CHALLENGE_MS } from '../../../core/auth/challenges.ts';
import { Devices, UNUSED_MS } from '../../../core/auth/devices.ts';
import { PROVEN_MS } from '../../../core/auth/login.ts';
import { MAX_TRIES } from '../../../core/auth/tries.ts';
import { MAX_DEVICE_SESSIONS, SESSION_MS } from '../../../core/auth/sessions.ts';
import type { Handler } from '../../../core/http/types.ts';
import { silentLog } from '../../../core/log.ts';
import { accept, dial } from '../../../core/websocket/mod.ts';
import { type FakeClock, fakeClock } from '../../support/fakes/fake-clock.ts';
import { SoftwareDevice } from '../../support/fakes/software-keys.ts';
import { until } from '../../support/harness/product.ts';
import { startRelay, type TestRelay, type TestRelayOptions, TOKEN } from '../../support/harness/relay.ts';
import { isTls, webSocketAt } from '../../support/network/transport.ts';

const DAY = 24 * 3600_000;

interface Place {
  relay: TestRelay;
  clock: FakeClock;
  /** The same relay anew, on the same state. */
  restart(): Promise<TestRelay>;
  stateFile: string;
}

/** Without a state file unless asked for: every minute of the clock would be a write to disk. */
function withRelay(
  name: string,
  run: (place: Place) => Promise<void>,
  { isStored = false, ...options }: TestRelayOptions & { isStored?: boolean } = {},
) {
  test(name, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'devices-'));
    const stateFile = join(directory, 'state.json');
    const clock = fakeClock(Date.now());
    const relays: TestRelay[] = [];
    const start = async () => {
      relays.push(await startRelay({ stateFile: isStored ? stateFile : null, clock, ...options }));
      return relays.at(-1)!;
    };
    const relay = await start();
    const restart = async () => {
      await relays.at(-1)!.relay.close(0);
      return await start();
    };
    try {
      await run({ relay, clock, restart, stateFile });
    } finally {
      for (const each of relays) await each.close();
      rmSync(directory, { recursive: true });
    }
  });
}

/** Over TLS there is no plain http. */
const onPlain: typeof withRelay = isTls() ? (name) => test.skip(name, () => {}) : withRelay;

const post = (relay: TestRelay, path: string, body: unknown, cookie?: string) =>
  relay.fetch(path, { method: 'POST', body: JSON.stringify(body), ...(cookie ? { cookie } : {}) });
const cookieOf = (response: Response) => response.headers.getSetCookie()[0]!.split(';')[0]!;
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;
const alive = async (relay: TestRelay, cookie: string) =>
  (await relay.fetch('/api/auth/devices', { cookie })).status === 200;

/** A device that has just logged in and registered its key. */
async function newDevice(relay: TestRelay): Promise<{ device: SoftwareDevice; cookie: string }> {
  const cookie = await relay.login();
  const device = new SoftwareDevice();
  const response = await post(relay, '/api/auth/device', { publicKey: device.publicKey }, cookie);
  assert.is(response.status, 201);
  device.id = (await response.json() as DeviceRegistration).device.id;
  return { device, cookie };
}
const challengeOf = async (relay: TestRelay): Promise<string> =>
  ((await (await post(relay, '/api/auth/device/challenge', {})).json()) as { challenge: string }).challenge;
async function renew(relay: TestRelay, device: SoftwareDevice, cookie?: string): Promise<Response> {
  return await post(relay, '/api/auth/device/renew', device.proof(relay.origin, await challengeOf(relay)), cookie);
}

withRelay(
  'after a night the key renews the login; the cookie alone ends after 24 h, however often it is used',
  async ({ relay, clock }) => {
    const { device, cookie } = await newDevice(relay);
    const stolen = cookie;
    for (let hour = 0; hour < 23; hour++) {
      clock.advance(3600_000);
      assert.ok(await alive(relay, stolen), `hour ${hour}`);
    }
    const renewed = cookieOf(await renew(relay, device, cookie));
    assert.ok(await alive(relay, stolen), 'what was on its way still counts');
    clock.advance(3600_000);
    assert.not(await alive(relay, stolen), 'the stolen one is over though the device was renewed');
    assert.ok(await alive(relay, renewed));
    clock.advance(3 * DAY);
    assert.not(await alive(relay, renewed));
    const answer = await renew(relay, device);
    assert.is(answer.status, 200);
    assert.ok(await alive(relay, cookieOf(answer)));
  },
);

withRelay('a cookie alone makes no device: not later, not a second one, and pairs none', async ({ relay, clock }) => {
  const { device, cookie } = await newDevice(relay);
  const plain = await relay.login();
  const mine = { publicKey: new SoftwareDevice().publicKey };
  assert.is(await codeOf(await post(relay, '/api/auth/device', mine, cookie)), 'proof_required', 'it has one');
  clock.advance(PROVEN_MS);
  assert.is(await codeOf(await post(relay, '/api/auth/device', mine, plain)), 'proof_required', 'too late');
  assert.is(await codeOf(await post(relay, '/api/auth/device', mine)), 'login_required');
  assert.is(await codeOf(await post(relay, '/api/auth/pair', {}, cookie)), 'proof_required');
  const renewed = cookieOf(await renew(relay, device, cookie));
  assert.is((await post(relay, '/api/auth/pair', {}, renewed)).status, 200, 'its key was proven just now');
});

withRelay(
  'only this proof counts: once, in time, for this origin, this device, this purpose',
  async ({ relay, clock }) => {
    const { device } = await newDevice(relay);
    const { device: other } = await newDevice(relay);
    const proof = device.proof(relay.origin, await challengeOf(relay));
    assert.is((await post(relay, '/api/auth/device/renew', proof)).status, 200);
    const stale = device.proof(relay.origin, await challengeOf(relay));
    const fresh = async (change: (challenge: string) => object) => change(await challengeOf(relay));
    const refused: [string, object][] = [
      ['the same again', proof],
      ['of another site', await fresh((challenge) => device.proof('https://evil.test', challenge))],
      ['of another port', await fresh((challenge) => device.proof(`${relay.origin}1`, challenge))],
      ["another device's signature", await fresh((challenge) => other.proof(relay.origin, challenge, device.id))],
      [
        'for another device',
        await fresh((challenge) => ({ ...device.proof(relay.origin, challenge), device: other.id })),
      ],
      ['a challenge of its own', device.proof(relay.origin, 'AAAA')],
      ['a changed challenge', await fresh((challenge) => device.proof(relay.origin, `${challenge.slice(0, -2)}AA`))],
      ['a challenge with something behind it', await fresh((challenge) => device.proof(relay.origin, `${challenge}=`))],
      ['an unknown device', await fresh((challenge) => device.proof(relay.origin, challenge, 'unknown'))],
    ];
    for (const [name, body] of refused) {
      const code = name === 'an unknown device' ? 'device_unknown' : 'device_refused';
      assert.is(await codeOf(await post(relay, '/api/auth/device/renew', body)), code, name);
    }
    clock.advance(CHALLENGE_MS);
    assert.is(await codeOf(await post(relay, '/api/auth/device/renew', stale)), 'device_refused', 'too late');
    assert.is(refused.length + 1, MAX_TRIES);
    const throttled = device.proof(relay.origin, await challengeOf(relay));
    assert.is(await codeOf(await post(relay, '/api/auth/device/renew', throttled)), 'too_many_tries');
  },
);

onPlain(
  'who comes by plain http from elsewhere makes neither a device nor a passkey of a cookie that was seen on the way',
  async ({ relay }) => {
    const cookie = await relay.login();
    const from = (address: string, proto: string) => ({
      'x-forwarded-for': address,
      'x-forwarded-proto': proto,
      origin: relay.origin.replace('http:', `${proto}:`),
      cookie: proto === 'https' ? cookie.replace('am_', '__Host-am_') : cookie,
    });
    const register = (headers: Record<string, string>, path = '/api/auth/device') =>
      relay.fetch(path, {
        method: 'POST',
        headers,
        body: JSON.stringify({ publicKey: new SoftwareDevice().publicKey }),
      });
    assert.is(await codeOf(await register(from('203.0.113.7', 'http'))), 'https_required');
    assert.is(
      await codeOf(await register(from('203.0.113.7', 'http'), '/api/auth/passkeys/options')),
      'https_required',
    );
    assert.is((await register(from('203.0.113.7', 'https'))).status, 201);
  },
  { trustedProxies: ['127.0.0.1'] },
);

withRelay('keys that are none are refused, and other fields of bodies too', async ({ relay }) => {
  const cookie = await relay.login();
  const rsa = 'MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL';
  for (const publicKey of ['', 'AAAA', rsa, 'x'.repeat(600), 7, null, [new SoftwareDevice().publicKey]]) {
    assert.is((await post(relay, '/api/auth/device', { publicKey }, cookie)).status, 400, String(publicKey));
  }
  for (const body of [{}, { device: 'x' }, { device: 'x', challenge: 'y', signature: 7 }, []]) {
    assert.is((await post(relay, '/api/auth/device/renew', body)).status, 400);
  }
});

const echo: Handler = (req, res) => {
  const connection = accept(req, res);
  if (connection) connection.onmessage = (data) => void connection.send(data);
};

/** Ways to sign a device out, by another device. */
const WAYS: Record<string, (relay: TestRelay, mine: string, id: string, cookie: string) => Promise<Response>> = {
  'its entry': (relay, mine, id) => relay.fetch(`/api/auth/devices/${id}`, { method: 'DELETE', cookie: mine }),
  'its session': (relay, mine, _id, cookie) =>
    relay.fetch(`/api/auth/sessions/${/=([^.]+)\./.exec(cookie)![1]}`, { method: 'DELETE', cookie: mine }),
  'its own logout': (relay, _mine, _id, cookie) => relay.fetch('/api/auth/logout', { method: 'POST', cookie }),
  'sign out everywhere': (relay, mine) =>
    relay.fetch('/api/auth/sign-out-everywhere', { method: 'POST', cookie: mine }),
};
withRelay(
  'a device that is signed out, in any way: cookies, key and sockets are dead at once, after a restart too',
  async ({ relay, restart }) => {
    const mine = await relay.login();
    const headers = (cookie: string) => ({ cookie, origin: relay.origin });
    const gone: { device: SoftwareDevice; cookies: string[] }[] = [];
    for (const [way, signOut] of Object.entries(WAYS)) {
      const { device, cookie } = await newDevice(relay);
      const cookies = [cookie, cookieOf(await renew(relay, device, cookie))];
      gone.push({ device, cookies });
      const sockets = await Promise.all(
        cookies.map((each) => dial(webSocketAt(relay.port, '/api/live'), { headers: headers(each) })),
      );
      const closed = Promise.all(sockets.map((socket) => new Promise<number>((resolve) => socket.onclose = resolve)));
      const started = performance.now();
      assert.is((await signOut(relay, mine, device.id, cookie)).status, 200, way);
      assert.equal(await closed, [4401, 4401], way);
      assert.ok(performance.now() - started < 2000, way);
      for (const each of cookies) assert.not(await alive(relay, each), way);
      assert.is(await codeOf(await renew(relay, device)), 'device_unknown', way);
    }
    const next = await restart();
    for (const { device, cookies } of gone) {
      for (const each of cookies) assert.not(await alive(next, each));
      assert.is(await codeOf(await renew(next, device)), 'device_unknown');
    }
  },
  { machine: echo, isStored: true },
);

withRelay(
  'devices are listed, named, kept over a restart, and their file is closed to other users',
  async ({ relay, restart, stateFile }) => {
    const { device, cookie } = await newDevice(relay);
    const put = (name: unknown) =>
      relay.fetch(`/api/auth/devices/${device.id}`, { method: 'PUT', cookie, body: JSON.stringify({ name }) });
    assert.is((await put('Phone')).status, 200);
    assert.is((await put('x'.repeat(61))).status, 400);
    assert.is((await relay.fetch('/api/auth/devices/x', { method: 'PUT', cookie, body: '{"name":"y"}' })).status, 404);
    const next = await restart();
    const listed = async () =>
      ((await (await next.fetch('/api/auth/devices', { cookie })).json()) as { devices: DeviceInfo[] }).devices;
    const [only, ...others] = await listed();
    assert.equal([only!.name, only!.current, others.length], ['Phone', true, 0]);
    assert.not(JSON.stringify(only).includes(device.publicKey));
    assert.is(statSync(stateFile).mode & 0o777, 0o600);
    const { sessions } = await (await next.fetch('/api/auth/sessions', { cookie })).json() as {
      sessions: SessionInfo[];
    };
    assert.is(sessions[0]!.device, device.id);
  },
  { isStored: true },
);

test('a key that is not used for long is forgotten', () => {
  const clock = fakeClock();
  const devices = new Devices(clock);
  const device = new SoftwareDevice();
  const { id } = devices.add(device.publicKey, 'Phone', '::1');
  clock.advance(UNUSED_MS - 1);
  const { signature } = device.proof('http://x', 'c', id);
  assert.ok(devices.verify(id, signedByDevice('http://x', id, 'c'), signature, '::1'));
  clock.advance(UNUSED_MS);
  assert.is(devices.find(id), null);
  assert.equal(devices.record(), []);
});

withRelay(
  'one device holds few sessions, whatever it renews, and takes the place of no other',
  async ({ relay, clock }) => {
    const other = await relay.login();
    const { device } = await newDevice(relay);
    const cookies: string[] = [];
    for (let i = 0; i < 8; i++) {
      clock.advance(1000);
      cookies.push(cookieOf(await renew(relay, device)));
    }
    const living = await Promise.all(cookies.map((cookie) => alive(relay, cookie)));
    assert.is(living.filter(Boolean).length, MAX_DEVICE_SESSIONS);
    assert.ok(living.at(-1) && await alive(relay, other));
    clock.advance(SESSION_MS);
  },
);

test('a changed password ends devices too', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'devices-'));
  const stateFile = join(directory, 'state.json');
  const first = await startRelay({ stateFile });
  const { device } = await newDevice(first);
  await first.close();
  const second = await startRelay({ stateFile, password: 'another password, also long' });
  assert.is(await codeOf(await renew(second, device)), 'device_unknown');
  await second.close();
  rmSync(directory, { recursive: true });
});

test('the machine hears which devices there are: when it connects, and when one goes; browsers cannot say that', async () => {
  const heard: unknown[] = [];
  const fields: unknown[] = [];
  const relay = await startRelay({
    hearsRelay: true,
    machine: async (req, res) => {
      let body = '';
      for await (const chunk of req) body += chunk;
      if (req.url === '/api/relay/devices') heard.push([req.method, req.headers['x-relay-event'], body]);
      else fields.push([req.headers['x-relay-device'] ?? null, req.headers['x-relay-event'] ?? null]);
      res.writeHead(200, { 'content-length': 2 });
      res.end('{}');
    },
  });
  try {
    await until('the first list', () => heard.length === 1);
    assert.equal(heard[0], ['PUT', 'devices', '{"devices":[]}']);
    const mine = await relay.login();
    const [first, second] = [await newDevice(relay), await newDevice(relay)];
    assert.is(
      (await relay.fetch('/api/auth/devices/' + first.device.id, { method: 'DELETE', cookie: mine })).status,
      200,
    );
    await until('the second list', () => heard.length === 2, 2000);
    assert.equal(heard[1], ['PUT', 'devices', JSON.stringify({ devices: [second.device.id] })]);
    const spoofed = { 'x-relay-device': 'me', 'x-relay-event': 'devices', 'X-Relay-Step-Up': 'done' };
    await relay.fetch('/api/x', { cookie: mine, headers: spoofed });
    await relay.fetch('/api/x', { cookie: second.cookie, headers: spoofed });
    assert.equal(fields, [[null, null], [second.device.id, null]]);
    const direct = { method: 'PUT', cookie: mine, headers: spoofed, body: '{"devices":[]}' };
    for (const path of ['/api/relay/devices', '/api/relay/devices/', '/api/relay/devices?x']) {
      assert.is((await relay.fetch(path, direct)).status, 404, path);
    }
    assert.is(heard.length, 2);
  } finally {
    await relay.close();
  }
});

test('every machine hears of devices: one that is away when it comes back, one that is slow again, one that is removed nothing', async () => {
  const relay = await startRelay();
  const heard = new Map<string, string[]>();
  const machines = new Map<string, TunnelHandle>();
  let isFailing = true;
  const start = (id: string) => {
    const mine = heard.get(id) ?? [];
    heard.set(id, mine);
    const tunnel = startTunnelClient({
      url: webSocketAt(relay.port, '/tunnel'),
      token: TOKEN,
      info: { name: id, version: '1' },
      id: () => id,
      log: silentLog,
      handler: async (req, res) => {
        let body = '';
        for await (const chunk of req) body += chunk;
        const fails = id === 'machine2' && mine.length === 1 && isFailing;
        if (fails) isFailing = false;
        else mine.push((JSON.parse(body) as { devices: string[] }).devices.join());
        res.writeHead(fails ? 500 : 200, { 'content-length': 2 });
        res.end('{}');
      },
    });
    machines.set(id, tunnel);
  };
  const lists = () => ['machine1', 'machine2', 'machine3'].map((id) => heard.get(id));
  try {
    for (const id of ['machine1', 'machine2', 'machine3']) start(id);
    await until('the first lists', () => lists().every((list) => list?.length === 1));
    const cookie = await relay.login();
    const [first, second] = [await newDevice(relay), await newDevice(relay)];
    await machines.get('machine3')!.close(0);
    await relay.fetch('/api/auth/devices/' + first.device.id, { method: 'DELETE', cookie });
    await until('the second lists', () => heard.get('machine1')!.length === 2 && heard.get('machine2')!.length === 2);
    start('machine3');
    await until('the list of the one that was away', () => heard.get('machine3')!.length === 2);
    assert.equal(lists(), [['', second.device.id], ['', second.device.id], ['', second.device.id]]);
    assert.not.ok(isFailing, 'it was told again');
    await relay.fetch('/api/relay/machines/machine1', { method: 'DELETE', cookie });
    await relay.fetch('/api/auth/devices/' + second.device.id, { method: 'DELETE', cookie });
    await until('the third lists', () => heard.get('machine2')!.length === 3 && heard.get('machine3')!.length === 3);
    assert.equal(lists(), [['', second.device.id], ['', second.device.id, ''], ['', second.device.id, '']]);
  } finally {
    for (const tunnel of machines.values()) await tunnel.close(0);
    await relay.close();
  }
});

test.run();

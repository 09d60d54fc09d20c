/** The browser's side of a device key, against a real relay: registered, renewed, shared by calls at once, forgotten. */
import { webcrypto } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CHALLENGE_MS } from '../../../core/auth/challenges.ts';
import { SESSION_MS } from '../../../core/auth/sessions.ts';
import { createApi } from '../../../ui/net/api.ts';
import { createDeviceKey, isRenewalDue, RENEW_BEFORE_MS, renewingFetch } from '../../../ui/worker/device-key.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { PASSWORD, startRelay, type TestRelay } from '../../support/harness/relay.ts';

/** A browser with a jar of cookies and a storage. */
function browserOf(relay: TestRelay) {
  let cookie = '';
  const asked: string[] = [];
  const values = new Map<string, unknown>();
  const store = {
    get: (key: string) => Promise.resolve(values.get(key)),
    set: (key: string, value: unknown) => Promise.resolve(void values.set(key, value)),
  };
  let onCall: (path: string) => void = () => {};
  const send: typeof fetch = async (input, init) => {
    onCall(String(input));
    asked.push(`${init?.method ?? 'GET'} ${input}`);
    const headers = new Headers(init?.headers);
    if (cookie) headers.set('cookie', cookie);
    headers.set('origin', relay.origin);
    const response = await fetch(relay.origin + String(input), { ...init, headers });
    const set = response.headers.getSetCookie()[0];
    if (set) cookie = set.split(';')[0]!;
    return response;
  };
  const subtle = webcrypto.subtle as unknown as SubtleCrypto;
  const key = createDeviceKey({ store, fetch: send, origin: relay.origin, subtle });
  let signedOut = 0;
  const api = createApi({ fetch: renewingFetch(send, key), onSignedOut: () => signedOut++, prove: () => key.renew() });
  const logIn = () => api.post('/api/auth/login', { password: PASSWORD });
  const before = (listener: typeof onCall) => onCall = listener;
  return { key, api, asked, values, logIn, before, lose: () => cookie = '', signedOut: () => signedOut };
}

async function withRelay(run: (relay: TestRelay, clock: ReturnType<typeof fakeClock>) => Promise<void>) {
  const clock = fakeClock(Date.now());
  const relay = await startRelay({ clock, machine: true });
  await run(relay, clock).finally(() => relay.close());
}
const renewals = (asked: string[]) => asked.filter((line) => line === 'POST /api/auth/device/renew').length;

test('after a day every call goes on, with one renewal for all of them', () =>
  withRelay(async (relay, clock) => {
    const { key, api, asked, values, logIn, signedOut } = browserOf(relay);
    assert.not(await key.renew(), 'there is no key yet');
    await logIn();
    await key.attach();
    const { privateKey } = values.get('device-key') as { privateKey: CryptoKey };
    assert.equal([privateKey.extractable, privateKey.usages], [false, ['sign']]);
    clock.advance(SESSION_MS);
    asked.length = 0;
    const wrong = await api.post('/api/auth/login', { password: 'x' }).then(() => 200, ({ status }) => status);
    assert.equal([wrong, renewals(asked)], [401, 0], 'a wrong password renews nothing');
    await Promise.all(Array.from({ length: 5 }, () => api.post('/api/push/test', { id: 'x' }).catch(() => {})));
    assert.is(renewals(asked), 1);
    assert.is(signedOut(), 0);
    await api.get('/api/auth/devices');
  }));

test('pairing proves the key when the login is not fresh', () =>
  withRelay(async (relay, clock) => {
    const { key, api, asked, logIn } = browserOf(relay);
    await logIn();
    await key.attach();
    clock.advance(3600_000);
    asked.length = 0;
    await api.post('/api/auth/pair');
    assert.is(renewals(asked), 1);
  }));

test('a key that the relay does not know is forgotten, and another one is made at the next login', () =>
  withRelay(async (relay) => {
    const { key, api, values, logIn, lose, signedOut } = browserOf(relay);
    await logIn();
    await key.attach();
    const first = values.get('device-key');
    await api.post('/api/auth/sign-out-everywhere');
    lose();
    assert.is(await api.get('/api/agents').then(() => 'ok', ({ status }) => status), 401);
    assert.is(signedOut(), 1);
    assert.is(values.get('device-key'), null);
    await logIn();
    await key.attach();
    assert.is.not(values.get('device-key'), first);
    assert.ok(await key.renew());
  }));

test('a login is renewed when half of it is over; what does not end is not', () => {
  assert.is(isRenewalDue({ expiresAt: RENEW_BEFORE_MS }, 0), false);
  assert.is(isRenewalDue({ expiresAt: RENEW_BEFORE_MS }, 1), true);
  assert.is(isRenewalDue({}, 1), false);
});

test('a proof that comes too late costs no key: the next one is good', () =>
  withRelay(async (relay, clock) => {
    const { key, values, logIn, before, lose } = browserOf(relay);
    await logIn();
    await key.attach();
    lose();
    before((path) => path.endsWith('/renew') && clock.advance(CHALLENGE_MS));
    assert.not(await key.renew());
    assert.ok(values.get('device-key'));
    before(() => {});
    assert.ok(await key.renew());
  }));

test.run();

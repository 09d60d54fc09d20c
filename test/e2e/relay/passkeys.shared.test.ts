/** Passkeys at the relay: login, step-up, and every answer that must not count. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PasskeyList } from '../../../core/api/auth.ts';
import { PROVEN_MS } from '../../../core/auth/login.ts';
import { STEP_UP_MS } from '../../../core/auth/passkey-routes.ts';
import { type FakeClock, fakeClock } from '../../support/fakes/fake-clock.ts';
import { SoftwareAuthenticator } from '../../support/fakes/software-keys.ts';
import { until } from '../../support/harness/product.ts';
import { startRelay, type TestRelay } from '../../support/harness/relay.ts';

interface Place {
  relay: TestRelay;
  clock: FakeClock;
  cookie: string;
  authenticator: SoftwareAuthenticator;
  /** What the machine was shown of the last request. */
  seen: () => unknown;
}

const send = (relay: TestRelay, method: string, path: string, body: unknown, cookie?: string) =>
  relay.fetch(path, { method, body: JSON.stringify(body), ...(cookie ? { cookie } : {}) });
const cookieOf = (response: Response) => response.headers.getSetCookie()[0]!.split(';')[0]!;
const codeOf = async (response: Response) =>
  response.ok ? response.status : ((await response.json()) as { code: string }).code;

async function challengeOf(relay: TestRelay, path: string, cookie?: string): Promise<string> {
  const response = await send(relay, 'POST', path, {}, cookie);
  assert.is(response.status, 200);
  return ((await response.json()) as { challenge: string }).challenge;
}
const placeOf = (relay: TestRelay) => ({ origin: relay.origin, rpId: new URL(relay.origin).hostname });

async function register(relay: TestRelay, authenticator: SoftwareAuthenticator, cookie: string): Promise<Response> {
  const challenge = await challengeOf(relay, '/api/auth/passkeys/options', cookie);
  const answer = authenticator.create({ ...placeOf(relay), challenge });
  return await send(relay, 'POST', '/api/auth/passkeys', { ...answer, name: 'Key' }, cookie);
}
async function logIn({ relay, authenticator }: Place, change: object = {}): Promise<Response> {
  const challenge = await challengeOf(relay, '/api/auth/passkey/options');
  const answer = authenticator.get({ ...placeOf(relay), challenge, ...change });
  return await send(relay, 'POST', '/api/auth/passkey/login', answer);
}
async function confirm({ relay, authenticator, cookie }: Place, from = cookie): Promise<Response> {
  const challenge = await challengeOf(relay, '/api/auth/step-up/options', from);
  const answer = authenticator.get({ ...placeOf(relay), challenge });
  return await send(relay, 'POST', '/api/auth/step-up', answer, cookie);
}

function withPasskey(name: string, run: (place: Place) => Promise<void>) {
  test(name, async () => {
    const clock = fakeClock(Date.now());
    let seen: unknown;
    const relay = await startRelay({
      clock,
      machine: (req, res) => {
        seen = req.headers['x-relay-step-up'] ?? null;
        res.writeHead(200, { 'content-length': 2 });
        res.end('{}');
      },
    });
    try {
      const cookie = await relay.login();
      const authenticator = new SoftwareAuthenticator();
      assert.is(await codeOf(await register(relay, authenticator, cookie)), 201);
      await run({ relay, clock, cookie, authenticator, seen: () => seen });
    } finally {
      await relay.close();
    }
  });
}

withPasskey(
  'a passkey logs in; another origin, an answer seen before and a counter going back do not',
  async (place) => {
    const { relay, authenticator } = place;
    const answer = await logIn(place);
    assert.is(answer.status, 200);
    assert.is((await relay.fetch('/api/auth/passkeys', { cookie: cookieOf(answer) })).status, 200);

    assert.is(await codeOf(await logIn(place, { origin: 'https://evil.test' })), 'passkey_refused');
    assert.is(await codeOf(await logIn(place, { rpId: 'evil.test' })), 'passkey_refused');
    const challenge = await challengeOf(relay, '/api/auth/passkey/options');
    const once = authenticator.get({ ...placeOf(relay), challenge });
    assert.is((await send(relay, 'POST', '/api/auth/passkey/login', once)).status, 200);
    assert.is(await codeOf(await send(relay, 'POST', '/api/auth/passkey/login', once)), 'passkey_refused', 'replayed');
    const higher = authenticator.get({ ...placeOf(relay), challenge, counter: 99 });
    assert.is(await codeOf(await send(relay, 'POST', '/api/auth/passkey/login', higher)), 'passkey_refused', 'used');
    assert.is(await codeOf(await logIn(place, { counter: 1 })), 'passkey_refused', 'a counter going back');
    assert.is(await codeOf(await logIn(place, { counter: authenticator.counter + 2 })), 200);
  },
);

withPasskey('a challenge is for one purpose and one session', async (place) => {
  const { relay, authenticator, cookie } = place;
  const other = await relay.login();
  assert.is(await codeOf(await confirm(place, other)), 'passkey_refused', "another session's");
  const forStepUp = await challengeOf(relay, '/api/auth/step-up/options', cookie);
  const answer = authenticator.get({ ...placeOf(relay), challenge: forStepUp });
  assert.is(await codeOf(await send(relay, 'POST', '/api/auth/passkey/login', answer)), 'passkey_refused');
  const forLogin = await challengeOf(relay, '/api/auth/passkey/options');
  const second = authenticator.get({ ...placeOf(relay), challenge: forLogin });
  assert.is(await codeOf(await send(relay, 'POST', '/api/auth/step-up', second, cookie)), 'passkey_refused');
  const unknown = new SoftwareAuthenticator();
  assert.is(await codeOf(await logIn({ ...place, authenticator: unknown })), 'passkey_refused');
});

withPasskey(
  'step-up: what the machine is shown, for five minutes and one session; pairing and passkeys need it',
  async (place) => {
    const { relay, clock, cookie, seen } = place;
    // Five minutes in one step end the tunnel, which comes back by itself.
    const shown = async (from = cookie) => {
      await until('the machine', async () => (await relay.fetch('/api/agents', { cookie: from })).ok);
      return seen();
    };
    assert.is(await shown(), null, 'off');
    const turn = (required: boolean) => send(relay, 'PUT', '/api/auth/step-up', { required }, cookie);
    assert.is(await codeOf(await turn(true)), 'step_up_required');
    assert.is(await codeOf(await confirm(place)), 200);
    assert.is(await codeOf(await turn(true)), 200);
    assert.is(await shown(), 'done');
    const other = await relay.login();
    assert.is(await shown(other), 'needed');
    assert.is(await codeOf(await send(relay, 'POST', '/api/auth/pair', {}, other)), 'step_up_required');
    assert.is(await codeOf(await send(relay, 'POST', '/api/auth/passkeys/options', {}, other)), 'step_up_required');
    const { passkeys } = await (await relay.fetch('/api/auth/passkeys', { cookie })).json() as PasskeyList;
    const path = `/api/auth/passkeys/${passkeys[0]!.id}`;
    assert.is(await codeOf(await relay.fetch(path, { method: 'DELETE', cookie: other })), 'step_up_required');
    assert.is(await codeOf(await relay.fetch(path, { method: 'DELETE', cookie })), 'step_up_on', 'the last one');
    assert.is(await codeOf(await send(relay, 'POST', '/api/auth/pair', {}, cookie)), 200);
    clock.advance(STEP_UP_MS);
    assert.is(await shown(), 'needed');
    assert.is(await codeOf(await turn(false)), 'step_up_required', 'off needs it too');
    assert.is(await codeOf(await confirm(place)), 200);
    assert.is(await codeOf(await turn(false)), 200);
    assert.is(await shown(), null);
    assert.is(await codeOf(await relay.fetch(path, { method: 'DELETE', cookie })), 200);
    assert.is(await codeOf(await logIn(place)), 'passkey_refused', 'removed');
  },
);

withPasskey('a cookie alone adds no passkey, and nobody adds one twice or for another session', async (place) => {
  const { relay, clock, cookie, authenticator } = place;
  assert.is(await codeOf(await register(relay, authenticator, cookie)), 'passkey_refused', 'known already');
  const other = await relay.login();
  const challenge = await challengeOf(relay, '/api/auth/passkeys/options', cookie);
  const answer = { ...new SoftwareAuthenticator().create({ ...placeOf(relay), challenge }), name: 'x' };
  assert.is(await codeOf(await send(relay, 'POST', '/api/auth/passkeys', answer, other)), 'passkey_refused');
  clock.advance(PROVEN_MS);
  assert.is(await codeOf(await send(relay, 'POST', '/api/auth/passkeys', answer, cookie)), 'proof_required');
  assert.is(await codeOf(await send(relay, 'POST', '/api/auth/passkeys/options', {}, cookie)), 'proof_required');
  for (const method of ['GET', 'POST']) {
    const init = method === 'GET' ? {} : { method, body: '{}' };
    assert.is(await codeOf(await relay.fetch('/api/auth/passkeys', init)), 'login_required');
  }
});

withPasskey('guesses count as wrong passwords do', async (place) => {
  const statuses: unknown[] = [];
  for (let i = 0; i < 11; i++) statuses.push(await codeOf(await logIn(place, { origin: 'https://evil.test' })));
  assert.equal(statuses, [...Array(10).fill('passkey_refused'), 'too_many_tries']);
});

test.run();

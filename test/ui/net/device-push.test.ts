/** Whether this device is told, why not if not, and the round trip of a test. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SubscriptionInfo } from '../../../core/api/push.ts';
import type { Api } from '../../../ui/net/api.ts';
import { createDevicePush, type DevicePushDeps } from '../../../ui/net/device-push.ts';

const KEY = 'BJ-_AQ';
const KEY_BYTES = Uint8Array.from([4, 159, 191, 1]);

/** A browser with its push service, and the machine's side. */
function place(options: Partial<DevicePushDeps> & { subscribes?: boolean; hasManager?: boolean } = {}) {
  const values = new Map<string, string>();
  const subscriptions: SubscriptionInfo[] = [];
  const calls: string[] = [];
  let current: { key: Uint8Array; unsubscribed?: boolean } | null = null;
  let time = 0;
  const wrap = (mine: NonNullable<typeof current>) => ({
    options: { applicationServerKey: mine.key.buffer },
    toJSON: () => ({ endpoint: 'https://push.example/1', keys: { p256dh: 'p', auth: 'a' } }),
    unsubscribe: () => Promise.resolve((mine.unsubscribed = true, current = null, true)),
  });
  const manager = {
    getSubscription: () => Promise.resolve(current && wrap(current)),
    subscribe: ({ applicationServerKey: key }: { applicationServerKey: Uint8Array }) => {
      if (options.subscribes === false) return Promise.reject(new DOMException('no service', 'AbortError'));
      current = { key };
      return Promise.resolve(wrap(current));
    },
  };
  const api = {
    get: (path: string) => Promise.resolve(path.endsWith('/key') ? { publicKey: KEY } : { subscriptions }),
    post(path: string, body: { hideDetails?: boolean; requestsOnly?: boolean; id?: string }) {
      calls.push(`${path} ${JSON.stringify(body)}`);
      if (path === '/api/push/test') return Promise.resolve({ ok: true, ms: 40 });
      const info = { id: 's1', hideDetails: false, requestsOnly: false, ...body } as unknown as SubscriptionInfo;
      subscriptions.splice(0, 1, info);
      return Promise.resolve(info);
    },
    delete(path: string) {
      calls.push(path);
      return Promise.resolve({});
    },
  } as unknown as Api;
  const registration = { pushManager: options.hasManager === false ? undefined : manager };
  const push = createDevicePush({
    api,
    registration: () => Promise.resolve(registration as unknown as ServiceWorkerRegistration),
    permission: () => 'granted',
    askPermission: () => Promise.resolve('granted'),
    isSecure: true,
    isIos: false,
    storage: {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
      removeItem: (key: string) => void values.delete(key),
    } as unknown as Storage,
    now: () => time += 100,
    testArrives: () => Promise.resolve(),
    ...options,
  });
  return { push, calls, subscriptions, subscribeElsewhere: (key: Uint8Array) => void (current = { key }) };
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(() => assert.unreachable(), (error) => error) as Promise<Error>;

for (
  const [name, options, why] of [
    ['no https', { isSecure: false }, 'insecure'],
    ['denied', { permission: () => 'denied' }, 'denied'],
    ['iOS outside of the home screen', { isIos: true, hasManager: false }, 'home_screen'],
    ['iOS without notifications', { isIos: true, permission: () => undefined }, 'home_screen'],
    ['a browser without push', { hasManager: false }, 'unsupported'],
  ] as [string, Parameters<typeof place>[0], string][]
) {
  test(`${name}: says why not`, async () => {
    const { push } = place(options);
    await push.refresh();
    assert.equal(push.state.value, { kind: 'blocked', why });
  });
}

test('a push service that cannot be reached is said in a sentence, and nothing is subscribed', async () => {
  const { push, calls } = place({ subscribes: false });
  const error = await failure(push.turnOn());
  assert.match(error.message, /push service could not be reached/);
  assert.equal(calls, []);
});

test('turned on, asked again, what it gets, turned off', async () => {
  const { push, calls } = place();
  await push.refresh();
  assert.equal(push.state.value, { kind: 'off' });
  await push.turnOn();
  assert.is(push.state.value.kind, 'on');
  await push.refresh();
  assert.is(push.state.value.kind, 'on');
  await push.set({ hideDetails: true, requestsOnly: true });
  assert.match(calls.at(-1)!, '"hideDetails":true,"requestsOnly":true');
  await push.turnOff();
  assert.equal([push.state.value.kind, calls.at(-1)], ['off', '/api/push/subscriptions/s1']);
});

test('a subscription of another machine’s key is made anew', async () => {
  const { push, subscribeElsewhere, calls } = place();
  subscribeElsewhere(KEY_BYTES);
  await push.turnOn();
  assert.is(calls.length, 1);
  subscribeElsewhere(Uint8Array.from([4, 1, 2, 3]));
  await push.turnOn();
  assert.is(push.state.value.kind, 'on');
});

test('a test tells the push service’s part and the whole way, or that it has not come back', async () => {
  const there = place();
  await there.push.turnOn();
  assert.equal(await there.push.test(), { serviceMs: 40, allMs: 100 });
  const away = place({ testArrives: () => Promise.reject(new Error('Nothing came.')) });
  await away.push.turnOn();
  assert.equal(await away.push.test(), { serviceMs: 40, allMs: null });
  const off = await failure(place().push.test());
  assert.match(off.message, /off on this device/);
});

test('the machine has forgotten it: it is off', async () => {
  const { push, subscriptions } = place();
  await push.turnOn();
  subscriptions.length = 0;
  await push.refresh();
  assert.equal(push.state.value, { kind: 'off' });
});

test('another machine joins with the same choice, and never ends the subscription for a key of its own', async () => {
  const { push, calls, subscribeElsewhere } = place({ machine: 'aaaaaa' });
  await push.join();
  assert.equal(calls, [], 'this device wants no notifications');
  subscribeElsewhere(Uint8Array.from([1, 2, 3]));
  await push.set({ hideDetails: true });
  calls.length = 0;
  await push.join();
  assert.match(calls.join(), '"hideDetails":true');
  calls.length = 0;
  subscribeElsewhere(Uint8Array.from([1, 2, 3]));
  await push.join();
  assert.equal(calls, []);
});

test.run();

/** The manners of a sender (RFC 8030), against every answer a push service has. */
import { Buffer } from 'node:buffer';
import { createECDH, randomBytes } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PushPayload } from '../../../core/api/push.ts';
import { createLog } from '../../../core/log.ts';
import { type PublicRequest, RequestFailure } from '../../../agent/notify/public-request.ts';
import { MAX_PAYLOAD } from '../../../agent/push/encrypt.ts';
import { MAX_WAITING, payloadBytes, PushSender, RETRY_MS } from '../../../agent/push/sender.ts';
import type { Subscription } from '../../../agent/push/subscriptions.ts';
import { generatePushKey } from '../../../core/tunnel/push-key.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';

const ENDPOINT = 'https://push.example/send/secret-token';
const REQUEST: PushPayload = {
  type: 'request',
  agent: 'a1',
  request: 'r1',
  title: 'Fix asks',
  body: 'npm test',
  actions: true,
  at: 1,
};

function subscription(id = 's1'): Subscription {
  const browser = createECDH('prime256v1');
  browser.generateKeys();
  const keys = { p256dh: browser.getPublicKey('base64url'), auth: randomBytes(16).toString('base64url') };
  return {
    id,
    endpoint: ENDPOINT,
    keys,
    device: 'Phone',
    service: 'push.example',
    hideDetails: false,
    requestsOnly: false,
    createdAt: 0,
    deliveredAt: null,
    failedAt: null,
    error: '',
  };
}

type Answer = number | { status: number; retryAfter: string } | 'PRIVATE_ADDRESS' | 'TIMEOUT';

function bench(...answers: Answer[]) {
  const clock = fakeClock();
  const asked: PublicRequest[] = [];
  const seen = { gone: [] as string[], outcomes: [] as string[], log: [] as string[] };
  const sender = new PushSender({
    clock,
    log: createLog({ write: (line: string) => void seen.log.push(line) }),
    key: (() => {
      const key = generatePushKey();
      return () => key;
    })(),
    subject: 'mailto:me@example.org',
    allowPrivate: false,
    onGone: (id) => seen.gone.push(id),
    onOutcome: (_id, outcome) => seen.outcomes.push('error' in outcome ? outcome.error : 'delivered'),
    post: (request) => {
      asked.push(request);
      const answer = answers[Math.min(asked.length, answers.length) - 1]!;
      if (typeof answer === 'string') return Promise.reject(new RequestFailure(answer));
      const status = typeof answer === 'number' ? answer : answer.status;
      const headers = typeof answer === 'number' ? {} : { 'retry-after': answer.retryAfter };
      return Promise.resolve({ status, headers, text: '' });
    },
  });
  return { clock, asked, seen, sender };
}

test('a message has all that RFC 8030, 8188 and 8292 ask for, and nothing of it in clear', async () => {
  const { asked, seen, sender } = bench(201);
  void sender.send(subscription(), REQUEST);
  await sender.settled();
  const [{ url, headers, body, allowPrivate }] = asked as [PublicRequest];
  assert.is(url, ENDPOINT);
  assert.is(headers['content-encoding'], 'aes128gcm');
  assert.is(headers.urgency, 'high');
  assert.is(headers.ttl, '86400');
  assert.match(headers.topic!, /^[\w-]{32}$/);
  assert.match(headers.authorization!, /^vapid t=/);
  assert.is(allowPrivate, false);
  assert.not.ok(Buffer.from(body).includes('npm test'));
  assert.equal(seen.outcomes, ['delivered']);
});

for (const status of [404, 410]) {
  test(`${status}: the subscription is forgotten, and not tried again`, async () => {
    const { clock, asked, seen, sender } = bench(status);
    void sender.send(subscription(), REQUEST);
    await sender.settled();
    await clock.advance(RETRY_MS.at(-1)! * 10);
    assert.equal([asked.length, seen.gone], [1, ['s1']]);
  });
}

for (const status of [301, 400, 401, 403, 413]) {
  test(`${status} is final`, async () => {
    const { clock, asked, seen, sender } = bench(status);
    void sender.send(subscription(), REQUEST);
    await sender.settled();
    await clock.advance(RETRY_MS.at(-1)! * 10);
    assert.is(asked.length, 1);
    assert.match(seen.outcomes[0]!, new RegExp(`refused the message \\(${status}\\)`));
  });
}

for (const answer of [500, 503, 'TIMEOUT'] as Answer[]) {
  test(`${answer} is tried again, ${RETRY_MS.length} times at most`, async () => {
    const { clock, asked, sender } = bench(answer);
    void sender.send(subscription(), REQUEST);
    await sender.settled();
    for (const [i, pause] of RETRY_MS.entries()) {
      await clock.advance(pause - 1);
      await sender.settled();
      assert.is(asked.length, i + 1);
      await clock.advance(1);
      await sender.settled();
      assert.is(asked.length, i + 2);
    }
    await clock.advance(RETRY_MS.at(-1)! * 10);
    await sender.settled();
    assert.is(asked.length, RETRY_MS.length + 1);
  });
}

test('429 waits as long as it is told to, within an hour', async () => {
  const { clock, asked, sender } = bench({ status: 429, retryAfter: '90' }, { status: 429, retryAfter: '999999' }, 201);
  void sender.send(subscription(), REQUEST);
  await sender.settled();
  await clock.advance(89_999);
  assert.is(asked.length, 1);
  await clock.advance(1);
  await sender.settled();
  assert.is(asked.length, 2);
  await clock.advance(3_600_000);
  await sender.settled();
  assert.is(asked.length, 3);
});

test('a service with an inside address is not tried again', async () => {
  const { clock, asked, seen, sender } = bench('PRIVATE_ADDRESS');
  void sender.send(subscription(), REQUEST);
  await sender.settled();
  await clock.advance(RETRY_MS.at(-1)! * 10);
  assert.is(asked.length, 1);
  assert.match(seen.outcomes[0]!, /no public address/);
});

test('what is newer of the same request takes the place of what waits', async () => {
  const { clock, asked, sender } = bench(500, 201);
  const to = subscription();
  void sender.send(to, REQUEST);
  await sender.settled();
  void sender.send(to, { type: 'settled', agent: 'a1', request: 'r1', title: 'Allowed on laptop', at: 2 });
  await sender.settled();
  await clock.advance(RETRY_MS.at(-1)! * 10);
  await sender.settled();
  assert.is(asked.length, 2);
  assert.is(asked[0]!.headers.topic, asked[1]!.headers.topic);
});

test('a failure that comes after a newer one was sent is not tried again', async () => {
  const { clock, asked, sender } = bench(500, 201);
  const to = subscription();
  const first = sender.send(to, REQUEST);
  const second = sender.send(to, { type: 'settled', agent: 'a1', request: 'r1', title: 'Allowed on laptop', at: 2 });
  assert.equal(await Promise.all([first, second]), [true, true]);
  await sender.settled();
  await clock.advance(RETRY_MS.at(-1)! * 10);
  await sender.settled();
  assert.is(asked.length, 2);
});

test('what is not over when the sender is closed says so: it is told again after the next start', async () => {
  const { sender } = bench(500);
  const outcome = sender.send(subscription(), REQUEST);
  await sender.settled();
  sender.close();
  assert.is(await outcome, false);
});

test('what waits is bounded, and a closed sender sends nothing more', async () => {
  const { clock, asked, sender } = bench(500);
  for (let i = 0; i < MAX_WAITING + 50; i++) void sender.send(subscription(`s${i}`), REQUEST);
  await sender.settled();
  assert.is(asked.length, MAX_WAITING + 50);
  await clock.advance(RETRY_MS[0]!);
  await sender.settled();
  assert.is(asked.length, 2 * MAX_WAITING + 50);
  sender.close();
  await clock.advance(RETRY_MS.at(-1)! * 10);
  await sender.settled();
  assert.is(asked.length, 2 * MAX_WAITING + 50);
});

test('no endpoint, key or text of a message stands in a log', async () => {
  const { asked, seen, sender } = bench(500, 'TIMEOUT', 413);
  for (let i = 0; i < 3; i++) {
    void sender.send(subscription(`s${i}`), REQUEST);
    await sender.settled();
  }
  assert.is(asked.length, 3);
  assert.ok(seen.log.length);
  assert.not.match(seen.log.join(), /secret-token|npm test|p256dh|vapid/);
});

test('a payload is cut to what a service takes, and cut means: no actions', () => {
  for (const text of ['x'.repeat(10_000), '😀'.repeat(3000), '"\\\n'.repeat(3000)]) {
    const bytes = payloadBytes({ ...REQUEST, body: text } as PushPayload);
    assert.ok(bytes.length <= MAX_PAYLOAD);
    const read = JSON.parse(bytes.toString());
    assert.is(read.actions, false);
    assert.not.match(read.body, /\ufffd/);
  }
  assert.equal(JSON.parse(payloadBytes(REQUEST).toString()), REQUEST);
});

test.run();

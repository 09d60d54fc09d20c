/** ntfy and the owner's own webhook: the exact requests; nothing secret in an error; nothing inside unless it is allowed. */
import { Buffer } from 'node:buffer';
import { createHmac } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createNtfy } from '../../../agent/notify/ntfy.ts';
import type { Notice, SendError } from '../../../agent/notify/sender.ts';
import { createWebhook } from '../../../agent/notify/webhook.ts';
import { startStandIn } from '../../support/fakes/http-stand-in.ts';

const NOTICE: Notice = {
  event: 'needs_input',
  title: 'Fix the tests asks for permission',
  text: 'Bash: rm -rf büild 😀',
  link: 'https://relay.example/#/agents/a1',
  agent: 'a1',
  request: 'r1',
};

async function failure(action: Promise<unknown>): Promise<SendError> {
  const error = await action.then(() => null, (error) => error as SendError);
  if (!error) throw new Error('it was sent');
  return error;
}

const webhook = (secret: string, allowPrivate = true) =>
  createWebhook({ secret, allowPrivate, now: () => 1_700_000_000_000 });

test('ntfy: published as JSON to the topic, with the token of its server', async () => {
  const there = await startStandIn({ status: 200 });
  await createNtfy('tk_SECRET', true).send(`${there.url}/base/my-topic`, NOTICE, 'id');
  const [asked] = there.asked;
  assert.equal([asked!.method, asked!.url, asked!.headers.authorization], ['POST', '/base/', 'Bearer tk_SECRET']);
  assert.equal(JSON.parse(asked!.body), {
    topic: 'my-topic',
    title: NOTICE.title,
    message: NOTICE.text,
    priority: 4,
    click: NOTICE.link,
  });
  await createNtfy('', true).send(`${there.url}/t`, { ...NOTICE, event: 'failed', text: '', link: '' }, 'id');
  assert.is(there.asked[1]!.headers.authorization, undefined);
  assert.equal(JSON.parse(there.asked[1]!.body), {
    topic: 't',
    title: NOTICE.title,
    message: NOTICE.title,
    priority: 3,
  });
  await there.close();
});

test('ntfy: a message is cut to what it takes, in bytes', async () => {
  const there = await startStandIn({ status: 200 });
  for (const text of ['😀'.repeat(3000), 'é'.repeat(5000), 'x'.repeat(5000)]) {
    await createNtfy('', true).send(`${there.url}/t`, { ...NOTICE, text }, 'id');
    const { message } = JSON.parse(there.asked.at(-1)!.body) as { message: string };
    assert.ok(Buffer.byteLength(message) <= 3900 && message.length > 900 && !message.includes('\\ufffd'));
  }
  await there.close();
});

test('webhook: signed as Standard Webhooks has it, over id, time and body; the same id for every try', async () => {
  const there = await startStandIn({ status: 204 });
  const key = Buffer.from('a key of the receiver');
  for (const secret of [`whsec_${key.toString('base64')}`, key.toString()]) {
    await webhook(secret).send(`${there.url}/hook?x=1`, NOTICE, 'msg-1');
    const { headers, body, url } = there.asked.at(-1)!;
    assert.equal([url, headers['webhook-id'], headers['webhook-timestamp']], ['/hook?x=1', 'msg-1', '1700000000']);
    const mac = createHmac('sha256', key).update(`msg-1.1700000000.${body}`).digest('base64');
    assert.is(headers['webhook-signature'], `v1,${mac}`);
    assert.equal(JSON.parse(body), {
      type: 'needs_input',
      timestamp: '2023-11-14T22:13:20.000Z',
      data: { title: NOTICE.title, text: NOTICE.text, link: NOTICE.link, agent: 'a1', request: 'r1' },
    });
  }
  assert.not.ok(webhook('').configured);
  await there.close();
});

for (const name of ['ntfy', 'webhook'] as const) {
  const make = (allowPrivate: boolean) =>
    name === 'ntfy' ? createNtfy('tk_SECRET', allowPrivate) : webhook('SECRET-secret-secret', allowPrivate);

  test(`${name}: inside addresses and plain http are refused unless they are allowed`, async () => {
    const there = await startStandIn({ status: 200 });
    for (
      const to of [`${there.url}/t`, there.url.replace('http', 'https') + '/t', 'https://10.0.0.1/t', 'file:///t', 't']
    ) {
      assert.ok((await failure(make(false).send(to, NOTICE, 'id'))).isFinal, to);
    }
    assert.is(there.asked.length, 0);
    await there.close();
  });

  test(`${name}: no redirect is followed, a full service is tried again, and no error holds a secret`, async () => {
    const inner = await startStandIn({ status: 200 });
    const there = await startStandIn(
      { status: 307, headers: { location: `${inner.url}/SECRET` } },
      { status: 429, headers: { 'retry-after': '7' }, body: 'SECRET' },
      { status: 500, body: 'SECRET' },
      { status: 403, body: '{"code":40301,"error":"SECRET"}' },
    );
    const errors: SendError[] = [];
    for (let i = 0; i < 4; i++) errors.push(await failure(make(true).send(`${there.url}/SECRET`, NOTICE, 'id')));
    await there.close();
    errors.push(await failure(make(true).send(`${there.url}/SECRET`, NOTICE, 'id')));
    assert.equal(errors.map(({ isFinal }) => isFinal), [true, false, false, true, false]);
    assert.is(errors[1]!.retryAfterMs, 7000);
    for (const { message } of errors) assert.not.match(message, /SECRET|127\.0\.0\.1/);
    assert.is(inner.asked.length, 0);
    await inner.close();
  });
}

test.run();

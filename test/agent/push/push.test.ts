/** From an agent's request to what a device gets: sealed, once, taken back when it is answered elsewhere. */
import { Buffer } from 'node:buffer';
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { RequestMessage } from '../../../core/api/messages.ts';
import type { PushPayload } from '../../../core/api/push.ts';
import { Push } from '../../../agent/push/push.ts';
import { MAX_SUBSCRIPTION } from '../../../agent/push/subscriptions.ts';
import { generatePushKey } from '../../../core/tunnel/push-key.ts';
import { HOSTILE_APPROVALS } from '../../support/fakes/hostile-approvals.ts';
import { type TestContext, testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

function makeContext(config: { allowPrivateAddresses?: boolean } = {}) {
  const { path, remove } = temporaryDirectory();
  return { ...testContext({ dataDir: join(path, 'data'), config }), remove };
}

/** A browser with its push service: opens what is sealed to it. */
async function withService(use: (service: Service) => Promise<void>): Promise<void> {
  const got: { path: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
  const service: Service = { got, status: 201, port: 0 };
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      got.push({ path: req.url!, headers: req.headers, body: Buffer.concat(chunks) });
      res.writeHead(service.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  service.port = (server.address() as AddressInfo).port;
  try {
    await use(service);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

interface Service {
  got: { path: string; headers: IncomingHttpHeaders; body: Buffer }[];
  status: number;
  port: number;
}

function browser(port: number, path = '/push/one') {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  const auth = randomBytes(16);
  return {
    body: {
      endpoint: `http://127.0.0.1:${port}${path}`,
      keys: { p256dh: ecdh.getPublicKey('base64url'), auth: auth.toString('base64url') },
    },
    open(sealed: Buffer): PushPayload {
      const sender = sealed.subarray(21, 86);
      const derive = (key: Uint8Array, salt: Uint8Array, info: string | Buffer, length: number) =>
        Buffer.from(hkdfSync('sha256', key, salt, info, length));
      const context = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender]);
      const secret = derive(ecdh.computeSecret(sender), auth, context, 32);
      const salt = sealed.subarray(0, 16);
      const key = derive(secret, salt, 'Content-Encoding: aes128gcm\0', 16);
      const cipher = createDecipheriv('aes-128-gcm', key, derive(secret, salt, 'Content-Encoding: nonce\0', 12));
      cipher.setAuthTag(sealed.subarray(-16));
      const plain = Buffer.concat([cipher.update(sealed.subarray(86, -16)), cipher.final()]);
      return JSON.parse(plain.subarray(0, -1).toString());
    },
  };
}

const AGENT = { id: 'a1', name: 'Fix' } as AgentInfo;
const asks = (command: string, changes: Partial<RequestMessage> = {}): RequestMessage => ({
  kind: 'request',
  id: 'r1',
  seq: 1,
  at: 0,
  request: 'permission',
  toolId: null,
  tool: 'Bash',
  title: command,
  description: '',
  input: { command },
  diffs: [],
  questions: [],
  plan: '',
  status: 'pending',
  decision: null,
  choices: [{ id: 'allow', label: 'Allow once', detail: '', tone: 'allow' }, {
    id: 'deny',
    label: 'Deny',
    detail: '',
    tone: 'deny',
  }],
  ...changes,
});

async function withPush(
  use: (place: { push: Push; service: Service; dataDir: string; context: TestContext }) => Promise<void>,
): Promise<void> {
  const context = makeContext({ allowPrivateAddresses: true });
  const push = new Push({ context, subject: 'mailto:me@example.org' });
  try {
    await push.keys.publicKey('local');
    await withService((service) => use({ push, service, context, dataDir: context.config.dataDir }));
  } finally {
    await push.close();
    context.remove();
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds());
}

test('a request reaches each device sealed, and its end only those that were told', () =>
  withPush(async ({ push, service }) => {
    const phone = browser(service.port);
    await push.subscriptions.add({ ...phone.body, device: 'Phone' });
    push.request(AGENT, asks('npm test'), false);
    await until(() => service.got.length === 1);
    const first = phone.open(service.got[0]!.body);
    assert.equal([first.type, 'title' in first && first.title], ['request', 'Fix needs you']);
    assert.equal(first.words, { title: { code: 'needs_you', params: { name: 'Fix' } } });
    assert.ok(first.type === 'request' && first.actions && first.body.includes('npm test'));
    const laptop = browser(service.port, '/push/two');
    await push.subscriptions.add({ ...laptop.body, device: 'Laptop' });
    push.settled('a1', 'r1', 'Allowed by Firefox on Linux');
    push.settled('a1', 'r1', 'Allowed by Firefox on Linux');
    push.settled('a1', 'never-told', 'No longer asked');
    await until(() => service.got.length === 2);
    assert.equal(phone.open(service.got[1]!.body).title, 'Allowed by Firefox on Linux');
    assert.is(service.got[1]!.path, '/push/one');
    assert.is(service.got[1]!.headers.topic, service.got[0]!.headers.topic);
  }));

test('there are buttons only for what is seen whole, and that has just these two answers', () =>
  withPush(async ({ push, service }) => {
    const phone = browser(service.port);
    await push.subscriptions.add(phone.body);
    const requests = [
      asks(`echo hi${' '.repeat(300)}; rm -rf ~`),
      asks('echo \u202egnp.exe'),
      asks('x'.repeat(2000)),
      asks('ls', { input: { command: 'ls', dangerouslyDisableSandbox: true, extra: 'y'.repeat(2000) } }),
      asks('', { request: 'question', questions: [], choices: [] }),
      asks('npm test', { choices: [{ id: 'option:once', label: 'Allow', detail: '', tone: 'allow' }] }),
    ];
    for (const [i, request] of requests.entries()) push.request(AGENT, { ...request, id: `r${i}` }, false);
    await until(() => service.got.length === requests.length);
    for (const { body } of service.got) {
      const payload = phone.open(body);
      assert.ok(payload.type === 'request' && !payload.actions, JSON.stringify(payload));
    }
  }));

test('of every hostile request that may be allowed from a notification, the notification has all', () =>
  withPush(async ({ push, service }) => {
    const phone = browser(service.port);
    await push.subscriptions.add(phone.body);
    let withButtons = 0;
    for (const [i, { name, request, seen, marks = [], isCut, isPlain }] of HOSTILE_APPROVALS.entries()) {
      push.request(AGENT, { ...asks('', request), id: `h${i}` }, false);
      await until(() => service.got.length === i + 1);
      const payload = phone.open(service.got[i]!.body);
      assert.ok(payload.type === 'request', name);
      if (isPlain) assert.ok(payload.actions, `${name}: harmless`);
      if (!payload.actions) continue;
      withButtons++;
      assert.not.ok(isCut || marks.length, name);
      // The agent's own words about it stand last: they may be cut off.
      const top = payload.body.split('\n').slice(0, 4).join('\n').slice(0, 160);
      for (const part of seen) {
        if (!request.description?.includes(part)) assert.ok(top.includes(part), `${name}: ${part} is not in ${top}`);
      }
      assert.not.match(payload.body, /[⟨…]/);
    }
    console.log(`notifications: ${HOSTILE_APPROVALS.length} requests, ${withButtons} can be allowed from there`);
    assert.ok(withButtons >= 8);
  }));

test('a device that hides what it is about is told only that somebody is needed', () =>
  withPush(async ({ push, service }) => {
    const phone = browser(service.port);
    await push.subscriptions.add({ ...phone.body, hideDetails: true });
    push.request(AGENT, asks('secret command'), false);
    push.notice({ event: 'agent_finished', title: 'Fix is done', text: 'secret', agent: 'a1' }, false);
    push.notice({ event: 'pipeline_complete', title: 'secret', text: 'secret' }, false);
    await until(() => service.got.length === 3);
    for (const { body } of service.got) assert.not.match(JSON.stringify(phone.open(body)), /secret|Fix/);
  }));

test('what the service does not know any more is forgotten; the same endpoint keeps its id; a list is bounded', () =>
  withPush(async ({ push, service }) => {
    const phone = browser(service.port);
    const added = await push.subscriptions.add({ ...phone.body, device: 'Phone' });
    assert.is((await push.subscriptions.add(phone.body)).id, added.id);
    assert.is(push.subscriptions.list()[0]!.device, 'Phone');
    service.status = 410;
    push.request(AGENT, asks('ls'), false);
    await until(() => push.subscriptions.list().length === 0);
    for (let i = 0; i < MAX_SUBSCRIPTION + 5; i++) {
      await push.subscriptions.add(browser(service.port, `/push/${i}`).body);
    }
    assert.is(push.subscriptions.list().length, MAX_SUBSCRIPTION);
  }));

test('no list, answer or file for others holds an endpoint or a key', () =>
  withPush(async ({ push, service, dataDir }) => {
    const phone = browser(service.port);
    const added = await push.subscriptions.add(phone.body);
    const shown = JSON.stringify([added, push.subscriptions.list()]);
    for (const secret of [phone.body.endpoint, phone.body.keys.auth, phone.body.keys.p256dh]) {
      assert.not.ok(shown.includes(secret));
    }
    for (const file of ['push.json', 'push-key.json']) assert.is(statSync(join(dataDir, file)).mode & 0o777, 0o600);
  }));

test('a test says how long it took, or why it did not arrive', () =>
  withPush(async ({ push, service }) => {
    const { id } = await push.subscriptions.add(browser(service.port).body);
    assert.ok(await push.test(id) >= 0);
    service.status = 500;
    const failure = await push.test(id).catch((error) => error);
    assert.equal([failure.code, failure.message], ['not_sent', 'The push service refused the message (500).']);
    assert.is((await push.test('none').catch((error) => error)).code, 'not_found');
  }));

test('a service inside the own network is refused unless it is allowed', async () => {
  const context = makeContext();
  const push = new Push({ context, subject: 'mailto:me@example.org' });
  try {
    await withService(async (service) => {
      const { id } = await push.subscriptions.add(browser(service.port).body);
      assert.match((await push.test(id).catch((error) => error)).message, /no public address/);
      assert.equal(service.got, []);
    });
  } finally {
    await push.close();
    context.remove();
  }
});

test('what a restart ended is taken back by the next start, until the push service has that', () =>
  withPush(async ({ push, service, context }) => {
    const phone = browser(service.port);
    await push.subscriptions.add(phone.body);
    push.request(AGENT, asks('npm test'), false);
    await until(() => service.got.length === 1);
    // The process ends here; nothing told it that the request is over.
    const next = new Push({ context, subject: 'mailto:me@example.org' });
    assert.equal(next.shown(), [{ agent: 'a1', request: 'r1' }]);
    service.status = 503;
    next.settled('a1', 'r1', 'No longer asked');
    await until(() => service.got.length === 2);
    await next.close();
    const last = new Push({ context, subject: 'mailto:me@example.org' });
    assert.equal(last.shown(), [{ agent: 'a1', request: 'r1' }]);
    service.status = 201;
    last.settled('a1', 'r1', 'No longer asked');
    await until(() => last.shown().length === 0);
    assert.is(phone.open(service.got[2]!.body).type, 'settled');
    await last.close();
  }));

test('a request that ends before it is told is not told; a device may want requests only; quiet hours are silent', () =>
  withPush(async ({ push, service }) => {
    const phone = browser(service.port);
    await push.subscriptions.add({ ...phone.body, requestsOnly: true });
    push.request(AGENT, asks('ls'), false);
    push.settled('a1', 'r1', 'Allowed');
    await until(() => push.shown().length === 0 && service.got.length === 1);
    push.notice({ event: 'failed', title: 'Fix failed', text: '', agent: 'a1' }, false);
    push.request(AGENT, { ...asks('ls'), id: 'r2' }, true);
    await until(() => service.got.length === 2);
    const [ended, quiet] = service.got.map(({ body }) => phone.open(body));
    assert.equal([ended!.type, quiet!.type, (quiet as { quiet: boolean }).quiet], ['settled', 'request', true]);
    assert.is(service.got[1]!.headers.urgency, 'normal');
  }));

test('the key is made once and is the same after a restart', async () => {
  const context = makeContext();
  try {
    const first = new Push({ context, subject: 'mailto:me@example.org' });
    const keys = await Promise.all([first.keys.publicKey('local'), first.keys.publicKey('local')]);
    await first.close();
    const second = new Push({ context, subject: 'mailto:me@example.org' });
    assert.equal([...keys, await second.keys.publicKey('local')], [keys[0], keys[0], keys[0]]);
    await second.close();
  } finally {
    context.remove();
  }
});

test('what was subscribed through a relay is signed with its key, over restarts; a lost key is said, not guessed', () =>
  withPush(async ({ push, service, context }) => {
    const relayKey = generatePushKey();
    const keyOf = (authorization?: string) => /k=([\w-]+)/.exec(authorization ?? '')?.[1];
    assert.is(await push.keys.publicKey('tunnel'), await push.keys.publicKey('local'), 'an older relay has none');
    await push.keys.setRelay(relayKey);
    assert.is(await push.keys.publicKey('tunnel'), relayKey.publicKey);
    const own = await push.keys.publicKey('local');
    assert.is.not(own, relayKey.publicKey);
    await push.subscriptions.add(browser(service.port, '/push/near').body, { vapidKey: own });
    await push.subscriptions.add(browser(service.port, '/push/old').body);
    const far = { vapidKey: relayKey.publicKey, relayDevice: 'd1' };
    const { id } = await push.subscriptions.add(browser(service.port, '/push/far').body, far);
    const again = new Push({ context, subject: 'mailto:me@example.org' });
    again.request(AGENT, asks('npm test'), false);
    await until(() => service.got.length === 3);
    const used = Object.fromEntries(service.got.map(({ path, headers }) => [path, keyOf(headers.authorization)]));
    assert.equal(used, { '/push/near': own, '/push/old': own, '/push/far': relayKey.publicKey });
    await again.keys.setRelay(generatePushKey());
    let error = '';
    await again.test(id).catch((failure) => error = failure.message);
    assert.match(error, /not there any more/);
    assert.is(service.got.length, 3);
    await again.keys.setRelay(null);
    assert.is(await again.keys.publicKey('tunnel'), own);
    await again.close();
    assert.is(statSync(join(context.config.dataDir, 'push-relay-key.json')).mode & 0o777, 0o600);
  }));

test('what goes to a page at the relay names the machine, what goes to the local page does not; none replaces another', () =>
  withPush(async ({ push, service, context }) => {
    const relayKey = generatePushKey();
    await push.keys.setRelay(relayKey);
    const near = browser(service.port, '/push/near');
    const far = browser(service.port, '/push/far');
    await push.subscriptions.add(near.body, { vapidKey: await push.keys.publicKey('local') });
    await push.subscriptions.add(far.body, { vapidKey: relayKey.publicKey, relayDevice: 'd1' });
    const topics = new Set<unknown>();
    // The same request of the same agent, as two machines with copied data could have it.
    for (const machine of ['machine1', 'machine2', null]) {
      service.got.length = 0;
      const atRelay = new Push({
        context: { ...context, machineAtRelay: () => machine },
        subject: 'mailto:me@example.org',
      });
      atRelay.request(AGENT, asks('npm test'), false);
      await until(() => service.got.length === 2);
      const [here, there] = ['/push/near', '/push/far'].map((path) =>
        service.got.find((message) => message.path === path)!
      );
      assert.not.ok('machine' in near.open(here!.body), 'the local page knows one machine');
      assert.is(far.open(there!.body).machine ?? null, machine);
      topics.add(there!.headers.topic);
      await atRelay.close();
    }
    assert.is(topics.size, 3);
  }));

test('subscriptions of devices that the relay does not name end, local ones stay', () =>
  withPush(async ({ push, service, context }) => {
    await push.subscriptions.add(browser(service.port, '/push/local').body);
    for (const relayDevice of ['d1', 'd2', 'd3']) {
      await push.subscriptions.add(browser(service.port, `/push/${relayDevice}`).body, { relayDevice });
    }
    await push.subscriptions.keepDevices(['d2', 'unknown']);
    const left = (all: Push) => all.subscriptions.all().map(({ relayDevice }) => relayDevice ?? 'local').sort();
    assert.equal(left(push), ['d2', 'local']);
    const again = new Push({ context, subject: 'mailto:me@example.org' });
    assert.equal(left(again), ['d2', 'local']);
    await again.subscriptions.keepDevices([]);
    assert.equal(left(again), ['local']);
    await again.close();
  }));

test.run();

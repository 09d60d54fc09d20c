/**
 * From the real Claude Code to a lock screen and back: it asks, the machine seals the request to a browser's keys, Chromium's
 * service worker shows it with its two buttons, and "Allow once", with the page closed and the login over, makes it go on.
 */
import { Buffer } from 'node:buffer';
import { createECDH, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { CLAUDE_BIN, claudeEnv } from '../support/harness/claude-harness.ts';
import { freePort, startProduct, until } from '../support/harness/product.ts';
import { openSealed, startPushService } from '../support/harness/push-device.ts';
import { openWorkerPush } from '../support/harness/worker-push.ts';
import { startAnthropicStub } from '../support/stubs/stub-anthropic.mjs';

const FILE = 'allowed-on-the-lock-screen.txt';
const SCENARIO = {
  rules: [{
    match: 'use bash',
    steps: [
      { text: 'I run a command.', tool: { name: 'Bash', input: { command: `touch ${FILE}` } }, chunk: 4, delayMs: 10 },
      { text: 'The command step is over.' },
    ],
  }],
  default: { text: 'Stub answer.' },
};

test('a push message, its notification, "Allow once": the real CLI goes on, with the page closed and the cookie expired', async () => {
  const stub = await startAnthropicStub({ scenario: SCENARIO });
  const home = join(process.env.TMPDIR ?? '/tmp', `push-${process.pid}-${await freePort()}`);
  for (const name of ['', 'claude', 'tmp']) mkdirSync(join(home, name), { recursive: true });
  const agentEnv = { ...claudeEnv(home, stub.url), CLAUDE_BIN, ALLOW_PRIVATE_ADDRESSES: 'on' };
  const product = await startProduct({ agentEnv });
  const service = await startPushService(() => 1);
  const browser = await launchBrowser();
  try {
    const call = async <T>(path: string, method = 'GET', body?: object) => {
      const response = await product.fetch(path, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
      assert.ok(response.ok, `${path}: ${response.status}`);
      return await response.json() as T;
    };
    await call('/api/settings', 'PUT', { notify: { delaySeconds: 0 } });
    await call('/api/push/key');
    const { page } = await openPage(browser);
    await page.goto(product.relayUrl);
    await page.getByLabel('Password', { exact: true }).fill(product.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Agents', exact: true }).waitFor();
    const push = await openWorkerPush(page, product.relayUrl);

    // The browser's keys; its maker's push service is not reached from a test, so this one hands the message over.
    const ecdh = createECDH('prime256v1');
    ecdh.generateKeys();
    const auth = randomBytes(16);
    const sealed: Buffer[] = [];
    service.route('/push/chromium', (body) => void sealed.push(body));
    await call('/api/push/subscriptions', 'POST', {
      endpoint: `${service.url}/push/chromium`,
      keys: { p256dh: ecdh.getPublicKey('base64url'), auth: auth.toString('base64url') },
    });
    // The night passes: the page is closed, and the login is over. What renews it is the key that only this browser has.
    await until('the key of the device', async () => {
      const { devices } = await call<{ devices: unknown[] }>('/api/auth/devices');
      return devices.length > 0;
    });
    await page.goto('about:blank');
    await page.context().clearCookies();

    const directory = join(product.directory, 'work');
    mkdirSync(directory);
    const { id } = await call<AgentInfo>('/api/agents', 'POST', {
      name: 'Real',
      directory,
      prompt: 'please use bash now',
    });
    const [message] = await until('the sealed request', () => sealed.length ? sealed : null, 60_000);
    assert.not.ok(message!.includes(FILE));
    await push.deliver(openSealed(ecdh, auth, message!));
    const [notification] = await until('the notification', async () => {
      const all = await push.shown();
      return all.length ? all : null;
    });
    assert.is(notification!.title, 'Real needs you');
    assert.ok(notification!.body.includes(`touch ${FILE}`), notification!.body);
    assert.equal(notification!.actions, ['allow', 'deny']);
    assert.not.ok(existsSync(join(directory, FILE)));
    await push.tap(notification!.tag, 'allow');
    await until('the file', () => existsSync(join(directory, FILE)), 60_000);
    await until('the notification to go', async () => (await push.shown()).length === 0);
    const { messages } = await call<{ messages: RequestMessage[] }>(`/api/agents/${id}/messages`);
    const request = messages.find(({ kind }) => kind === 'request')!;
    assert.equal([request.status, request.decision!.decision], ['answered', 'allow']);
    assert.ok((await page.context().cookies(product.relayUrl)).length > 0, 'the login was renewed');
    // Its end was sealed to the device, too.
    const end = await until('the end', () => sealed[1] ?? null);
    assert.is((openSealed(ecdh, auth, end) as { type: string }).type, 'settled');
  } finally {
    await browser.close();
    await product.close();
    service.close();
    await stub.close();
  }
});

test.run();

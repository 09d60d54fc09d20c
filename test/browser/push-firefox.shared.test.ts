/**
 * Firefox itself: it subscribes on the settings page, the page is closed, an agent asks, and its service worker gets the
 * request opened. Firefox shows no buttons: the one card answers. Its push service is a stand-in that speaks the same protocol.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { PushPayload, SubscriptionInfo } from '../../core/api/push.ts';
import { launchFirefox, type Tab } from '../support/harness/firefox.ts';
import { ROOT, startProduct, until } from '../support/harness/product.ts';
import { firefoxPush, startBrowserPushService } from '../support/stubs/push-service.ts';

const WAIT_MS = 40_000;

const button = (name: string) =>
  `[...document.querySelectorAll('button')].find((button) => button.textContent.trim() === ${JSON.stringify(name)})`;
const isThere = (tab: Tab, name: string) => tab.evaluate<boolean>(`Boolean(${button(name)})`);
const press = (tab: Tab, name: string) => tab.evaluate(`void ${button(name)}.click()`);

/** What the worker keeps of the last message that it got. */
const LAST = `new Promise((resolve, reject) => {
  const open = indexedDB.open('agent-monitor', 1);
  open.onerror = () => reject(open.error);
  open.onsuccess = () => {
    const get = open.result.transaction('values').objectStore('values').get('last-push');
    get.onsuccess = () => resolve(get.result ?? null);
    get.onerror = () => reject(get.error);
  };
})`;

test('subscribed on the dashboard, page closed: the worker gets the request opened; the one card answers it', async () => {
  const service = await startBrowserPushService();
  const product = await startProduct({
    withRelay: false,
    agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts'), ALLOW_PRIVATE_ADDRESSES: 'on' },
  });
  const call = async <T>(path: string, method = 'GET', body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(product.localUrl + path, { method, headers, body: body && JSON.stringify(body) });
    return await response.json() as T;
  };
  await call('/api/settings', 'PUT', { notify: { delaySeconds: 0 } });
  const firefox = await launchFirefox(firefoxPush(service.socketUrl));
  try {
    const settings = await firefox.open(`${product.localUrl}/#/settings`);
    await until('the switch', () => isThere(settings, 'Turn on'), WAIT_MS);
    await press(settings, 'Turn on');
    await until('the subscription', () => isThere(settings, 'Turn off'), WAIT_MS);
    const { subscriptions } = await call<{ subscriptions: SubscriptionInfo[] }>('/api/push/subscriptions');
    assert.equal(subscriptions.map(({ device }) => device), ['Firefox on Linux, on the machine itself']);
    await settings.goto('about:blank');

    const directory = join(product.directory, 'asks-firefox');
    mkdirSync(directory);
    const asked = await call<AgentInfo>('/api/agents', 'POST', {
      name: 'asks-firefox',
      directory,
      prompt: 'a greeting',
    });
    const { pending } = await until('the request', async () => {
      const info = await call<AgentInfo>(`/api/agents/${asked.id}`);
      return info.pending.length ? info : null;
    }, WAIT_MS);
    await until('the message', () => service.posted.length > 0, WAIT_MS);
    // Without a screen Firefox cannot show it: the handler, which ran, then fails with 302.
    const [code] = await until('the acknowledgement', () => service.acks.length ? service.acks : null, WAIT_MS);
    assert.ok(code === 100 || code === 302, `acknowledged with ${code}`);
    const { headers, body } = service.posted[0]!;
    assert.equal([headers.urgency, headers.ttl, headers['content-encoding']], ['high', '86400', 'aes128gcm']);
    assert.not.ok(body.includes('asks-firefox'));

    const card = await firefox.open(`${product.localUrl}/#/answer/${asked.id}/${pending[0]}`);
    const last = await card.evaluate<{ payload: PushPayload }>(LAST);
    const { payload } = last;
    assert.ok(payload.type === 'request');
    assert.equal([payload.agent, payload.request, payload.title], [asked.id, pending[0], 'asks-firefox needs you']);
    await until('the card', () => isThere(card, 'Allow once'), WAIT_MS);
    const file = join(directory, 'hello-from-the-demo.md');
    assert.not.ok(existsSync(file));
    // A button that has just come under a finger takes no tap.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await press(card, 'Allow once');
    await until('the file', () => existsSync(file), WAIT_MS);
    await until(
      'the card to say so',
      () => card.evaluate<boolean>(`document.body.innerText.includes('answered already')`),
      WAIT_MS,
    );
    const output = product.agent!.output();
    for (const secret of ['/wpush/', 'vapid', 'p256dh', 'hello-from-the-demo']) assert.not.ok(output.includes(secret));
  } finally {
    await firefox.close();
    await product.close();
    service.close();
  }
});

test.run();

/** The service worker in a real browser: a start without a network, and an answer from a notification with the page closed. */
import { existsSync, mkdirSync } from 'node:fs';
import { pressAnswer } from '../support/harness/answers.ts';
import { join } from 'node:path';
import type { Browser, BrowserContext, CDPSession, Page, Worker } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { PushPayload } from '../../core/api/push.ts';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';

let product: Product;
let browser: Browser;

test.before(async () => {
  const agentEnv = { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') };
  product = await startProduct({ withRelay: false, agentEnv });
  browser = await launchBrowser();
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

interface Place {
  page: Page;
  context: BrowserContext;
  worker: Worker;
  problems: string[];
  push(payload: PushPayload): Promise<void>;
}

/** A page with its worker in charge, and the browser's own way to hand it a message. */
async function openWithWorker(): Promise<Place> {
  const { page, problems } = await openPage(browser);
  const context = page.context();
  const origin = product.localUrl.replace(/\/$/, '');
  const cdp: CDPSession = await context.newCDPSession(page);
  await context.grantPermissions(['notifications'], { origin });
  let registrationId = '';
  cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    registrationId = registrations.find(({ isDeleted }) => !isDeleted)?.registrationId ?? registrationId;
  });
  await cdp.send('ServiceWorker.enable');
  await page.goto(product.localUrl);
  await page.evaluate(async () => void await navigator.serviceWorker.ready);
  await page.reload();
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  const worker = await until('the worker', () => context.serviceWorkers()[0] ?? null);
  const push = async (payload: PushPayload) => {
    await cdp.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: JSON.stringify(payload) });
  };
  return { page, context, worker, problems, push };
}

const shown = (worker: Worker) =>
  worker.evaluate(async () => {
    const { registration } = globalThis as unknown as { registration: ServiceWorkerRegistration };
    const list = await registration.getNotifications();
    return list.map((notification) => {
      const { actions = [] } = notification as Notification & { actions?: { action: string }[] };
      return {
        title: notification.title,
        body: notification.body,
        tag: notification.tag,
        actions: actions.map(({ action }) => action),
      };
    });
  });

const tap = (worker: Worker, tag: string, action: string) =>
  worker.evaluate(async ([tag, action]) => {
    const scope = globalThis as unknown as {
      registration: ServiceWorkerRegistration;
      NotificationEvent: new (type: string, init: object) => Event;
      dispatchEvent(event: Event): void;
    };
    const [notification] = await scope.registration.getNotifications({ tag: tag! });
    scope.dispatchEvent(new scope.NotificationEvent('notificationclick', { notification, action }));
  }, [tag, action]);

const isSettled = (worker: Worker, request: string) =>
  worker.evaluate((request) =>
    new Promise<boolean>((resolve) => {
      const open = indexedDB.open('agent-monitor', 1);
      open.onsuccess = () => {
        const get = open.result.transaction('values').objectStore('values').get('settled');
        get.onsuccess = () => (open.result.close(), resolve(JSON.stringify(get.result ?? '').includes(request)));
      };
    }), request);

async function askingAgent(name: string): Promise<{ agent: AgentInfo; file: string }> {
  const directory = join(product.directory, name);
  mkdirSync(directory);
  const body = JSON.stringify({ name, directory, prompt: 'a greeting in a file' });
  const headers = { 'content-type': 'application/json' };
  const created = await fetch(`${product.localUrl}/api/agents`, { method: 'POST', headers, body });
  const { id } = await created.json() as AgentInfo;
  const agent = await until('the request', async () => {
    const info = await (await fetch(`${product.localUrl}/api/agents/${id}`)).json() as AgentInfo;
    return info.pending.length ? info : null;
  });
  return { agent, file: join(directory, 'hello-from-the-demo.md') };
}

const payloadOf = (agent: AgentInfo, actions = true): PushPayload => ({
  type: 'request',
  agent: agent.id,
  request: agent.pending[0]!,
  title: `${agent.name} needs you`,
  body: 'Write',
  actions,
  at: Date.now(),
});

test('the dashboard opens without a network, and nothing of it is asked of the server', async () => {
  const { page, context, problems } = await openWithWorker();
  await context.setOffline(true);
  await page.goto(product.localUrl);
  await page.getByText(/not be reached|cannot|retry|again/i).first().waitFor();
  await context.setOffline(false);
  assert.equal(problems, []);
  await context.close();
});

test('a tap on "Allow once" with the page closed: the agent goes on, once, however often it is tapped', async () => {
  const { page, context, worker, push } = await openWithWorker();
  const { agent, file } = await askingAgent('allow-from-notification');
  await page.goto('about:blank');
  await push(payloadOf(agent));
  const tag = `request ${agent.id} ${agent.pending[0]}`;
  const [notification] = await until('the notification', async () => {
    const list = await shown(worker);
    return list.length ? list : null;
  });
  assert.equal([notification!.title, notification!.tag, notification!.actions], [`${agent.name} needs you`, tag, [
    'allow',
    'deny',
  ]]);
  assert.not.ok(existsSync(file));
  await tap(worker, tag, 'allow');
  await until('the file', () => existsSync(file));
  await until('the notification to go away', async () => (await shown(worker)).length === 0, 15_000);
  await until('the worker to know that it is over', () => isSettled(worker, agent.pending[0]!));
  // The same message again, as a push service that woke up late would send it: it is not asked again.
  await push(payloadOf(agent));
  await until('it to go away', async () => {
    const list = await shown(worker);
    assert.equal(list.filter(({ actions }) => actions.length), []);
    return list.length === 0;
  }, 15_000);
  assert.ok(existsSync(file));
  await context.close();
});

test('a tap without a network is kept and delivered by the next start; then the notification says so', async () => {
  const { page, context, worker, push } = await openWithWorker();
  const { agent, file } = await askingAgent('allow-offline');
  await page.goto('about:blank');
  await push(payloadOf(agent));
  const tag = `request ${agent.id} ${agent.pending[0]}`;
  await until('the notification', async () => (await shown(worker)).length === 1);
  await worker.evaluate(() => {
    const scope = globalThis as unknown as { fetch: typeof fetch; realFetch: typeof fetch };
    scope.realFetch = scope.fetch;
    scope.fetch = () => Promise.reject(new TypeError('Failed to fetch'));
  });
  await tap(worker, tag, 'allow');
  await until('the sentence', async () => (await shown(worker)).some(({ body }) => body.startsWith('No network')));
  await worker.evaluate(() => {
    const scope = globalThis as unknown as { fetch: typeof fetch; realFetch: typeof fetch };
    scope.fetch = scope.realFetch;
  });
  await page.goto(product.localUrl);
  await until('the file', () => existsSync(file));
  await context.close();
});

test('a message that was written without a network is sent when there is one, with the page closed', async () => {
  const { page, context, worker } = await openWithWorker();
  const { agent } = await askingAgent('gets-a-message-later');
  await page.goto(`${product.localUrl}/#/agents/${agent.id}`);
  const box = page.locator('textarea').first();
  await box.waitFor();
  await page.route('**/api/agents/*/message', (route) => route.abort());
  await box.fill('written in a tunnel');
  await page.getByRole('button', { name: /^(Send|Queue this message)$/ }).click();
  const isLeft = () =>
    page.evaluate(() =>
      new Promise<boolean>((resolve) => {
        const open = indexedDB.open('agent-monitor', 1);
        open.onsuccess = () => {
          const get = open.result.transaction('values').objectStore('values').get('outbox');
          get.onsuccess =
            () => (open.result.close(), resolve(JSON.stringify(get.result ?? '').includes('in a tunnel')));
        };
      })
    );
  await until('the copy', isLeft);
  await page.goto('about:blank');
  // What the browser does by itself when there is a network again.
  await worker.evaluate(() => {
    const scope = globalThis as unknown as {
      SyncEvent: new (type: string, init: object) => Event;
      dispatchEvent(event: Event): void;
    };
    scope.dispatchEvent(new scope.SyncEvent('sync', { tag: 'outbox' }));
  });
  const { messages } = await until('the message', async () => {
    const answer = await fetch(`${product.localUrl}/api/agents/${agent.id}/messages`);
    const list = await answer.json() as { messages: { kind: string; text?: string }[] };
    return list.messages.some(({ text }) => text === 'written in a tunnel') ? list : null;
  });
  assert.is(messages.filter(({ text }) => text === 'written in a tunnel').length, 1);
  await page.unroute('**/api/agents/*/message');
  await page.goto(product.localUrl);
  await page.getByRole('heading', { name: 'Agents', exact: true }).waitFor();
  await until(
    'the outbox of the page to be empty',
    () => page.evaluate(() => Object.keys(localStorage).every((key) => !key.startsWith('outbox.'))),
  );
  const after = await (await fetch(`${product.localUrl}/api/agents/${agent.id}/messages`)).text();
  assert.is(after.split('written in a tunnel').length, 2, 'it is there once');
  await context.close();
});

test('a tap that cannot decide opens the one card; its buttons decide', async () => {
  const { page, context, worker, push } = await openWithWorker();
  const { agent, file } = await askingAgent('review-in-the-page');
  await page.goto('about:blank');
  await push(payloadOf(agent, false));
  await until('the notification', async () => (await shown(worker)).length === 1);
  assert.equal((await shown(worker))[0]!.actions, ['review']);
  await page.goto(`${product.localUrl}/#/answer/${agent.id}/${agent.pending[0]}`);
  await pressAnswer(page.getByRole('button', { name: 'Allow once' }));
  await until('the file', () => existsSync(file));
  await page.getByText('answered already').waitFor();
  await context.close();
});

test.run();

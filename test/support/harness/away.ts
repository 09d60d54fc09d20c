/**
 * Two devices and a machine that each reach the relay through a proxy, which stands for its name: any of them can be cut off, and
 * the relay can move.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { LiveMessage } from '../../../core/api/live.ts';
import type { Message } from '../../../core/api/messages.ts';
import { type Chaos, chaosProxy } from '../network/chaos-proxy.ts';
import { FAKE_CLAUDE } from './agent-server.ts';
import { launchBrowser, openPage } from './browser.ts';
import { freePort, type Product, startProduct, until } from './product.ts';

export let product: Product;
let browser: Browser;
/** The relay's name as two devices and as the machine know it, and the port behind it. */
export let phoneWay: Chaos;
export let deskWay: Chaos;
let machineWay: Chaos;
let relayPort: number;

/** Opens all of it before the tests of a file, and closes it after them. */
export function setUpAway(): void {
  test.before(async () => {
    phoneWay = await chaosProxy(() => relayPort);
    deskWay = await chaosProxy(() => relayPort);
    machineWay = await chaosProxy(() => relayPort);
    product = await startProduct({
      relayUrl: (port) => {
        relayPort = port;
        return `ws://127.0.0.1:${machineWay.port}/tunnel`;
      },
      agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent' },
    });
    mkdirSync(join(product.directory, 'project'));
    browser = await launchBrowser();
  });
  test.after.each(() => {
    phoneWay.stalled = false;
  });
  test.after(async () => {
    await browser?.close();
    await product?.close();
    for (const way of [phoneWay, deskWay, machineWay]) await way?.close();
  });
}

export async function call(method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(product.localUrl + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text ? JSON.parse(text) : null;
}
export const idle = (id: string, ms = 20_000) =>
  until('the agent is idle', async () => {
    const { state, queue } = await call('GET', `/api/agents/${id}`) as AgentInfo;
    return state === 'idle' && !queue.length;
  }, ms);
export async function create(): Promise<AgentInfo> {
  const agent = await call('POST', '/api/agents', { directory: join(product.directory, 'project'), prompt: 'hello' });
  await idle(agent.id);
  return agent;
}
export const say = (id: string, text: string) => call('POST', `/api/agents/${id}/message`, { text });
export const texts = async (id: string) =>
  ((await call('GET', `/api/agents/${id}/messages?limit=1000`)).messages as Message[])
    .flatMap((message) => message.kind === 'user' ? [message.text] : []);

/** A signed-in page with this agent open, on the relay's name, and what its feed receives. */
export async function visit(id: string, way = phoneWay): Promise<{ page: Page; heard: LiveMessage[] }> {
  const { page } = await openPage(browser);
  const heard: LiveMessage[] = [];
  page.on(
    'websocket',
    (socket) => socket.on('framereceived', ({ payload }) => heard.push(JSON.parse(String(payload)))),
  );
  await page.goto(`http://127.0.0.1:${way.port}/#/agents/${id}`);
  await signIn(page);
  await page.locator('.message.is-user').first().waitFor();
  return { page, heard };
}
export async function signIn(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
export const bar = (page: Page) => page.locator('.connection-bar');
/** The phone's network is gone: nothing arrives any more, no end is said, and the device knows it. */
export async function goAway(page: Page): Promise<void> {
  phoneWay.stalled = true;
  await page.context().setOffline(true);
  await bar(page).getByText('offline').waitFor({ timeout: 5000 });
}
export async function comeBack(page: Page): Promise<void> {
  phoneWay.stalled = false;
  await page.context().setOffline(false);
  await bar(page).waitFor({ state: 'detached', timeout: 10_000 });
}
export const shown = (page: Page) => page.locator('.message.is-user .bubble-text').allTextContents();
/** The user's messages on the page, when the last one is there: each once, in order. */
export async function caughtUp(page: Page, id: string): Promise<void> {
  const all = await texts(id);
  await page.locator('.message.is-user').getByText(all.at(-1)!, { exact: true }).waitFor();
  assert.equal((await shown(page)).map((text) => text.trim()), all);
}

let moved: Record<string, string> = {};
/** Ends the relay; the next one will be somewhere else. */
export async function move(extra: Record<string, string>): Promise<void> {
  moved = { ...extra, RELAY_PORT: String(await freePort()) };
  await product.relay!.kill('SIGTERM');
}
export async function arrive(): Promise<void> {
  await product.startRelay(moved);
  relayPort = Number(moved.RELAY_PORT);
}

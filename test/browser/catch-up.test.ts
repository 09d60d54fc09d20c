/**
 * Whoever was away sees everything, once, and soon: a page without a network, a server that was killed, a relay that moved,
 * and a gap that is longer than what the server keeps. The page and the machine each reach the relay through a proxy, which
 * stands for its name.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser, Page } from 'playwright-core';
import { MAX_RETAINED_LENGTH } from '../../agent/live/event-log.ts';
import type { LiveMessage } from '../../core/api/live.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { type Chaos, chaosProxy } from '../support/network/chaos-proxy.ts';
import { freePort, type Product, startProduct, until } from '../support/harness/product.ts';

/** More than every deadline of the page, and several of its retries. Two minutes: AWAY_MS=120000. */
const AWAY_MS = Number(process.env.AWAY_MS ?? 12_000);

let product: Product;
let browser: Browser;
/** The relay's name as two devices and as the machine know it, and the port behind it. */
let phoneWay: Chaos;
let deskWay: Chaos;
let machineWay: Chaos;
let relayPort: number;

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

async function call(method: string, path: string, body?: unknown): Promise<any> {
  const response = await fetch(product.localUrl + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text ? JSON.parse(text) : null;
}
const idle = (id: string, ms = 20_000) =>
  until('the agent is idle', async () => {
    const { state, queue } = await call('GET', `/api/agents/${id}`) as AgentInfo;
    return state === 'idle' && !queue.length;
  }, ms);
async function create(): Promise<AgentInfo> {
  const agent = await call('POST', '/api/agents', { directory: join(product.directory, 'project'), prompt: 'hello' });
  await idle(agent.id);
  return agent;
}
const say = (id: string, text: string) => call('POST', `/api/agents/${id}/message`, { text });
const texts = async (id: string) =>
  ((await call('GET', `/api/agents/${id}/messages?limit=1000`)).messages as Message[])
    .flatMap((message) => message.kind === 'user' ? [message.text] : []);

/** A signed-in page with this agent open, on the relay's name, and what its feed is told. */
async function visit(id: string, way = phoneWay): Promise<{ page: Page; heard: LiveMessage[] }> {
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
async function signIn(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
const bar = (page: Page) => page.locator('.connection-bar');
/** The phone's network is gone: nothing arrives any more, nobody is told, and the device knows it. */
async function goAway(page: Page): Promise<void> {
  phoneWay.stalled = true;
  await page.context().setOffline(true);
  await bar(page).getByText('offline').waitFor({ timeout: 5000 });
}
async function comeBack(page: Page): Promise<void> {
  phoneWay.stalled = false;
  await page.context().setOffline(false);
  await bar(page).waitFor({ state: 'detached', timeout: 10_000 });
}
const shown = (page: Page) => page.locator('.message.is-user .bubble-text').allTextContents();
/** The user's messages on the page, when the last one is there: each once, in order. */
async function caughtUp(page: Page, id: string): Promise<void> {
  const all = await texts(id);
  await page.locator('.message.is-user').getByText(all.at(-1)!, { exact: true }).waitFor();
  assert.equal((await shown(page)).map((text) => text.trim()), all);
}

test('N04: the agent server is killed: relay and pages say so within a second, and all is there when it is back', async () => {
  const { id } = await create();
  const { page, heard } = await visit(id);
  await product.login();
  const events = await product.fetch('/api/relay/events');
  const reader = events.body!.getReader();
  let sent = '';
  const listening = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 0;
      sent = new TextDecoder().decode(value);
      if (/"tunnelConnected":false/.test(sent)) return Date.now();
    }
  })();
  await until('the first word', () => /tunnelConnected/.test(sent));

  const killed = Date.now();
  const gone = product.agent!.kill('SIGKILL');
  const [refusedAt, publishedAt, barAt] = await Promise.all([
    until('a refusal', async () => {
      const response = await product.fetch('/api/agents');
      await response.body?.cancel();
      return response.status === 502 ? Date.now() : null;
    }),
    listening,
    page.getByText('Machine not connected').waitFor().then(() => Date.now()),
  ]);
  await reader.cancel();
  await gone;
  const after = { refused: refusedAt - killed, told: publishedAt - killed, bar: barAt - killed };
  console.log(`after the kill: ${JSON.stringify(after)} ms`);
  for (const [what, ms] of Object.entries(after)) assert.ok(ms >= 0 && ms < 1000, `${what}: ${ms} ms`);

  await product.startAgent();
  await say(id, 'said to the new server');
  await bar(page).waitFor({ state: 'detached', timeout: 15_000 });
  await caughtUp(page, id);
  const welcomes = heard.filter((message) => message.type === 'welcome');
  assert.is(welcomes.at(-1)!.resumed, false, 'another life of the server is another epoch');
  await page.context().close();
});

test('N08: a page without a network beside one with: it says so, and catches up from where it was', async () => {
  const { id } = await create();
  const away = await visit(id);
  const there = await visit(id, deskWay);
  await goAway(away.page);
  for (let i = 0; i < 20; i++) await say(id, `meanwhile ${i}`);
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  for (let i = 20; i < 40; i++) await say(id, `meanwhile ${i}`);
  await idle(id);
  await caughtUp(there.page, id);
  assert.is((await shown(away.page)).length, 1);
  const from = away.heard.length;
  const back = Date.now();
  await comeBack(away.page);
  await caughtUp(away.page, id);
  console.log(`caught up ${Date.now() - back} ms after the network was back`);
  assert.ok(Date.now() - back < 3000);
  const since = away.heard.slice(from);
  assert.ok(since.some((message) => message.type === 'welcome' && message.resumed));
  assert.not(since.some(({ type }) => type === 'snapshot'));
  for (const { page } of [away, there]) await page.context().close();
});

test('the line goes dead without a word: conversation and terminal go on where they were, nothing is typed twice', async () => {
  const { id } = await create();
  const { page } = await visit(id);
  const result = await call('POST', '/api/terminals', { directory: join(product.directory, 'project') });
  const terminal = await page.context().newPage();
  await terminal.goto(`http://127.0.0.1:${phoneWay.port}/#/terminals/${result.id}`);
  const screen = terminal.locator('.xterm-rows');
  await terminal.locator('.terminal-head .dot.up').waitFor();
  await terminal.keyboard.type('echo before-$((1+1))\n');
  await screen.getByText('before-2').waitFor();
  phoneWay.abandon();
  await terminal.keyboard.type('echo meanwhile-$((2+2)) | tee -a typed.txt\n');
  await say(id, 'into the silence');
  const dead = Date.now();
  await screen.getByText('meanwhile-4').waitFor({ timeout: 25_000 });
  await page.locator('.message.is-user').getByText('into the silence').waitFor({ timeout: 25_000 });
  console.log(`${Date.now() - dead} ms after the silence began both were there`);
  await caughtUp(page, id);
  await terminal.keyboard.type('echo after-$((3+3))\n');
  await screen.getByText('after-6').waitFor();
  assert.is(readFileSync(join(product.directory, 'project/typed.txt'), 'utf8'), 'meanwhile-4\n');
  await page.context().close();
});

test('N08: the relay moves, with its state: nobody signs in again, nothing is missing', async () => {
  const { id } = await create();
  const { page, heard } = await visit(id);
  await move({});
  await say(id, 'while it moved');
  await page.getByText('Relay unreachable').waitFor();
  await arrive();
  await bar(page).waitFor({ state: 'detached', timeout: 20_000 });
  await caughtUp(page, id);
  const welcomes = heard.filter((message) => message.type === 'welcome');
  assert.ok(welcomes.length >= 2 && welcomes.at(-1)!.resumed, 'the agent server is the same: nothing is sent twice');
  await page.context().close();
});

test('N08: the relay moves without its state: the page asks for the password and goes on', async () => {
  const { id } = await create();
  const { page } = await visit(id);
  await move({ RELAY_STATE: join(product.directory, 'another-state.json') });
  await say(id, 'while it moved');
  await arrive();
  await signIn(page);
  await page.locator('.message.is-user').first().waitFor();
  await bar(page).waitFor({ state: 'detached', timeout: 20_000 });
  await caughtUp(page, id);
  await page.context().close();
});

test('N08: a gap that is longer than what is kept: everything is sent anew, and nothing is missing', async () => {
  const { id } = await create();
  const { page, heard } = await visit(id);
  await goAway(page);
  let said = 0;
  for (let i = 0; said < MAX_RETAINED_LENGTH * 1.2; i++) {
    const text = `${i} ${'x'.repeat(90_000)}`;
    said += text.length;
    await say(id, text);
  }
  // Each of them has a turn of its own.
  await idle(id, 60_000);
  await say(id, 'the last');
  await idle(id);
  const from = heard.length;
  await comeBack(page);
  await page.locator('.message.is-user').getByText('the last', { exact: true }).waitFor();
  const since = heard.slice(from);
  assert.is(since.find((message) => message.type === 'welcome')?.resumed, false);
  assert.ok(since.some(({ type }) => type === 'snapshot'));
  // The newest are there without a gap; what is older is behind the button that loads it.
  const all = await texts(id);
  const now = (await shown(page)).map((text) => text.trim().slice(0, 20));
  assert.equal(now, all.map((text) => text.slice(0, 20)).slice(-now.length));
  assert.ok(now.length < all.length, 'the page holds no more than it asked for');
  await page.context().close();
});

let moved: Record<string, string> = {};
/** Ends the relay; the next one will be somewhere else. */
async function move(extra: Record<string, string>): Promise<void> {
  moved = { ...extra, RELAY_PORT: String(await freePort()) };
  await product.relay!.kill('SIGTERM');
}
async function arrive(): Promise<void> {
  await product.startRelay(moved);
  relayPort = Number(moved.RELAY_PORT);
}

test.run();

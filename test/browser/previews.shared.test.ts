/**
 * A page that an agent serves, seen from another device: the real Vite with hot reload through relay and tunnel, on an origin that
 * knows nothing of the dashboard and can do nothing to it.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { freePort, type Product, startProduct } from '../support/harness/product.ts';
import { createViteProject, type ViteProject, wordModule } from '../support/harness/vite.ts';
import { takePictures } from '../support/harness/screenshots.ts';

const WAIT = { timeout: 30_000 };

let product: Product;
let browser: Browser;
let project: ViteProject;
let port: number;
let agent: AgentInfo;
test.before(async () => {
  product = await startProduct({
    relayEnv: { RELAY_PREVIEW_DOMAIN: 'localhost' },
    agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent' },
  });
  browser = await launchBrowser();
  port = await freePort();
  const directory = join(product.directory, 'shop');
  project = await createViteProject(directory, port);
  agent = await createAgent({ name: 'Shop', directory, prompt: `serve ${project.command}` });
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

async function createAgent(body: { name: string; directory: string; prompt: string }): Promise<AgentInfo> {
  const flags = { worktree: false };
  const answer = await product.fetch('/api/agents', { method: 'POST', body: JSON.stringify({ ...body, flags }) });
  if (!answer.ok) throw new Error(await answer.text());
  return await answer.json() as AgentInfo;
}

async function signIn(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens the preview of the port by its chip. @returns its tab */
async function openPreview(page: Page, context: BrowserContext, name = `Preview of localhost:${port}`): Promise<Page> {
  await page.getByRole('button', { name }).click(WAIT);
  const coming = context.waitForEvent('page');
  await page.getByRole('button', { name: `Open the preview of localhost:${port}` }).click();
  const tab = await coming;
  await tab.waitForURL(/^http:\/\/p\d+-/, WAIT);
  return tab;
}

/** What a page of another origin gets of these requests: a status, or `refused` when it cannot even tell. */
const requests = (page: Page, origin: string) =>
  page.evaluate(async (base) => {
    const results: Record<string, string> = {};
    const attempt = async (name: string, path: string, init: RequestInit = {}) => {
      results[name] = await fetch(base + path, { credentials: 'include', ...init }).then(
        ({ status, type }) => `${type} ${status}`,
        () => 'refused',
      );
    };
    await attempt('read', '/api/agents');
    await attempt('command', '/api/agents/actions/stop-all', { method: 'POST', body: '{}' });
    await attempt('blind', '/api/agents', { mode: 'no-cors' });
    results.socket = await new Promise((resolve) => {
      const socket = new WebSocket(`${base.replace('http', 'ws')}/api/live`);
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('refused');
    });
    return results;
  }, origin);

for (const viewport of [PHONE, DESKTOP]) {
  test(`Vite is seen through relay and tunnel, and a change without a reload (${viewport.width})`, async () => {
    const { page, problems } = await openPage(browser, viewport);
    const context = page.context();
    await signIn(page, `${product.relayUrl}/#/agents/${agent.id}`);
    await page.getByRole('button', { name: `Preview of localhost:${port}` }).waitFor(WAIT);
    await takePictures(page, 'chip');
    const tab = await openPreview(page, context);
    await takePictures(page, 'dialog');
    await tab.getByText('first', { exact: true }).waitFor(WAIT);
    const loads = await tab.locator('#loads').textContent();
    await tab.waitForTimeout(1000); // The socket of hot updates joins after the page.
    writeFileSync(project.module, wordModule(`second ${viewport.width}`));
    await tab.getByText(`second ${viewport.width}`, { exact: true }).waitFor(WAIT);
    assert.is(await tab.locator('#loads').textContent(), loads, 'a hot update, not a reload');
    assert.equal(problems, []);
    writeFileSync(project.module, wordModule('first'));
    await context.close();
  });
}

test('dashboard and preview see nothing of each other, and a preview can do nothing there', async () => {
  const { page } = await openPage(browser, DESKTOP);
  const context = page.context();
  await signIn(page, `${product.relayUrl}/#/agents/${agent.id}`);
  const tab = await openPreview(page, context);
  await tab.getByText('first', { exact: true }).waitFor(WAIT);
  const preview = new URL(tab.url()).origin;
  assert.is(await page.evaluate(() => localStorage.getItem('mine')), null);
  assert.not.match(await page.evaluate(() => document.cookie), 'mine');
  assert.equal(await tab.evaluate(() => Object.keys(localStorage)), ['mine']);
  assert.is(
    await tab.evaluate(() => document.cookie),
    'mine=preview',
    'the cookie that lets in is hidden from scripts',
  );
  assert.ok(await tab.evaluate(() => globalThis.opener === null));
  assert.not.match(await tab.evaluate(() => document.referrer), 'http');
  const cookies = await context.cookies();
  const ofPreview = cookies.filter(({ domain }) => domain === new URL(preview).hostname).map(({ name }) => name).sort();
  assert.equal(ofPreview, ['am_preview', 'mine']);
  for (const origin of [product.relayUrl, product.localUrl, product.relayUrl.replace('127.0.0.1', 'localhost')]) {
    const results = await requests(tab, origin);
    assert.is(results.read, 'refused', origin);
    assert.is(results.command, 'refused', origin);
    assert.is(results.socket, 'refused', origin);
    assert.ok(['refused', 'opaque 0'].includes(results.blind!), results.blind);
  }
  const state = await (await product.fetch(`/api/agents/${agent.id}`)).json() as AgentInfo;
  assert.is.not(state.state, 'stopped');
  const framed = await page.evaluate(async (address) => {
    const frame = document.createElement('iframe');
    frame.src = address;
    document.body.append(frame);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return frame.contentDocument !== null;
  }, preview);
  assert.not.ok(
    framed && (await page.frames()[1]?.content())?.includes('Shop'),
    'the dashboard’s own policy frames nothing else',
  );
  await context.close();
});

for (const viewport of [PHONE, DESKTOP]) {
  test(`events of a server arrive; a marked screenshot becomes a message; others’ previews are closed here (${viewport.width})`, async () => {
    const other = await createAgent({ name: 'Other', directory: join(product.directory, 'shop'), prompt: 'hello' });
    const opened = await product.fetch(`/api/agents/${other.id}/previews`, {
      method: 'POST',
      body: JSON.stringify({ port }),
    });
    assert.is(opened.status, 201);
    let emit = (_: string) => {};
    const server = createServer((req, res) => {
      if (req.url !== '/events') return void res.end('<!doctype html><title>Events</title>');
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      emit = (text) => void res.write(`data: ${text}\n\n`);
      emit('hello');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const events = (server.address() as AddressInfo).port;
    const { page, problems } = await openPage(browser, viewport);
    await signIn(page, `${product.relayUrl}/#/agents/${agent.id}`);
    await page.getByRole('button', { name: `Preview of localhost:${port}` }).click(WAIT);
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Port').fill(String(events));
    const coming = page.context().waitForEvent('page', WAIT);
    await dialog.getByRole('button', { name: 'Open preview', exact: true }).last().click();
    const tab = await coming;
    await tab.waitForURL(/^http:\/\/p\d+-/, WAIT);
    await tab.evaluate(() => {
      const source = new EventSource('/events');
      source.onmessage = ({ data }) => document.title = data;
    });
    await tab.waitForFunction(() => document.title === 'hello', null, WAIT);
    emit('again');
    await tab.waitForFunction(() => document.title === 'again', null, WAIT);
    const list = page.getByRole('region', { name: 'Open of other agents' });
    await list.getByText(/^Other ·/).waitFor(WAIT);
    await takePictures(page, 'dialog-all');
    await list.getByRole('button', { name: `Close the preview of localhost:${port}` }).click();
    await list.waitFor({ state: 'detached', ...WAIT });
    await page.getByLabel('Choose a screenshot').setInputFiles({
      name: 'screen.png',
      mimeType: 'image/png',
      buffer: await tab.screenshot(),
    });
    const sheet = page.getByRole('img', { name: 'Screenshot to draw on' });
    await sheet.scrollIntoViewIfNeeded();
    const { x, y } = (await sheet.boundingBox())!;
    await page.mouse.move(x + 20, y + 20);
    await page.mouse.down();
    for (const [dx, dy] of [[80, 30], [90, 80], [30, 90], [20, 20]] as const) await page.mouse.move(x + dx, y + dy);
    await page.mouse.up();
    const red = await sheet.evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i]! > 200 && data[i + 1]! < 80) count++;
      return count;
    });
    assert.ok(red > 100, `${red} red pixels`);
    await takePictures(page, 'mark');
    await page.getByRole('button', { name: 'Send to the agent' }).click();
    await page.getByText('Write what should be different.').waitFor();
    await page.getByLabel('What should be different?').fill(`Make this larger on ${viewport.width}`);
    await page.getByRole('button', { name: 'Send to the agent' }).click();
    const sent = page.locator('.bubble', { hasText: `Make this larger on ${viewport.width}` });
    await sent.locator('.pictures img').waitFor({ state: 'attached', ...WAIT });
    assert.equal(problems, []);
    await page.context().close();
    server.closeAllConnections();
    server.close();
  });
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`its address alone shows nothing to another browser, and one tap closes it for this one (${viewport.width})`, async () => {
    const { page } = await openPage(browser, viewport);
    await signIn(page, `${product.relayUrl}/#/agents/${agent.id}`);
    const tab = await openPreview(page, page.context());
    await tab.getByText('first', { exact: true }).waitFor(WAIT);
    const { page: stranger } = await openPage(browser, PHONE);
    await stranger.goto(tab.url());
    assert.match(await stranger.locator('body').innerText(), /not open in this browser/);
    await page.getByRole('button', { name: `Close the preview of localhost:${port}` }).click(WAIT);
    await page.getByText('Preview closed.').waitFor(WAIT);
    await tab.reload();
    await tab.getByText('This preview is closed.').waitFor(WAIT);
    await stranger.context().close();
    await page.context().close();
  });
}

test('a port by hand: the machine’s own is refused in words, a wrong one is said at the field', async () => {
  const { page, problems } = await openPage(browser, PHONE);
  await page.goto(`${product.localUrl}/#/agents/${agent.id}`);
  await page.getByRole('button', { name: 'More' }).first().click(WAIT);
  await page.getByRole('menuitem', { name: 'Open a preview' }).click();
  const field = page.getByLabel('Port');
  const submit = page.getByRole('dialog').getByRole('button', { name: 'Open preview', exact: true }).last();
  await field.fill('70000');
  await submit.click();
  await page.getByText('Enter a number from 1 to 65535.').waitFor(WAIT);
  await field.fill(String(product.localPort));
  await submit.click();
  await page.getByText(/port of Agent Monitor itself/).waitFor(WAIT);
  const coming = page.context().waitForEvent('page', { predicate: (tab) => !tab.isClosed(), ...WAIT });
  await field.fill(String(port));
  await submit.click();
  const tab = await coming;
  await tab.waitForURL(/^http:\/\/p\d+-[a-z2-9]+\.localhost:/, WAIT);
  assert.is(new URL(tab.url()).port, String(product.localPort), 'on the machine itself without a relay');
  await tab.getByText('first', { exact: true }).waitFor(WAIT);
  assert.equal(problems, []);
  await page.context().close();
});

test.run();

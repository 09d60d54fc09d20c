/**
 * What makes a page an app: it can be installed, opens without a network with the agents that were known last, changes from
 * one build to the next whole, takes what other apps share, and answers a request within a second on a slow phone.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Asset, readAssets } from '../../core/http/static.ts';
import { buildUi } from '../../scripts/build.ts';
import { pressAnswer } from '../support/harness/answers.ts';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { temporaryDirectory } from '../support/harness/git.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';

/** Bytes of the first load, brotli, without worker and terminal. */
const MAX_FIRST_LOAD = 60 * 1024;
/** The link of a slow phone, and how much slower than this machine it is. */
const LINK = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 200_000 };
const CPU_RATE = 4;
const MAX_ANSWER_MS = 1000;

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

async function createAgent(name: string, prompt = 'a greeting in a file'): Promise<AgentInfo> {
  const directory = join(product.directory, name);
  mkdirSync(directory);
  const body = JSON.stringify({ name, directory, prompt });
  const headers = { 'content-type': 'application/json' };
  const created = await fetch(`${product.localUrl}/api/agents`, { method: 'POST', headers, body });
  const { id } = await created.json() as AgentInfo;
  return await until('the request', async () => {
    const info = await (await fetch(`${product.localUrl}/api/agents/${id}`)).json() as AgentInfo;
    return info.pending.length ? info : null;
  });
}

/** Waits until the service worker is in charge of the page. */
async function control(page: Page): Promise<void> {
  await page.evaluate(async () => void await navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
}

/** Width and height of a PNG, from its header. */
function sizeOf(png: Uint8Array): string {
  const view = new DataView(png.buffer, png.byteOffset);
  return `${view.getUint32(16)}x${view.getUint32(20)}`;
}

test('the manifest has all that browsers ask for, and every file it names is there as it says', async () => {
  const get = (path: string) => fetch(new URL(path, product.localUrl));
  const page = await (await get('/')).text();
  const [, address] = /<link rel="manifest" href="([^"]+)"/.exec(page)!;
  const response = await get(address!);
  assert.match(response.headers.get('content-type')!, 'application/manifest+json');
  const manifest = await response.json();
  assert.equal([manifest.name, manifest.display, manifest.start_url, manifest.scope, manifest.id], [
    'Agent Monitor',
    'standalone',
    '/',
    '/',
    '/',
  ]);
  const icons = [...manifest.icons, ...manifest.shortcuts.flatMap(({ icons }: { icons: object[] }) => icons)];
  for (const { src, sizes, type } of icons as { src: string; sizes: string; type: string }[]) {
    const icon = await get(src);
    assert.is(icon.headers.get('content-type'), type, src);
    if (type === 'image/png') assert.is(sizeOf(new Uint8Array(await icon.arrayBuffer())), sizes, src);
    else await icon.body?.cancel();
  }
  for (const purpose of ['any', 'maskable']) {
    const sizes = manifest.icons.filter((icon: { purpose: string }) => icon.purpose === purpose)
      .map((icon: { sizes: string }) => icon.sizes);
    assert.ok(sizes.includes('192x192') && sizes.includes('512x512'), `${purpose}: ${sizes}`);
  }
  assert.equal(manifest.share_target.action, '/share');
});

test('Chromium finds nothing that keeps it from being installed', async () => {
  const { page } = await openPage(browser);
  await page.goto(product.localUrl);
  await control(page);
  const cdp = await page.context().newCDPSession(page);
  const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
  // A private window, which a test's context is, cannot install anything.
  assert.equal(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'), []);
  await page.context().close();
});

/** Runs in the page before all else: notes when the list, or what stands in its place, was drawn. */
function noteList(): void {
  new MutationObserver((_, observer) => {
    if (!document.querySelector('.agent-card, .empty')) return;
    performance.mark('list');
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
}

test('the first load is small: what the list is drawn with, compressed as it is sent; the conversation comes after it', async () => {
  const { page } = await openPage(browser);
  const assets = new Map(readAssets(join(ROOT, 'dist/ui')).map((asset) => [asset.path, asset]));
  await page.context().route('**/sw.js', (route) => route.abort());
  await page.addInitScript(noteList);
  await page.goto(product.localUrl);
  await page.locator('.agent-card, .empty').first().waitFor();
  await page.waitForLoadState('networkidle').catch(() => {});
  const [shown, all] = await page.evaluate(() =>
    [
      performance.getEntriesByName('list')[0]!.startTime,
      performance.getEntriesByType('resource').map(({ name, startTime }) => ({ name, startTime })),
    ] as const
  );
  const pathsOf = (list: typeof all) => list.map(({ name }) => new URL(name).pathname);
  const first = pathsOf(all.filter(({ startTime }) => startTime < shown));
  const later = pathsOf(all.filter(({ startTime }) => startTime >= shown));
  const files = ['/index.html', ...first].map((path) => assets.get(path)).filter((file) => !!file);
  const bytes = files.reduce((sum, file) => sum + (file.br ?? brotliCompressSync(file.body)).length, 0);
  console.log(`first load: ${files.length} files, ${(bytes / 1024).toFixed(1)} KiB brotli: ${first.join(' ')}`);
  assert.ok(files.length >= 3 && bytes <= MAX_FIRST_LOAD, `${bytes} bytes`);
  assert.ok(first.includes(mainOf([...assets.values()])));
  assert.ok(later.some((path) => path.startsWith('/assets/chat-')), `${later}`);
  assert.not.ok(first.some((path) => path.startsWith('/assets/chat-')), `${first}`);
  await page.context().close();
});

test('a start without a network shows the agents that were known last, and when; with the network they are live again', async () => {
  const { page, problems } = await openPage(browser);
  const context = page.context();
  await createAgent('known-before');
  await page.goto(product.localUrl);
  await control(page);
  await page.getByText('known-before').first().waitFor();
  await context.setOffline(true);
  // What the network emulation does not cut: calls that go through the worker.
  await page.reload();
  await page.getByText('known-before').first().waitFor();
  const time = await page.evaluate(() => {
    const { at } = JSON.parse(localStorage.getItem('last-known')!);
    return new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  });
  await until('the time', async () => (await page.locator('.connection-bar').innerText()).includes(`as of ${time}`));
  await context.setOffline(false);
  await page.locator('.connection-bar').waitFor({ state: 'detached', timeout: 30_000 });
  assert.equal(problems, []);
  await context.close();
});

test('the next start shows what was known last, and when, before the server has said anything', async () => {
  const { page, problems } = await openPage(browser);
  await createAgent('known-at-once');
  await page.goto(product.localUrl);
  await control(page);
  await page.getByText('known-at-once').first().waitFor();
  // Soon after it has come: a browser may end a page without a word.
  await page.waitForFunction(() => localStorage.getItem('last-known')?.includes('known-at-once'), null, {
    timeout: 8_000,
  });
  let answer = () => {};
  const silence = new Promise<void>((resolve) => answer = resolve);
  await page.route('**/api/auth/check', (route) => silence.then(() => route.continue()));
  await page.routeWebSocket(/api\/live/, (socket) => void silence.then(() => socket.connectToServer()));
  await page.reload();
  await page.getByText('known-at-once').first().waitFor();
  assert.match(await page.locator('.page-head .as-of').innerText(), /^as of \d\d:\d\d/);
  answer();
  await page.locator('.page-head .as-of').waitFor({ state: 'detached' });
  await page.getByText('known-at-once').first().waitFor();
  assert.equal(problems, []);
  await page.context().close();
});

test('what was known is forgotten with the login', async () => {
  const { page } = await openPage(browser);
  await page.goto(product.localUrl);
  await page.getByRole('heading', { name: 'Agents', exact: true }).waitFor();
  await page.evaluate(() => localStorage.setItem('last-known', JSON.stringify({ at: 1, agents: [] })));
  await keepValue(page, 'last-push', { at: 1, payload: { type: 'request', body: 'what was asked' } });
  await page.route('**/api/auth/check', (route) => route.fulfill({ status: 401, body: '{}' }));
  await page.reload();
  await page.getByLabel('Password', { exact: true }).waitFor();
  assert.is(await page.evaluate(() => localStorage.getItem('last-known')), null);
  await until('the last message to go', async () => await readValue(page, 'last-push') === null);
  await page.context().close();
});

/** One of the values that the worker and its pages share. */
const keepValue = (page: Page, name: string, value: unknown) =>
  page.evaluate(([name, value]) =>
    new Promise<void>((resolve, reject) => {
      const open = indexedDB.open('agent-monitor', 1);
      open.onupgradeneeded = () => void open.result.createObjectStore('values');
      open.onerror = () => reject(open.error);
      open.onsuccess = () => {
        const put = open.result.transaction('values', 'readwrite').objectStore('values').put(value, name as string);
        put.onsuccess = () => (open.result.close(), resolve());
        put.onerror = () => reject(put.error);
      };
    }), [name, value] as const);

const readValue = (page: Page, name: string) =>
  page.evaluate((name) =>
    new Promise<unknown>((resolve, reject) => {
      const open = indexedDB.open('agent-monitor', 1);
      open.onerror = () => reject(open.error);
      open.onsuccess = () => {
        const get = open.result.transaction('values').objectStore('values').get(name);
        get.onsuccess = () => (open.result.close(), resolve(get.result ?? null));
        get.onerror = () => reject(get.error);
      };
    }), name);

/** A server whose build is changed under the pages: the files alone, no machine behind them. */
async function startBuilds(first: Asset[]) {
  let served = new Map<string, Asset>();
  const serve = (assets: Asset[]) => void (served = new Map(assets.map((asset) => [asset.path, asset])));
  serve(first);
  const missed: string[] = [];
  const server = createServer((req, res) => {
    const path = new URL(req.url!, 'http://x').pathname;
    const asset = served.get(path === '/' ? '/index.html' : path);
    if (!asset && path.startsWith('/assets/')) missed.push(path);
    const type = /\.(\w+)$/.exec(asset?.path ?? '')?.[1] ?? '';
    const types: Record<string, string> = { html: 'text/html', js: 'text/javascript', css: 'text/css' };
    res.writeHead(asset ? 200 : 404, {
      'content-type': types[type] ?? 'application/json',
      'cache-control': 'no-cache',
    });
    res.end(asset?.body ?? '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, serve, missed, close: () => (server.closeAllConnections(), server.close()) };
}

const mainOf = (assets: Asset[]): string =>
  /src="([^"]+)"/.exec(new TextDecoder().decode(assets.find(({ path }) => path === '/index.html')!.body))![1]!;

/** The script of the page, and its build's mark in every script that it has loaded. */
const scriptsOf = (page: Page) =>
  page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname));

const main = (page: Page) => page.evaluate(() => new URL(document.querySelector('script')!.src).pathname);

test('over two builds: announced, taken when it is wanted, and no page is ever of both', async () => {
  const { path: directory, remove } = temporaryDirectory();
  const builds: Asset[][] = [];
  for (const name of ['a', 'b']) {
    await buildUi(true, join(directory, name), `/* build ${name} */`);
    builds.push(readAssets(join(directory, name)));
  }
  const [a, b] = builds as [Asset[], Asset[]];
  assert.not.equal(mainOf(a), mainOf(b));
  const there = await startBuilds(a);
  const { page, problems } = await openPage(browser);
  await page.goto(there.url);
  await control(page);
  const other = await page.context().newPage();
  await other.goto(there.url);
  there.serve(b);
  await page.evaluate(async () => void await (await navigator.serviceWorker.ready).update());
  await page.getByText('A newer dashboard is ready').waitFor();
  // Until it is taken, everything is of the build before: also a part that is loaded only now, and a new start.
  await page.evaluate(() => void (location.hash = '/templates'));
  await page.getByRole('heading', { name: 'Templates' }).waitFor();
  await page.reload();
  assert.is(await main(page), mainOf(a));
  await page.getByRole('button', { name: 'Load it' }).click();
  await until('the newer page', async () => await main(page).catch(() => '') === mainOf(b));
  await page.getByRole('heading', { name: 'Templates' }).waitFor();
  const names = new Set(b.map(({ path }) => path));
  const scripts = (await scriptsOf(page)).filter((path) => path.startsWith('/assets/'));
  assert.equal(scripts.filter((path) => !names.has(path)), []);
  // The other page was not disturbed: it is whole, of its own build, and is told.
  assert.is(await main(other), mainOf(a));
  await other.evaluate(() => void (location.hash = '/sessions'));
  await other.getByRole('heading', { name: 'Past sessions' }).waitFor();
  await other.getByText('A newer dashboard is ready').waitFor();
  await other.getByRole('button', { name: 'Load it' }).click();
  await until('the newer page', async () => await main(other).catch(() => '') === mainOf(b));
  assert.equal([problems, there.missed], [[], []]);
  await page.context().close();
  there.close();
  remove();
});

test('what another app shares becomes a draft of the agent that is chosen, and is sent by nobody', async () => {
  const { page, problems } = await openPage(browser);
  const agent = await createAgent('gets-a-draft');
  await page.goto(product.localUrl);
  await control(page);
  const png = readFileSync(join(ROOT, 'ui/public/icon-192.png')).toString('base64');
  const led = await page.evaluate(async (picture) => {
    const form = new FormData();
    form.set('title', 'A page');
    form.set('text', 'Look at this');
    form.set('url', 'https://example.org/x');
    const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
    form.append('pictures', new File([bytes], 'shot.png', { type: 'image/png' }));
    form.append('pictures', new File(['x'], 'evil.html', { type: 'text/html' }));
    return (await fetch('/share', { method: 'POST', body: form, redirect: 'manual' })).type;
  }, png);
  assert.is(led, 'opaqueredirect');
  await page.goto(`${product.localUrl}/#/share`);
  await page.getByText('Look at this').waitFor();
  await page.getByText('and 2 files').waitFor();
  await page.getByRole('button', { name: 'gets-a-draft' }).click();
  const box = page.locator('textarea').first();
  await until('the draft', async () => (await box.inputValue()) === 'A page\nLook at this\nhttps://example.org/x');
  await page.locator('.thumb img').waitFor();
  const info = await (await fetch(`${product.localUrl}/api/agents/${agent.id}/messages`)).json();
  assert.not.ok(JSON.stringify(info).includes('Look at this'));
  await page.goto(`${product.localUrl}/#/share`);
  await page.getByText('Nothing was shared').waitFor();
  assert.equal(problems, []);
  await page.context().close();
});

/** Measured on the page: the clock of this machine says little while others use it. */
interface Measured {
  /** From the navigation until the card could be answered, ms on the clock. */
  wall: number;
  /** Of the page's thread alone, ms. */
  cpu: number;
  /** Calls that had to wait for each other before the card was there. */
  chain: number;
}

async function openCard(context: BrowserContext, path: string, cpuRate: number): Promise<{ page: Page } & Measured> {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Network.emulateNetworkConditions', LINK);
  if (cpuRate > 1) await cdp.send('Emulation.setCPUThrottlingRate', { rate: cpuRate });
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.goto(product.localUrl + path, { waitUntil: 'commit' });
  await page.getByRole('button', { name: 'Allow once' }).waitFor();
  const { metrics } = await cdp.send('Performance.getMetrics');
  const cpu = metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000;
  const { wall, calls } = await page.evaluate(() => {
    const now = performance.now();
    const all = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
    const done = all.filter(({ name, responseEnd }) => name.includes('/api/') && responseEnd > 0 && responseEnd < now);
    return { wall: now, calls: done.map(({ startTime, responseEnd }) => [startTime, responseEnd] as const) };
  });
  let [chain, end] = [0, 0];
  for (const [from, to] of calls.sort((a, b) => a[1] - b[1])) {
    if (from < end) continue;
    chain++;
    end = to;
  }
  return { page, wall, cpu, chain };
}

test('the one card can be answered within a second at 1.6 Mbit/s, 150 ms and a quarter of the speed', async () => {
  const { page } = await openPage(browser);
  const context = page.context();
  const agent = await createAgent('answered-in-a-second');
  const path = `/#/answer/${agent.id}/${agent.pending[0]}`;
  await page.goto(product.localUrl);
  await control(page);
  await page.close();
  const cards: Measured[] = [];
  for (let i = 0; i < 3; i++) {
    const { page, ...measured } = await openCard(context, path, 1);
    cards.push(measured);
    await page.close();
  }
  const slow = await openCard(context, path, CPU_RATE);
  const heights = await slow.page.locator('.answer-page .button').evaluateAll((all) =>
    all.map((button) => Math.round(button.getBoundingClientRect().height))
  );
  assert.ok(heights.length >= 3 && heights.every((height) => height >= 48), `heights: ${heights}`);
  await pressAnswer(slow.page.getByRole('button', { name: 'Allow once' }));
  await slow.page.getByText('answered already').waitFor();
  // The file's own calls and the thread's own time, as they are on a phone that does nothing else.
  const modelled = cards.map(({ cpu, chain }) => chain * LINK.latency + CPU_RATE * cpu);
  const show = (list: number[]) => list.map(Math.round).join(', ');
  console.log(
    `one card: ${show(modelled)} ms (thread ${show(cards.map(({ cpu }) => cpu))} ms, ${
      show(cards.map(({ chain }) => chain))
    } ` +
      `calls in a row); on this clock ${show(cards.map(({ wall }) => wall))} ms, throttled ${show([slow.wall])} ms`,
  );
  assert.ok(Math.min(...modelled) < MAX_ANSWER_MS, `${show(modelled)} ms`);
  await context.close();
});

test.run();

/**
 * Files that would run, ask and lead away do nothing on our origin: opened as a page, in the viewer, as a picture, in a frame.
 * A server on another port sees what leaves the browser, connections too.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser, Page, Request } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { activeFiles } from '../support/harness/active-files.ts';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { type Firefox, launchFirefox } from '../support/harness/firefox.ts';
import { type Product, ROOT, startProduct } from '../support/harness/product.ts';

/** What a file does it does by then. */
const LOOK_MS = 400;
/** What a browser asks of itself: parts of the page, and of its viewer of documents. */
const OWN_SCHEMES = ['data:', 'blob:', 'chrome:', 'chrome-extension:'];

let product: Product;
let browser: Browser;
let firefox: Firefox;
let other: Server;
let far: string;
/** What has left a browser. */
const left: string[] = [];
let agent: string;
let files: string[];
let cookie: string;

test.before(async () => {
  other = createServer((request, response) => {
    left.push(`${request.method} ${request.url}`);
    response.setHeader('access-control-allow-origin', '*').end('document.title = "ran"');
  });
  other.on('connection', () => left.push('a connection'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  far = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  product = await startProduct({ agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') } });
  const project = join(product.directory, 'project');
  mkdirSync(project);
  const body = JSON.stringify({ directory: project, prompt: 'hello', flags: { worktree: false } });
  agent = (await (await product.fetch('/api/agents', { method: 'POST', body })).json() as { id: string }).id;
  const active = activeFiles(far, agent);
  files = Object.keys(active);
  for (const name of files) writeFileSync(join(project, name), active[name]!);
  cookie = await product.login();
  browser = await launchBrowser();
  firefox = await launchFirefox({});
});
test.after(async () => {
  await firefox?.close();
  await browser?.close();
  await product?.close();
  other?.close();
});
test.before.each(() => void (left.length = 0));

const addressOf = (file: string) =>
  `${product.relayUrl}/api/agents/${agent}/files/content?path=${encodeURIComponent(file)}`;

interface Opened {
  page: Page;
  /** What the file was seen to do. */
  deeds: string[];
}

/** A page that is signed in, and notes what it does beside showing the file. */
async function open(allowed: (url: URL) => boolean): Promise<Opened> {
  const { page } = await openPage(browser);
  const [name, ...value] = cookie.split('=');
  await page.context().addCookies([{ name: name!, value: value.join('='), url: product.relayUrl }]);
  const deeds: string[] = [];
  page.context().on('page', (opened) => deeds.push(`opened ${opened.url()}`));
  // A request that a policy refuses is listed too; it ends as one that the policy has refused.
  const note = (request: Request, how: string) => {
    const url = new URL(request.url());
    if (!allowed(url) && !OWN_SCHEMES.includes(url.protocol)) deeds.push(`${how} ${url}`);
  };
  page.context().on('response', (response) => note(response.request(), 'was answered'));
  page.context().on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    if (why !== 'csp') note(request, `failed (${why})`);
  });
  page.on('download', () => {});
  return { page, deeds };
}

/** A document that is saved instead of shown ends the navigation. */
const goto = (page: Page, url: string) =>
  page.goto(url).catch((error: Error) => {
    if (!/Download is starting|ERR_ABORTED|ERR_BLOCKED_BY/.test(error.message)) throw error;
  });

const storageOf = (page: Page) =>
  page.evaluate(() => {
    try {
      return `${document.cookie} ${Object.keys(localStorage)}`;
    } catch {
      return 'refused';
    }
  });

const noFavicon = ({ pathname }: URL) => pathname === '/favicon.ico';

test('opened as pages: nothing runs, nothing is asked, an origin of their own', async () => {
  let shown = '';
  const { page, deeds } = await open((url) => url.href === addressOf(shown) || noFavicon(url));
  for (const file of files) {
    await page.goto('about:blank');
    shown = file;
    await goto(page, addressOf(file));
    await page.mouse.click(40, 40);
    await page.waitForTimeout(LOOK_MS);
    assert.equal([file, deeds, left], [file, [], []]);
    assert.not.match(await page.title(), /ran/, file);
    assert.equal(await page.evaluate(() => (globalThis as { ran?: number }).ran), undefined, file);
    if (page.url() === 'about:blank') continue;
    assert.is(page.url(), addressOf(file));
    if (file.endsWith('.pdf')) {
      // Around a document is a page of Chromium's own, with nothing of the file; its viewer is a program apart.
      assert.equal(await page.evaluate(() => [document.scripts.length, document.body.innerText]), [0, '']);
    } else {
      assert.is(await page.evaluate(() => globalThis.origin), 'null', file);
      assert.is(await storageOf(page), 'refused', file);
    }
  }
  await page.context().close();
});

for (const element of ['img', 'iframe', 'object', 'embed']) {
  test(`as <${element}> of a page of our origin without a policy`, async () => {
    const embedding = `${product.relayUrl}/embedding`;
    let shown = '';
    const { page, deeds } = await open((url) => [addressOf(shown), embedding].includes(url.href) || noFavicon(url));
    await page.route(embedding, (route) => {
      const source = element === 'object' ? 'data' : 'src';
      const html = `<title>before</title><script>const got = []; onmessage = ({ data }) => got.push(data)</script>
        <${element} ${source}="${addressOf(shown)}" width="300" height="300"></${element}>`;
      return route.fulfill({ contentType: 'text/html', body: html });
    });
    for (const file of files) {
      await page.goto('about:blank');
      shown = file;
      await goto(page, embedding);
      const storage = await storageOf(page);
      await page.mouse.click(60, 60);
      await page.waitForTimeout(LOOK_MS);
      assert.equal([file, deeds, left], [file, [], []]);
      assert.equal([page.url(), await page.title()], [embedding, 'before'], file);
      assert.equal(await page.evaluate('got'), [], file);
      assert.is(await storageOf(page), storage, file);
    }
    await page.context().close();
  });
}

test('in the viewer, and a document in the page that it opens', async () => {
  const { page, deeds } = await open((url) => url.origin === product.relayUrl || noFavicon(url));
  for (const file of files) {
    const address = `${product.relayUrl}/#/agents/${agent}/files/${encodeURIComponent(file)}`;
    await page.goto(address);
    await page.locator('.files-body').first().waitFor();
    const before = await page.title();
    const button = page.getByRole('button', { name: 'Open the document' });
    await page.waitForTimeout(LOOK_MS);
    if (file.endsWith('.pdf')) {
      const [document] = await Promise.all([page.context().waitForEvent('page'), button.click()]);
      await document.waitForTimeout(2 * LOOK_MS);
      await document.mouse.click(60, 60).catch(() => {});
      await document.waitForTimeout(LOOK_MS);
      assert.match(document.url(), /^(blob:|about:blank$)/, file);
      assert.not.ok(deeds.some((deed) => deed.includes(far)), `${file}: ${deeds}`);
      deeds.length = 0;
      await document.close();
    }
    assert.equal([file, deeds, left], [file, [], []]);
    assert.equal([page.url(), await page.title()], [address, before]);
    assert.equal(await page.evaluate(() => localStorage.getItem('ran')), null, file);
  }
  await page.context().close();
});

test('in Firefox, opened as pages and in the viewer', async () => {
  const tab = await firefox.open('about:blank');
  const show = (address: string) => tab.goto(product.localUrl + address).catch((error: Error) => error.message);
  for (const file of files) {
    await show(`/api/agents/${agent}/files/content?path=${encodeURIComponent(file)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    assert.equal([file, left], [file, []]);
    assert.not.match(await tab.evaluate<string>('document.title'), /ran/, file);
    assert.not.ok(await tab.evaluate('globalThis.ran'), file);
    await show(`/#/agents/${agent}/files/${encodeURIComponent(file)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    assert.equal([file, left], [file, []]);
    assert.equal(await tab.evaluate('[globalThis.ran ?? 0, localStorage.getItem("ran")]'), [0, null], file);
  }
});

test.run();

/**
 * How soon a folder of 10,000 files, in a repository of 100,000, is seen over the relay with a round trip of 100 ms, and how soon
 * `@` offers a file of it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser, Page } from 'playwright-core';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { type Product, ROOT, startProduct } from '../support/harness/product.ts';

const FILES = 10_000;
const DIRECTORIES = 90;
const ROUND_TRIP_MS = 100;
const ROUNDS = 5;
/** On the machine of the measurement; a busy one takes longer. */
const WANTED_MS = 500;
const MAX_MS = 3 * WANTED_MS;
/** From a key in the composer until what it offers, the pause in which no key comes included, ms; the same. */
const WANTED_OFFER_MS = 100;
const MAX_OFFER_MS = 3 * WANTED_OFFER_MS;
const KEYS = 40;
/** Bytes of what is asked for before the first rows are there. */
const MAX_BYTES = 64 * 1024;

let product: Product;
let browser: Browser;
let agent: string;
test.before(async () => {
  product = await startProduct({ agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') } });
  browser = await launchBrowser();
  const project = join(product.directory, 'large');
  mkdirSync(project);
  for (let i = 0; i < FILES; i++) writeFileSync(join(project, `file-${i}.txt`), '');
  for (let d = 0; d < DIRECTORIES; d++) {
    mkdirSync(join(project, `part-${d}`));
    for (let i = 0; i < 1000; i++) writeFileSync(join(project, `part-${d}/f${i}.ts`), '');
  }
  execFileSync('git', ['init', '-q', project]);
  const answer = await product.fetch('/api/agents', {
    method: 'POST',
    body: JSON.stringify({ name: 'Large', directory: project, flags: { worktree: false } }),
  });
  agent = (await answer.json() as { id: string }).id;
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

/** Milliseconds from a press of the tab to the frame that has the first row. */
const paintAfterPress = (page: Page): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    const tab = [...document.querySelectorAll('[role=tab], nav a')].find((link) => link.textContent.trim() === 'Files');
    const begun = performance.now();
    tab.click();
    const look = () => document.querySelector('.file-row')
      ? requestAnimationFrame(() => resolve(performance.now() - begun))
      : requestAnimationFrame(look);
    look();
  })`);

test(`the first rows of ${FILES} files, ${ROUND_TRIP_MS} ms away`, async () => {
  const { page, problems } = await openPage(browser, PHONE);
  await page.goto(`${product.relayUrl}/#/agents/${agent}`);
  await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const limit = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await cdp.send('Network.emulateNetworkConditions', limit);
    await page.goto('about:blank');
    await page.goto(`${product.relayUrl}/#/agents/${agent}`);
    await page.getByRole('textbox', { name: 'Message' }).waitFor();
    await page.waitForLoadState('networkidle').catch(() => {});
    await page.waitForTimeout(1500); // what is fetched at an idle moment
    await cdp.send('Network.emulateNetworkConditions', { ...limit, latency: ROUND_TRIP_MS });
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/files?')) asked.push(new URL(request.url()).search);
    });
    const first = page.waitForResponse((response) => response.url().includes('/files?'));
    times.push(await paintAfterPress(page));
    const size = (await (await first).body()).length;
    assert.ok(size < MAX_BYTES, `${size} bytes before the first row`);
    assert.match(asked[0]!, 'limit=');
    // The rest comes behind it, and all of it can be scrolled through.
    await page.waitForResponse((response) => response.url().includes('/files?') && !response.url().includes('limit='));
    await page.waitForFunction(`document.querySelector('.window-space').clientHeight > 44 * 9000`);
    page.removeAllListeners('request');
  }
  times.sort((a, b) => a - b);
  const median = times[ROUNDS >> 1]!;
  console.log(`first rows after ${times.map((ms) => Math.round(ms)).join(', ')} ms (wanted: ${WANTED_MS})`);
  assert.ok(median < MAX_MS, `${median} ms`);
  assert.equal(problems, []);
  await page.context().close();
});

/** Milliseconds from what is typed until the list's first offer is that file. */
const offerAfter = (page: Page, typed: string, offered: string): Promise<number> =>
  page.evaluate(([typed, offered]) =>
    new Promise<number>((resolve) => {
      const box = document.querySelector<HTMLTextAreaElement>('textarea')!;
      const begun = performance.now();
      box.value = typed!;
      box.setSelectionRange(typed!.length, typed!.length);
      box.dispatchEvent(new InputEvent('input', { bubbles: true }));
      const look = () => {
        const first = document.querySelector('[role=option]')?.textContent ?? '';
        if (first.includes(offered!)) resolve(performance.now() - begun);
        else requestAnimationFrame(look);
      };
      look();
    }), [typed, offered]);

for (const viewport of [PHONE, DESKTOP]) {
  test(`@ offers one of 100,000 files (${viewport.width})`, async () => {
    const { page, problems } = await openPage(browser, viewport);
    const [name, ...value] = (await product.login()).split('=');
    await page.context().addCookies([{ name: name!, value: value.join('='), url: product.relayUrl }]);
    await page.goto(`${product.relayUrl}/#/agents/${agent}`);
    await page.getByRole('textbox', { name: 'Message' }).waitFor();
    // The list of the repository is read at the first one.
    await offerAfter(page, '@part-0/f0.ts', 'part-0/f0.ts');
    const times: number[] = [];
    for (let i = 0; i < KEYS; i++) {
      const path = `part-${(7 * i) % DIRECTORIES}/f${101 + 13 * i}.ts`;
      times.push(await offerAfter(page, `@${path.slice(0, -3)}`, path));
    }
    times.sort((a, b) => a - b);
    const p95 = times[Math.floor(KEYS * 0.95)]!;
    console.log(
      `@: median ${Math.round(times[KEYS >> 1]!)} ms, p95 ${Math.round(p95)} ms (wanted: ${WANTED_OFFER_MS})`,
    );
    assert.ok(p95 < MAX_OFFER_MS, `${p95} ms`);
    assert.equal(problems, []);
    await page.context().close();
  });
}

test.run();

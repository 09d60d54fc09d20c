/** Behind a reverse proxy that passes on no WebSockets the page says so, and is there by itself once it does. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { type Product, startProduct } from '../support/harness/product.ts';
import { type PlainProxy, plainProxy } from '../support/network/plain-proxy.ts';

const SENTENCE = 'Live updates blocked: the proxy must pass on WebSockets';

let product: Product;
let browser: Browser;
const open: { proxy: PlainProxy; page: Page }[] = [];

test.before(async () => {
  product = await startProduct();
  browser = await launchBrowser();
});
test.after.each(async () => {
  for (const { proxy, page } of open.splice(0)) {
    await page.context().close();
    await proxy.close();
  }
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

async function behindProxy(url: string) {
  const proxy = await plainProxy(Number(new URL(url).port));
  const { page, problems } = await openPage(browser);
  open.push({ proxy, page });
  await page.goto(proxy.url);
  return { proxy, page, problems };
}

async function saysSoAndRecovers({ proxy, page, problems }: Awaited<ReturnType<typeof behindProxy>>): Promise<void> {
  await page.getByText(SENTENCE).waitFor({ timeout: 15_000 });
  assert.is(await page.getByText('Offline').count(), 0);
  // It stays with that while it tries on.
  await page.waitForTimeout(2500);
  assert.is(await page.getByText(SENTENCE).count(), 1);
  proxy.passesUpgrades = true;
  await page.getByText(SENTENCE).waitFor({ state: 'detached', timeout: 20_000 });
  await page.getByText('No agents yet').waitFor();
  assert.equal(problems, []);
}

test('before a relay', async () => {
  const entry = await behindProxy(product.relayUrl);
  await entry.page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await entry.page.getByRole('button', { name: 'Sign in' }).click();
  await saysSoAndRecovers(entry);
});

test("before the machine's own server, in a browser that believes that it has no network", async () => {
  const entry = await behindProxy(product.localUrl);
  await entry.page.addInitScript(`Object.defineProperty(navigator, 'onLine', { get: () => false })`);
  await entry.page.reload();
  await saysSoAndRecovers(entry);
});

test('a machine that is away is not laid on the proxy', async () => {
  const entry = await behindProxy(product.relayUrl);
  await product.agent!.kill('SIGKILL');
  await entry.page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await entry.page.getByRole('button', { name: 'Sign in' }).click();
  await entry.page.getByText('Machine not connected').waitFor();
  await entry.page.waitForTimeout(2500);
  assert.is(await entry.page.getByText(SENTENCE).count(), 0);
});

test.run();

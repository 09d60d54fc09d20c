/** Pictures of a conversation in a real browser: seen as such, looked at in full, said in words when they are gone. */
import { Buffer } from 'node:buffer';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { browserBench, shotsInto } from '../support/harness/browser-bench.ts';

const shot = shotsInto('PICTURES_SCREENSHOTS');

let agent: string;
const it = browserBench('pictures', async ({ bench, browser }) => {
  const file = join(bench.project, 'drawing.png');
  writeFileSync(file, await drawing(browser));
  agent = (await bench.create(`picture ${file}`, { name: 'Draws' })).id;
  await bench.until(agent, ({ state }) => state === 'idle');
});

/** A picture that is wider than a phone. */
async function drawing(browser: Browser): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: 900, height: 500 } });
  await page.setContent(
    '<body style="background:linear-gradient(135deg,teal,gold);font:90px sans-serif">Checkout</body>',
  );
  const bytes = await page.screenshot();
  await page.close();
  return bytes;
}

const drawn = (page: Page, selector: string, count: number) =>
  page.waitForFunction(
    ([selector, count]) => {
      const pictures = [...document.querySelectorAll<HTMLImageElement>(selector as string)];
      return pictures.length === count && pictures.every(({ complete, naturalWidth }) => complete && naturalWidth > 0);
    },
    [selector, count] as const,
  );

for (const viewport of [PHONE, DESKTOP]) {
  test(`a picture that is sent is seen before and after it arrived, and so is one that a tool returned (${viewport.width})`, async () => {
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent}`);
    await drawn(page, '.tool-box .picture-thumb img', 1);
    const before = await page.locator('.bubble:not(.pending) .picture-thumb img').count();
    await page.locator('input[type=file]').setInputFiles({
      name: 'sent.png',
      mimeType: 'image/png',
      buffer: await drawing(it.browser),
    });
    await page.locator('.thumb img').waitFor();
    await page.getByRole('textbox', { name: 'Message' }).fill('Like this?');
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    await page.route('**/message', (route) => held.then(() => route.continue()));
    await page.getByRole('button', { name: 'Send' }).click();
    await drawn(page, '.bubble.pending .picture-thumb img', 1);
    release();
    await drawn(page, '.bubble:not(.pending) .picture-thumb img', before + 1);
    await shot(page, 'chat');
    assert.equal(problems, []);
    await page.context().close();
  });
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`a thumbnail opens to the whole picture, and Back closes it (${viewport.width})`, async () => {
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent}`);
    await page.locator('.tool-box').getByRole('button', { name: /^Picture, / }).click();
    const dialog = page.getByRole('dialog', { name: 'Picture' });
    await dialog.waitFor();
    await drawn(page, '.picture-full img', 1);
    const isWhole = await page.locator('.picture-full img').evaluate((image) => {
      const { left, right, top, bottom } = image.getBoundingClientRect();
      return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight && right - left > innerWidth / 2;
    });
    assert.ok(isWhole);
    await shot(page, 'view');
    await page.waitForTimeout(100);
    await page.goBack();
    await dialog.waitFor({ state: 'detached' });
    assert.is(await page.evaluate(() => location.hash), `#/agents/${agent}`);
    assert.equal(problems, []);
    await page.context().close();
  });
}

test('what is not kept any more is said in words', async () => {
  const directory = join(it.bench.dataDir, 'agents', agent, 'pictures');
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  const { page } = await it.open(PHONE);
  await page.goto(`${it.relayUrl}/#/agents/${agent}`);
  await page.locator('.tool-box .bubble-image', { hasText: /^\s*Picture, \d+ KB/ }).waitFor();
  assert.is(await page.locator('.picture-thumb').count(), 0);
  await page.context().close();
});

test.run();

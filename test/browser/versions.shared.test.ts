/** The dashboard says which end of the tunnel is of an older release and what to type, in words that fit a phone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser } from 'playwright-core';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { ROOT, startProduct } from '../support/harness/product.ts';

const { version: OWN } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const [MAJOR, MINOR] = OWN.split('.').map(Number) as [number, number];

let browser: Browser;
test.before(async () => {
  browser = await launchBrowser();
});
test.after(() => browser?.close());

/** What the dashboard of a relay of `relayVersion` warns of. */
async function warningOf(relayVersion: string): Promise<string> {
  const product = await startProduct({ relayVersion });
  const { page, problems } = await openPage(browser);
  try {
    await page.goto(product.relayUrl);
    await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('No agents yet').waitFor();
    const note = page.locator('.note', { hasText: 'older version' });
    if (relayVersion === OWN) return String(await note.count());
    await note.waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 390, `the page is ${width} px wide`);
    assert.equal(problems, []);
    return (await note.innerText()).trim();
  } finally {
    await page.context().close();
    await product.close();
  }
}

test('of one release: nothing is said', async () => {
  assert.is(await warningOf(OWN), '0');
});

test('a machine one release behind, and two', async () => {
  const next = `${MAJOR}.${MINOR + 1}.0`;
  assert.is(
    await warningOf(next),
    `The machine has the older version ${OWN}, the relay has ${next}. ` +
      'They work together, but one of them lacks what is new. Update it there: agent-monitor update',
  );
  assert.match(await warningOf(`${MAJOR}.${MINOR + 2}.0`), /More than one release apart they may not work together/);
});

test('a relay one release behind, and more', async () => {
  assert.match(await warningOf(`${MAJOR}.${MINOR - 1}.4`), /^The relay has .*lacks what is new.* deploy user@server$/);
  if (MINOR < 2) return;
  assert.match(
    await warningOf(`${MAJOR}.${MINOR - 2}.0`),
    /^The relay has .*may not work together.* deploy user@server$/,
  );
});

test.run();

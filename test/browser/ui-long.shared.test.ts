/** Every page and state in a language whose words are 40 % longer, and in one whose lines begin at the right: nothing is cut. */
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, openPage, PHONE } from '../support/harness/browser.ts';
import { cuts } from '../support/harness/ui-cuts.ts';
import { inLong, LONG } from '../support/harness/ui-texts.ts';
import { openUiWorld, PARTS, type UiWorld } from '../support/harness/ui-world.ts';

const SETTLED_MS = 500;

let world: UiWorld;
test.before(async () => {
  world = await openUiWorld();
});
test.after(async () => {
  await world?.close();
});

async function look(page: Page, name: string): Promise<string[]> {
  let found = await cuts(page);
  if (found.length) {
    // What is being loaded or is moving is not at its place yet.
    await page.waitForTimeout(SETTLED_MS);
    const still = await cuts(page);
    found = found.filter((fault) => still.includes(fault));
  }
  return found.map((fault) => `${name}: ${fault}`);
}

/** Each screen and each direction once: a fault of both is found in either. */
const WALKS = [['phone', PHONE, 'ltr'], ['desktop', DESKTOP, 'rtl']] as const;

for (const [screen, viewport, direction] of WALKS) {
  for (const part of PARTS) {
    test(`nothing is cut: ${part}, ${screen}, ${direction}`, async () => {
      const prepare = (page: Page) => inLong(page, direction);
      assert.equal(await world.walk(part, look, { viewport, texts: LONG, prepare }), []);
    });
  }
}

test('what is cut is found', async () => {
  const { page } = await openPage(world.browser, PHONE);
  await page.goto(world.url);
  await page.locator('h1').first().waitFor();
  assert.equal(await cuts(page), []);
  await page.locator('h1').first().evaluate((title) =>
    Object.assign(title.style, { width: '20px', overflow: 'hidden', whiteSpace: 'nowrap' })
  );
  assert.match((await cuts(page)).join(), /is cut at the side/);
  await page.context().close();
});

test.run();

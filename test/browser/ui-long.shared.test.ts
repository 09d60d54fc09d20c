/** Every page and state on a phone, in a language whose words are 40 % longer than English: nothing is cut. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openPage, PHONE } from '../support/harness/browser.ts';
import { cuts, lastingCuts } from '../support/harness/ui-cuts.ts';
import { inLong, LONG } from '../support/harness/ui-texts.ts';
import { testEveryPage } from '../support/harness/ui-world-tests.ts';

const world = testEveryPage('nothing is cut', lastingCuts, {
  viewport: PHONE,
  texts: LONG,
  prepare: (page) => inLong(page, 'ltr'),
});

test('what is cut is found', async () => {
  const { page } = await openPage(world().browser, PHONE);
  await page.goto(world().url);
  await page.locator('h1').first().waitFor();
  assert.equal(await cuts(page), []);
  await page.locator('h1').first().evaluate((title) =>
    Object.assign(title.style, { width: '20px', overflow: 'hidden', whiteSpace: 'nowrap' })
  );
  assert.match((await cuts(page)).join(), /is cut at the side/);
  await page.context().close();
});

test.run();

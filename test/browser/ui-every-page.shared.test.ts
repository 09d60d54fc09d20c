/**
 * Every page and state on a phone, in a language whose words are 40 % longer than English: nothing is cut, and axe-core finds
 * nothing.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openPage, PHONE } from '../support/harness/browser.ts';
import { cuts } from '../support/harness/ui-cuts.ts';
import { LONG } from '../support/harness/ui-texts.ts';
import { layoutAndAxe, preparedFor, testEveryPage } from '../support/harness/ui-world-tests.ts';

const world = testEveryPage('nothing is cut, axe finds nothing', layoutAndAxe, {
  viewport: PHONE,
  texts: LONG,
  prepare: preparedFor('ltr'),
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

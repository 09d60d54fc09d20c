/**
 * Every page and state in Chinese: no English word is left on any of them, not even where the server speaks, and the name of a
 * control holds what is seen on it.
 */
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import { openPage, PHONE } from '../support/harness/browser.ts';
import { labelFindings, withAxe } from '../support/harness/ui-axe.ts';
import { CHINESE, inChinese } from '../support/harness/ui-texts.ts';
import { testEveryPage } from '../support/harness/ui-world-tests.ts';
import { englishWords } from '../support/harness/ui-words.ts';

async function look(page: Page, name: string): Promise<string[]> {
  const left = await englishWords(page);
  return [...left.length ? [`${name}: ${left.join(' | ')}`] : [], ...await labelFindings(page, name)];
}

const world = testEveryPage('no English word is left', look, {
  viewport: PHONE,
  texts: CHINESE,
  prepare: async (page) => {
    await withAxe(page);
    await inChinese(page);
  },
});

test('the language is the first of the browser’s that there is', async () => {
  for (const [locale, lang] of [['zh-TW', 'zh-CN'], ['de-DE', 'en'], ['en-US', 'en']] as const) {
    const context = await world().browser.newContext({ locale });
    const page = await context.newPage();
    await page.goto(world().url);
    await page.locator(`html[lang=${lang}]`).waitFor({ state: 'attached' });
    await context.close();
  }
});

test('it is switched by hand, and stays', async () => {
  const { page } = await openPage(world().browser, PHONE);
  await page.goto(`${world().url}/#/`);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('radio', { name: '中文' }).click();
  await page.locator('html[lang=zh-CN]').waitFor({ state: 'attached' });
  await page.reload();
  await page.getByRole('heading', { name: CHINESE.dashboard.title, exact: true }).waitFor();
  await page.context().close();
});

test.run();

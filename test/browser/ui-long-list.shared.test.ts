/** A thousand agents: few of them are drawn, and all that works with six works with them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agent, messages, text } from '../support/fakes/ui-data.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AGENTS = 1000;
/** Of the whole page. A hundred cards alone are two thousand. */
const MAX_ELEMENTS = 1_000;
const NOW = Date.now();

let stage: Stage;
test.before(async () => {
  stage = await openStage();
  for (let i = 0; i < AGENTS; i++) {
    const more = i % 7 ? {} : { preview: `A preview of several lines, ${'so that its card is higher '.repeat(i % 5)}` };
    stage.add(
      agent({ id: `a${i}`, name: `Agent ${i}`, activeAt: NOW - i * 1000, directory: `/srv/shop-${i % 40}`, ...more }),
      messages([text(`I am ${i}`)]),
    );
  }
});
test.after(() => stage?.close());

const elements = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length);
const card = (page: Page, i: number) => page.getByRole('link', { name: `Agent ${i}`, exact: true });
const toEnd = (page: Page) => page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
/** Cards whose middle is on the screen. */
const seen = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('.agent-card')].filter((card) => {
      const { top, height } = card.getBoundingClientRect();
      return top + height / 2 > 0 && top + height / 2 < innerHeight;
    }).map((card) => Number(card.getAttribute('aria-label')!.slice(6)))
  );

for (const viewport of [PHONE, DESKTOP]) {
  test(`${viewport.width} px: few elements at the top, on the way and at the end; no hole and no jump`, async () => {
    const { page, problems } = await stage.open('/', viewport);
    await card(page, 0).waitFor();
    assert.ok(await elements(page) <= MAX_ELEMENTS, `${await elements(page)} elements`);
    let last = 0;
    for (let i = 0; i < 12; i++) {
      await page.mouse.wheel(0, 400);
      await page.waitForTimeout(120);
      const now = await seen(page);
      assert.ok(now.length > 0, `nothing is seen after ${i}`);
      assert.equal(now, now.map((_, i) => now[0]! + i), 'in order, without a hole');
      assert.ok(now[0]! >= last && now[0]! <= last + 24, `from ${last} to ${now[0]}`);
      last = now[0]!;
    }
    assert.ok(await elements(page) <= MAX_ELEMENTS, `${await elements(page)} elements`);
    for (let i = 0; i < 4; i++) {
      await toEnd(page);
      await page.waitForTimeout(100);
    }
    await card(page, AGENTS - 1).waitFor();
    assert.ok((await seen(page)).includes(AGENTS - 1));
    assert.ok(await elements(page) <= MAX_ELEMENTS, `${await elements(page)} elements`);
    assert.equal(await violations(page), []);
    assert.equal(problems, []);
    await page.context().close();
  });
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = await page.evaluate<{ id: string }[]>(`axe.run().then(({ violations }) => violations)`);
  return found.map(({ id }) => id);
}

test('j and k go from card to card, over the end of what is drawn, and back', async () => {
  const { page } = await stage.open('/', DESKTOP);
  await card(page, 0).waitFor();
  const focused = () => page.evaluate(() => document.activeElement!.textContent);
  const goOn = async (key: string, name: string) => {
    await page.keyboard.press(key);
    await page.waitForFunction((wanted) => document.activeElement?.textContent === wanted, name);
  };
  await page.waitForTimeout(300); // The keys' code comes after the list.
  for (let i = 0; i < 45; i++) await goOn('j', `Agent ${i}`);
  // The focus stays where it is although its card is far from what is seen.
  await toEnd(page);
  await page.waitForTimeout(200);
  assert.is(await focused(), 'Agent 44');
  await goOn('j', 'Agent 45');
  for (let i = 44; i > 30; i--) await goOn('k', `Agent ${i}`);
  await page.context().close();
});

test('what is chosen stays chosen while its card is away', async () => {
  const { page } = await stage.open('/');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Select', exact: true }).click();
  const box = (i: number) => page.getByRole('checkbox', { name: `Select Agent ${i}`, exact: true });
  await box(0).check();
  await toEnd(page);
  await page.waitForTimeout(200);
  await toEnd(page);
  await box(AGENTS - 1).check();
  await page.getByText('2 selected').waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await box(0).waitFor();
  assert.ok(await box(0).isChecked());
  await page.context().close();
});

test('the search finds what is not drawn; groups are windowed too; back leads to where the list was left', async () => {
  const { page } = await stage.open('/', DESKTOP);
  await page.getByRole('searchbox').fill('Agent 777');
  await card(page, 777).waitFor();
  assert.is(await page.locator('.agent-card').count(), 1);
  await page.getByRole('searchbox').fill('');
  await card(page, 0).waitFor();
  await page.locator('main').click({ position: { x: 5, y: 5 } });
  await page.keyboard.press('v');
  await page.locator('.group-title').nth(39).waitFor({ state: 'attached' });
  assert.ok(await elements(page) <= MAX_ELEMENTS, `${await elements(page)} elements in groups`);
  await page.keyboard.press('v');
  await page.locator('.group-title').first().waitFor({ state: 'detached' });
  for (let i = 0; i < 20; i++) await page.mouse.wheel(0, 600);
  await page.waitForTimeout(300);
  const before = await seen(page);
  assert.ok(before[0]! > 20);
  await card(page, before[4]!).click();
  await page.locator('.agent-page').waitFor();
  assert.ok(await page.locator('.agent-column li').count() < 100, 'the list beside the conversation is windowed too');
  await page.goBack();
  await page.locator('.agent-card').first().waitFor();
  await page.waitForTimeout(300);
  assert.ok((await seen(page)).includes(before[4]!), `${before} became ${await seen(page)}`);
  await page.context().close();
});

test('what turns in a card stands still while the list is scrolled, and only then', async () => {
  stage.mock.patch('a3', { state: 'running' });
  const { page } = await stage.open('/', PHONE);
  const spinner = page.locator('.agent-card .spinner').first();
  await spinner.waitFor();
  const state = () => spinner.evaluate((each) => getComputedStyle(each).animationPlayState);
  assert.is(await state(), 'running');
  const during = await page.evaluate(() =>
    new Promise((resolve) => {
      const spinner = document.querySelector('.agent-card .spinner')!;
      addEventListener('scroll', () => setTimeout(() => resolve(getComputedStyle(spinner).animationPlayState)), {
        once: true,
      });
      scrollBy(0, 40);
    })
  );
  assert.is(during, 'paused');
  await page.waitForFunction(() =>
    getComputedStyle(document.querySelector('.agent-card .spinner')!).animationPlayState === 'running'
  );
  stage.mock.patch('a3', { state: 'idle' });
  await page.context().close();
});

test.run();

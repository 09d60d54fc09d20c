/** Commands of the dashboard itself, typed into a message; what is none of them goes to the agent. */
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';
import { agent, messages, text, turn, user } from '../support/fakes/ui-data.ts';

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => {
  stage.clear();
  stage.add(agent({ id: 'a', name: 'Totals' }), messages([user('go'), text('the **first**'), turn(), user('more')]));
});

const box = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true });
const sent = () => stage.bodies<{ text: string }>(/message$/).map((body) => body.text);

/** The list that completes a command is closed first, as it is for who goes on typing. */
async function type(page: Page, line: string): Promise<void> {
  await box(page).fill(line);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
}

test('our commands are offered with those of the agent, and each does what it says', async () => {
  const { page, problems } = await stage.open('/agents/a', DESKTOP);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await box(page).fill('/c');
  const names = () => page.locator('.commands .name').allInnerTexts();
  await page.locator('.commands .name').first().waitFor();
  assert.equal((await names()).slice(0, 4), ['/clear', '/compact', '/copy', '/cost']);
  await type(page, '/copy');
  await page.getByText('Answer copied.').waitFor();
  assert.is(await page.evaluate(() => navigator.clipboard.readText()), 'the **first**');
  await type(page, '/theme dark');
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await type(page, '/theme');
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
  await type(page, '/theme green');
  await page.getByText('Choose light, dark or system.').waitFor();
  await type(page, '/rename Sums');
  await page.getByRole('heading', { name: 'Sums' }).waitFor();
  const download = page.waitForEvent('download');
  await type(page, '/export json');
  assert.is((await download).suggestedFilename(), 'Sums.json');
  await type(page, '/stop');
  await page.locator('.facts [data-state=stopped]').waitFor();
  for (const [line, tab] of [['/diff', 'Changes'], ['/cost', 'Details'], ['/files', 'Files']] as const) {
    await type(page, line);
    await page.getByRole('navigation').getByRole('link', { name: tab, exact: true }).and(
      page.locator('[aria-current=page]'),
    ).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Chat', exact: true }).click();
    await box(page).waitFor();
  }
  assert.equal(sent(), [], 'none of it was a message');
  await type(page, '/search rounding bug');
  await page.waitForFunction(() => location.hash === '#/search/rounding%20bug');
  assert.equal(problems, []);
  await page.context().close();
});

test('help lists every command; what is none of ours is a message', async () => {
  const { page } = await stage.open('/agents/a', PHONE);
  await box(page).fill('/help');
  await page.getByRole('button', { name: 'Send', exact: true }).tap();
  const dialog = page.getByRole('dialog', { name: 'Commands' });
  await dialog.getByText('/compact').waitFor();
  await dialog.getByText('Save the conversation as Markdown, or as JSON').waitFor();
  assert.ok(await dialog.evaluate((element) => element.scrollWidth <= innerWidth));
  await page.keyboard.press('Escape');
  for (const line of ['/cost of living?', '/compact', '/nothing', 'a /help inside']) {
    await box(page).fill(line);
    await page.getByRole('button', { name: 'Send', exact: true }).tap();
  }
  await page.getByText('a /help inside').waitFor();
  assert.equal(sent(), ['/cost of living?', '/compact', '/nothing', 'a /help inside']);
  await page.context().close();
});

test.run();

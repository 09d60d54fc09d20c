/** What the phone's Back does, which Enter is an input method's, and how the list is found again. */
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';
import { agent, messages, text } from '../support/fakes/ui-data.ts';

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => {
  stage.clear();
  stage.add(agent({ id: 'one', name: 'One', state: 'idle' }), messages([text('hello')]));
  stage.add(
    agent({ id: 'two', name: 'Two', state: 'stopped', stateReason: 'stopped_by_user' }),
    messages([text('hi')]),
  );
});

const hash = (page: Page) => page.evaluate(() => location.hash);
/** Entries of the history up to the one that is shown: what Back leads through. */
const entries = async (page: Page) => {
  const session = await page.context().newCDPSession(page);
  const { entries, currentIndex } = await session.send('Page.getNavigationHistory');
  await session.detach();
  return entries.slice(0, currentIndex + 1).map(({ url }) => new URL(url).hash).filter(Boolean);
};

/** From the list to an agent, so that there is something that Back could leave to. */
async function openOne(): Promise<Page> {
  const { page } = await stage.open('/');
  await page.getByRole('link', { name: 'One' }).click();
  await page.getByText('hello').waitFor();
  return page;
}

const dialog = (page: Page, name: string) => page.getByRole('dialog', { name, exact: true });
const menu = (page: Page) => page.getByRole('menu');

test('Back closes a menu, and the dialog that it led to, before it leaves the page', async () => {
  const page = await openOne();
  await page.getByRole('button', { name: 'More actions' }).click();
  await menu(page).waitFor();
  await page.goBack();
  await menu(page).waitFor({ state: 'detached' });
  assert.is(await hash(page), '#/agents/one');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await dialog(page, 'Rename').waitFor();
  await page.waitForTimeout(100);
  assert.equal(
    await entries(page),
    ['#/', '#/agents/one', '#/agents/one'],
    'one entry for the dialog, none for the menu',
  );
  await page.goBack();
  await dialog(page, 'Rename').waitFor({ state: 'detached' });
  assert.is(await hash(page), '#/agents/one');
  await page.goBack();
  await page.getByRole('article', { name: 'One' }).waitFor();
  assert.is(await hash(page), '#/');
  await page.context().close();
});

test('a dialog that is closed by its own button leaves nothing in the history', async () => {
  const page = await openOne();
  for (const close of ['Close', 'Escape']) {
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await dialog(page, 'Rename').waitFor();
    await page.waitForTimeout(100);
    if (close === 'Escape') await page.keyboard.press('Escape');
    else await dialog(page, 'Rename').getByRole('button', { name: close }).click();
    await dialog(page, 'Rename').waitFor({ state: 'detached' });
    await page.waitForTimeout(100);
    assert.equal(await entries(page), ['#/', '#/agents/one'], close);
  }
  await page.context().close();
});

test('a link in the sheet takes the place of the sheet; Back leads to the page before', async () => {
  const { page } = await stage.open('/');
  await page.getByRole('article', { name: 'One' }).waitFor();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await dialog(page, 'More').waitFor();
  await page.waitForTimeout(100);
  await dialog(page, 'More').getByRole('link', { name: 'Templates' }).click();
  await page.getByRole('heading', { name: 'Templates', level: 1 }).waitFor();
  await dialog(page, 'More').waitFor({ state: 'detached' });
  assert.equal(await entries(page), ['#/', '#/templates']);
  await page.goBack();
  await page.getByRole('article', { name: 'One' }).waitFor();
  await page.context().close();
});

test('a page that is loaded again with a dialog open has no entry of it', async () => {
  const page = await openOne();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await dialog(page, 'Rename').waitFor();
  await page.waitForTimeout(100);
  await page.reload();
  await page.getByText('hello').waitFor();
  await page.waitForTimeout(200);
  assert.equal(await entries(page), ['#/', '#/agents/one']);
  await page.goBack();
  await page.getByRole('article', { name: 'One' }).waitFor();
  await page.context().close();
});

test('the filter and the search of the list are there again after Back', async () => {
  const { page } = await stage.open('/');
  await page.getByRole('radio', { name: /^Stopped/ }).click();
  await page.getByRole('link', { name: 'Two' }).click();
  await page.getByText('hi', { exact: true }).waitFor();
  await page.goBack();
  await page.getByRole('article', { name: 'Two' }).waitFor();
  assert.is(await page.getByRole('radio', { name: /^Stopped/ }).getAttribute('aria-checked'), 'true');
  assert.is(await page.getByRole('article').count(), 1);
  await page.context().close();
});

/** As browsers tell of the Enter that ends a conversion: Chromium and Firefox while composing, Safari behind its end. */
const CONVERSIONS = [{ isComposing: true, keyCode: 229 }, { isComposing: false, keyCode: 229 }];
const pressEnter = (page: Page, init: object) =>
  page.evaluate((init) => {
    const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init });
    document.activeElement!.dispatchEvent(event);
  }, init);

test('Enter of an input method sends no message and chooses nothing', async () => {
  const { page } = await stage.open('/agents/one', DESKTOP);
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.fill('にほん');
  for (const init of CONVERSIONS) await pressEnter(page, init);
  await box.fill('/');
  await page.getByRole('listbox').waitFor();
  for (const init of CONVERSIONS) await pressEnter(page, init);
  assert.is(await box.inputValue(), '/');
  await box.fill('');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to or do' }).fill('Two');
  for (const init of CONVERSIONS) await pressEnter(page, init);
  await dialog(page, 'Go to or do').waitFor();
  assert.is(await hash(page), '#/agents/one');
  assert.equal(stage.bodies(/message/), []);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash === '#/agents/two');
  assert.equal((await entries(page)).slice(-2), ['#/agents/one', '#/agents/two']);
  await page.context().close();
});

test.run();

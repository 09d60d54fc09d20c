/** The keyboard alone, and the list beside the conversation. */
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';
import { agent, messages, permission, text, user } from '../support/fakes/ui-data.ts';

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => {
  stage.clear();
  stage.add(
    agent({ id: 'asks', name: 'Asks', state: 'waiting_input', stateReason: 'permission', pending: ['m1'] }),
    messages([permission()]),
  );
  stage.add(agent({ id: 'works', name: 'Works', state: 'running', stateReason: 'turn' }), messages([text('busy')]));
  stage.add(agent({ id: 'done', name: 'Done' }), messages([user('one'), user('two'), text('hello')]));
});

const sent = (pattern: RegExp) => stage.mock.received.filter(({ path }) => pattern.test(path));
const hash = (page: Page) => page.evaluate(() => location.hash);
/** An answer is taken only from a button that has stood for a while. */
const settle = (page: Page) => page.waitForTimeout(900);

test('agents are gone through, answered and interrupted by keys; the title says where one is', async () => {
  const { page, problems } = await stage.open('/agents/asks', DESKTOP);
  await page.getByRole('heading', { name: 'Permission needed' }).waitFor();
  assert.is(await page.title(), '(1) Asks · Agent Monitor');
  assert.equal(
    await page.locator('.agent-column a').allInnerTexts().then((all) => all.map((line) => line.split('\n')[0])),
    [
      'Asks',
      'Works',
      'Done',
    ],
  );
  await settle(page);
  // Typed into the page by mistake: it answers nothing.
  await page.keyboard.type('add a test');
  await settle(page);
  assert.equal(sent(/permissions/), []);
  await page.waitForTimeout(4000);
  await page.keyboard.press('a');
  await settle(page);
  await page.keyboard.press('a');
  await page.waitForFunction(() => document.querySelector('.outcome, .decided') !== null);
  assert.equal(sent(/permissions/).map(({ body }) => (body as { decision: string }).decision), ['allow']);
  await page.locator('body').click({ position: { x: 5, y: 5 } });
  await page.getByRole('complementary', { name: 'Agents' }).getByRole('link', { name: /Works/ }).click();
  await page.getByText('busy').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.facts [data-state=idle]').waitFor();
  assert.is(sent(/works\/interrupt/).length, 1);
  await page.keyboard.press('j');
  await page.waitForFunction(() => location.hash.includes('/agents/') && !location.hash.includes('works'));
  assert.equal(problems, []);
  await page.context().close();
});

test('the palette goes everywhere, and earlier messages come back with the arrows', async () => {
  const { page } = await stage.open('/', DESKTOP);
  await page.getByText('Asks').first().waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to or do' }).waitFor();
  await page.keyboard.type('done');
  await page.keyboard.press('Enter');
  await page.getByText('hello').waitFor();
  assert.is(await hash(page), '#/agents/done');
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.focus();
  for (const words of ['two', 'one', 'one']) {
    await page.keyboard.press('ArrowUp');
    assert.is(await box.inputValue(), words);
  }
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.is(await box.inputValue(), '');
  // A key in a field is a letter.
  await page.keyboard.type('jk?a');
  assert.is(await box.inputValue(), 'jk?a');
  assert.is(await hash(page), '#/agents/done');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('j');
  assert.is(await hash(page), '#/agents/done', 'no key acts behind a dialog');
  await page.context().close();
});

test('several agents are archived together, and found in the archive', async () => {
  const { page } = await stage.open('/', DESKTOP);
  await page.getByText('Asks').first().waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Select' }).click();
  await page.getByRole('checkbox', { name: 'Select Works' }).check();
  await page.getByRole('checkbox', { name: 'Select Done' }).check();
  await page.getByText('2 selected').waitFor();
  await page.getByRole('group', { name: 'Select' }).getByRole('button', { name: 'Archive' }).click();
  await page.getByRole('radio', { name: 'Archived 2' }).waitFor();
  await page.getByRole('radio', { name: 'Archived 2' }).click();
  await page.getByRole('article', { name: 'Done' }).waitFor();
  assert.equal(
    sent(/marks/).filter(({ body }) => (body as { archived?: boolean }).archived).map(({ path }) => path).sort(),
    ['PUT /api/agents/done/marks', 'PUT /api/agents/works/marks'],
  );
  await page.context().close();
});

test('an archived agent says so on its page, and is brought back there', async () => {
  stage.add(agent({ id: 'old', name: 'Old', archivedAt: Date.now() }), messages([text('long ago')]));
  const { page } = await stage.open('/agents/old', PHONE);
  await page.getByText('This agent is archived. A message brings it back.').waitFor();
  await page.getByRole('button', { name: 'Take out of the archive' }).click();
  await page.getByText('This agent is archived').waitFor({ state: 'detached' });
  assert.equal(stage.bodies(/old\/marks/).filter((body) => 'archived' in (body as object)), [{ archived: false }]);
  await page.context().close();
});

test('the list is grouped by folder from the menu, the palette and by a key; the device keeps it', async () => {
  stage.add(agent({ id: 'site', name: 'Site', directory: '/home/someone/projects/site' }));
  const { page } = await stage.open('/', DESKTOP);
  await page.getByText('Asks').first().waitFor();
  const titles = () => page.locator('.group-title').allInnerTexts();
  assert.equal(await titles(), []);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Group by folder' }).click();
  await page.locator('.group-title').first().waitFor();
  assert.equal(await titles(), ['…/projects/shop', '…/projects/site']);
  await page.reload();
  await page.locator('.group-title').first().waitFor();
  await page.locator('.agent-card .cover').last().click();
  await page.locator('.agent-column .group-title').first().waitFor();
  assert.equal(await titles(), ['…/projects/shop', '…/projects/site'], 'the column beside a conversation too');
  await page.keyboard.press('v');
  await page.locator('.group-title').first().waitFor({ state: 'detached' });
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to or do' }).waitFor();
  await page.keyboard.type('group by');
  await page.keyboard.press('Enter');
  await page.locator('.agent-column .group-title').first().waitFor();
  await page.context().close();
});

test('a phone on its side shows Deny and Allow without scrolling', async () => {
  const { page } = await stage.open('/agents/asks', { width: PHONE.height, height: PHONE.width });
  for (const name of ['Deny', 'Allow once']) {
    const button = page.getByRole('button', { name, exact: true });
    await button.waitFor();
    const box = await button.boundingBox();
    assert.ok(box!.y >= 0 && box!.y + box!.height <= PHONE.width, `${name}: ${JSON.stringify(box)}`);
  }
  await page.context().close();
});

test.run();

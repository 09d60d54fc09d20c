/** What waits behind a turn is changed, moved, sent at once and taken back, on a phone and by the keyboard. */
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';
import { agent, messages, text, user } from '../support/fakes/ui-data.ts';

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => stage.clear());

const WAITING = ['Add a test for it', 'Then write the note about the change', 'Push nothing'];

/** An agent at work, with messages that wait. */
function addBusy(part: Partial<AgentInfo> = {}): void {
  const list = messages([user('start'), text('working'), ...WAITING.map((words) => user(words))]);
  const waiting = list.slice(2).map((message) => ({ ...message, status: 'queued' as const }));
  const queue = waiting.map(({ id, at }, i) => ({ id, at, text: WAITING[i]! }));
  const info = agent({ id: 'a', state: 'running', stateReason: 'turn', queue, ...part });
  stage.add(info, [...list.slice(0, 2), ...waiting] as typeof list);
}

const row = (page: Page, words: string) => page.locator('.queue li').filter({ hasText: words });
const shown = (page: Page) => page.locator('.queue .ellipsis').allInnerTexts();
const until = (page: Page, expected: string[]) =>
  page.waitForFunction(
    (all) => [...document.querySelectorAll('.queue .ellipsis')].map((e) => e.textContent).join() === all.join(),
    expected,
  );

test('a waiting message is edited, moved up, sent now and withdrawn', async () => {
  addBusy();
  const { page, problems } = await stage.open('/agents/a', PHONE);
  await row(page, WAITING[0]!).waitFor();
  assert.is(await row(page, WAITING[0]!).getByRole('button', { name: 'Move up' }).count(), 0, 'it is the first');
  await row(page, WAITING[2]!).getByRole('button', { name: 'Move up' }).tap();
  await until(page, [WAITING[0]!, WAITING[2]!, WAITING[1]!]);
  await row(page, WAITING[0]!).getByRole('button', { name: 'Edit this message' }).tap();
  const field = page.getByRole('textbox', { name: 'Edit this message' });
  assert.is(await field.inputValue(), WAITING[0]);
  await field.fill('Add two tests');
  await page.getByRole('button', { name: 'Save' }).tap();
  await until(page, ['Add two tests', WAITING[2]!, WAITING[1]!]);
  await row(page, WAITING[1]!).getByRole('button', { name: /^Send now/ }).tap();
  await until(page, ['Add two tests', WAITING[2]!]);
  await row(page, WAITING[2]!).getByRole('button', { name: 'Withdraw this message' }).tap();
  await until(page, ['Add two tests']);
  assert.equal(stage.bodies(/^PUT .*messages/), [{ before: 'm4' }, { text: 'Add two tests' }]);
  assert.equal(problems, []);
  await page.context().close();
});

test('by the keyboard: Escape leaves the message as it was, Ctrl and Enter save it', async () => {
  addBusy();
  const { page } = await stage.open('/agents/a', DESKTOP);
  const edit = row(page, WAITING[1]!).getByRole('button', { name: 'Edit this message' });
  await edit.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('End');
  await page.keyboard.type(' never');
  await page.keyboard.press('Escape');
  await until(page, WAITING);
  assert.equal(stage.bodies(/interrupt/), [], 'Escape was of the field alone');
  await edit.focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+End');
  await page.keyboard.type(', briefly');
  await page.keyboard.press('Control+Enter');
  await until(page, [WAITING[0]!, `${WAITING[1]}, briefly`, WAITING[2]!]);
  await page.context().close();
});

test('the agent takes a message while it is being edited: the text goes to the composer, nothing is lost', async () => {
  addBusy();
  const { page } = await stage.open('/agents/a', DESKTOP);
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('and another thing');
  await row(page, WAITING[0]!).getByRole('button', { name: 'Edit this message' }).click();
  await page.getByRole('textbox', { name: 'Edit this message' }).fill('my better words');
  const [first, ...rest] = stage.mock.agents.get('a')!.queue;
  stage.mock.patch('a', { queue: [{ ...first!, handed: true }, ...rest] });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The agent has taken the message as it was').waitFor();
  const composer = page.getByRole('textbox', { name: 'Message', exact: true });
  assert.is(await composer.inputValue(), 'and another thing\n\nmy better words');
  const taken = row(page, WAITING[0]!);
  await taken.getByText('with the agent').waitFor();
  assert.equal(await taken.getByRole('button').evaluateAll((all) => all.map((e) => e.getAttribute('aria-label'))), [
    'Withdraw this message',
  ]);
  await page.context().close();
});

test('an agent that reads nothing during a turn says that it is interrupted', async () => {
  addBusy({ provider: 'gemini' });
  const { page } = await stage.open('/agents/a', PHONE);
  const now = row(page, WAITING[2]!).getByRole('button', { name: 'Interrupt the agent and send this' });
  await now.tap();
  await until(page, WAITING.slice(0, 2));
  assert.is(stage.bodies(/messages\/m5\/now/).length, 1);
  await page.context().close();
});

for (const viewport of [PHONE, { width: 320, height: 640 }]) {
  test(`everything of a row fits on ${viewport.width} pixels, and what is written is seen`, async () => {
    addBusy();
    const { page } = await stage.open('/agents/a', viewport);
    const last = row(page, WAITING[1]!);
    await last.waitFor();
    const width = await last.locator('.ellipsis').evaluate((element) => element.clientWidth);
    assert.ok(width > 60, `${width} px for the text`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await last.getByRole('button', { name: 'Edit this message' }).click();
    const box = await page.getByRole('textbox', { name: 'Edit this message' }).boundingBox();
    assert.ok(box!.y >= 0 && box!.y + box!.height <= viewport.height, JSON.stringify(box));
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/queue-${viewport.width}.png` });
    assert.equal((await shown(page)).length, 2);
    await page.context().close();
  });
}

test.run();

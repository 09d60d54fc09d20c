/** Search over all conversations in a real browser, at the relay's address: found, marked, opened at the message. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { startFleet, type TestFleet } from '../support/harness/fleet.ts';
import { textMessage, toolMessage, userMessage } from '../support/harness/search-journals.ts';
import { takePictures } from '../support/harness/screenshots.ts';

/** Messages of the long conversation; what is looked for is near its beginning. */
const LONG = 700;
const NEEDLE = 30;

let fleet: TestFleet;
let browser: Browser;
let long: AgentInfo;
test.before(async () => {
  browser = await launchBrowser();
  fleet = await startFleet(['desktop', 'lab']);
  const [desktop, lab] = fleet.machines;
  long = await create(desktop!, 'Long talk');
  await create(lab!, 'Lab work', 'Say the zeppelin is in the lab');
});
test.after(async () => {
  await browser?.close();
  await fleet?.close();
});

async function create(machine: TestFleet['machines'][number], name: string, prompt?: string): Promise<AgentInfo> {
  const body = JSON.stringify({
    name,
    directory: machine.directory,
    flags: { worktree: false },
    ...(prompt ? { prompt } : {}),
  });
  const headers = { 'content-type': 'application/json' };
  const response = await machine.fetch('/api/agents', { method: 'POST', headers, body });
  return await response.json() as AgentInfo;
}

/** What the server would have written, of a conversation of which no message is loaded yet. */
function fillJournal(): void {
  const messages = Array.from(
    { length: LONG },
    (_, i) =>
      i + 1 === NEEDLE
        ? userMessage(i + 1, 'Where did we put the zeppelin? 齐柏林飞艇在哪里')
        : i % 3 === 0
        ? toolMessage(i + 1, `npm test -- part-${i}`, { command: `npm test -- part-${i}` })
        : textMessage(i + 1, `Paragraph ${i}.\n\nIt has some **words** about nothing in particular.`),
  );
  const directory = join(fleet.product.dataDir, 'agents', long.id);
  // In place of what it has: no two messages may have one number.
  writeFileSync(join(directory, 'journal.jsonl'), messages.map((m) => `${JSON.stringify({ m })}\n`).join(''));
}

async function signedIn(viewport: typeof PHONE) {
  const opened = await openPage(browser, viewport);
  await opened.page.goto(fleet.product.relayUrl);
  await opened.page.getByRole('textbox', { name: 'Password' }).fill(fleet.product.password);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  await opened.page.getByText('Long talk').first().waitFor();
  return opened;
}

/** Waits until the message is in view, marked. */
async function seeMarked(page: Page, text: string): Promise<void> {
  const row = page.locator('.message.is-target', { hasText: text });
  await row.waitFor();
  await page.waitForTimeout(600); // what was estimated above it has its height
  const box = (await row.boundingBox())!;
  assert.ok(box.y >= 0 && box.y + box.height <= page.viewportSize()!.height, `in view: ${JSON.stringify(box)}`);
}

test('the journal of the long conversation is on disk', async () => {
  await fleet.machines[0]!.program.kill('SIGTERM');
  fillJournal();
  fleet.machines[0]!.start();
  for (let i = 0; i < 300 && !(await fleet.list()).every(({ connected }) => connected); i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

for (const viewport of [PHONE, DESKTOP]) {
  test(`found on both machines, marked, opened at the message (${viewport.width})`, async () => {
    const { page, problems } = await signedIn(viewport);
    if (viewport === PHONE) await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('link', { name: 'Search', exact: true }).click();
    await page.getByText('Find a conversation').waitFor();
    await takePictures(page, 'begin');
    const field = page.getByRole('searchbox', { name: 'Search in all conversations' });
    await field.fill('z');
    await page.getByText('at least two characters').waitFor();
    await field.fill('ZEPPELIN');
    const groups = page.locator('.search-group');
    await groups.filter({ hasText: 'Lab work' }).filter({ hasText: 'lab' }).waitFor();
    await groups.filter({ hasText: 'Long talk' }).waitFor();
    assert.ok((await page.locator('.search-snippet mark').allTextContents()).every((text) => text === 'zeppelin'));
    assert.is(await field.evaluate((element) => element === document.activeElement), true, 'one types on');
    await takePictures(page, 'found');
    await groups.filter({ hasText: 'Long talk' }).getByText('Where did we put').click();
    await seeMarked(page, 'Where did we put');
    await takePictures(page, 'opened');
    await page.goBack();
    await groups.filter({ hasText: 'Lab work' }).waitFor();
    await field.fill('飞艇');
    await groups.filter({ hasText: '齐柏林' }).waitFor();
    await field.fill('nowhere at all xyz');
    await page.getByText('Nothing found').waitFor();
    await takePictures(page, 'none');
    assert.equal(problems, []);
    await page.context().close();
  });
}

test('the palette and the list lead there; a machine that is away is named', async () => {
  const { page } = await signedIn(DESKTOP);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('zeppelin lab');
  await page.getByRole('option', { name: 'Search in all conversations: zeppelin lab' }).click();
  await page.locator('.search-group', { hasText: 'Lab work' }).waitFor();
  await fleet.machines[1]!.program.kill('SIGTERM');
  await page.getByRole('searchbox').fill('zeppelin');
  await page.getByRole('alert').filter({ hasText: 'lab:' }).waitFor();
  await page.locator('.search-group', { hasText: 'Long talk' }).waitFor();
  await takePictures(page, 'away');
  await page.context().close();
});

test.run();

/**
 * A working day by the keyboard alone, over the relay: log in, create, approve, answer, read a diff and comment on it, commit,
 * merge, stop, search. Nothing here moves or presses a mouse, and nothing is focused but by keys.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { DESKTOP, launchBrowser, openPage } from '../support/harness/browser.ts';
import { makeRepository, runGit } from '../support/harness/git.ts';
import { type Product, startProduct } from '../support/harness/product.ts';

/** So many presses of Tab lead from the page's beginning to everything that one needs there. */
const MAX_TABS = 40;

let product: Product;
let browser: Browser;
let page: Page;
let repo: string;
test.before(async () => {
  product = await startProduct({ agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent' } });
  browser = await launchBrowser();
  repo = makeRepository(join(product.directory, 'shop'), { 'cart.ts': 'export const total = 0;\n' });
  ({ page } = await openPage(browser, DESKTOP));
  page.setDefaultTimeout(12_000);
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

/** What has the focus, as a screen reader says it. */
const focused = () =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement & { labels?: NodeListOf<HTMLElement> };
    const name = element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText ?? element.innerText ?? '';
    return `${element.getAttribute('role') ?? element.tagName.toLowerCase()} ${name.replace(/\s+/g, ' ').trim()}`;
  });

/** Presses Tab until what has the focus fits. Each stop on the way must be seen to have it. */
async function tabTo(wanted: RegExp, key = 'Tab'): Promise<void> {
  const seen: string[] = [];
  for (let i = 0; i < MAX_TABS; i++) {
    const now = await focused();
    if (wanted.test(now)) return;
    seen.push(now);
    await page.keyboard.press(key);
    assert.ok(await isSeen(), `the focus is seen on ${await focused()}`);
  }
  assert.unreachable(`no ${wanted} within ${MAX_TABS} presses: ${seen.join(' | ')}`);
}

/** What has the focus is in view and has a ring, or is the page itself. */
const isSeen = () =>
  page.evaluate(() => {
    const element = document.activeElement!;
    if (element === document.body) return true;
    const { outlineStyle, boxShadow } = getComputedStyle(element);
    const card = element.closest('.agent-card, .composer-box, .search, .files-query');
    const ring = outlineStyle !== 'none' || boxShadow !== 'none' ||
      (card !== null &&
        (getComputedStyle(card).outlineStyle !== 'none' || getComputedStyle(card).boxShadow !== 'none'));
    const { top, bottom, left, right } = element.getBoundingClientRect();
    const isInside = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
    // Large regions need no ring of their own.
    return isInside && (ring || element.id === 'main');
  });

const press = async (...keys: string[]) => {
  for (const key of keys) await page.keyboard.press(key);
};
const titled = (title: RegExp) =>
  page.waitForFunction((source) => new RegExp(source).test(document.title), title.source);
/** An answer is taken only from a button that has stood for a while. */
const settle = () => page.waitForTimeout(900);

test('log in', async () => {
  await page.goto(product.relayUrl);
  await page.getByRole('textbox', { name: 'Password' }).waitFor();
  await titled(/^Sign in · Agent Monitor$/);
  await page.keyboard.type(product.password);
  await press('Enter');
  await page.getByText('No agents yet').waitFor();
  await titled(/^Agent Monitor$/);
});

test('create an agent, and approve what it asks', async () => {
  await press('n');
  await page.getByRole('heading', { name: 'New agent' }).waitFor();
  await titled(/^New agent · /);
  await tabTo(/^input Folder/);
  await press('Control+a');
  await page.keyboard.type(repo);
  await tabTo(/^textarea What should it do/);
  await page.keyboard.type('bash echo "export const total = 1;" > cart.ts');
  await tabTo(/^button Start/);
  await press('Enter');
  await page.getByRole('heading', { name: 'Permission needed' }).waitFor();
  await titled(/^\(1\) bash echo/);
  await settle();
  await tabTo(/^button Allow once$/);
  await press('Enter');
  await page.getByText('The command step is over.').waitFor();
});

test('write a message, and answer a question', async () => {
  await tabTo(/^(textarea|combobox) Message/);
  await page.keyboard.type('ask');
  await press('Enter');
  await page.getByRole('heading', { name: 'A question for you' }).waitFor();
  await settle();
  // One stop for the group; the arrows go through it.
  await tabTo(/^input Something else$/, 'Shift+Tab');
  for (let i = 0; i < 4 && !/Red$/.test(await focused()); i++) await press('ArrowDown');
  assert.match(await focused(), /^input Red$/);
  await tabTo(/^button (Answer|Send)/);
  await press('Enter');
  await page.getByText('Thanks.').waitFor();
});

test('read a diff, comment on a line, commit and merge', async () => {
  await tabTo(/^a Changes$/, 'Shift+Tab');
  await press('Enter');
  await page.getByText('1 file · not committed').waitFor();
  await page.getByText('Commit first: only commits are merged into main.').waitFor();
  await titled(/^Changes · bash echo/);
  await tabTo(/^button cart\.ts/);
  await press('Enter');
  await page.getByText('+export const total = 1;').waitFor();
  await tabTo(/^button Comment on line 1$/);
  await press('Enter');
  await page.keyboard.type('Count in cents, please.');
  await tabTo(/^button Done$/);
  await press('Enter');
  assert.match(await focused(), /Comment on line 1/, 'the focus is where the comment was begun');
  await tabTo(/^button Commit$/, 'Shift+Tab');
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  assert.match(await focused(), /^textarea Message/);
  await press('Control+a');
  await page.keyboard.type('Count from one');
  await tabTo(/^button Commit$/);
  await press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('1 commit to merge').waitFor();
  await tabTo(/^button Merge into main$/);
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo(/^button Merge into main$/);
  await press('Enter');
  await page.getByText('Merged into main · 1 commit, 1 file').waitFor();
  assert.is(runGit(repo, 'log', '-1', '--format=%s'), 'Count from one');
  await tabTo(/^button Send comments$/);
  await press('Enter');
  await page.locator('.message.is-user', { hasText: 'Count in cents, please.' }).waitFor();
});

test('stop an agent by its menu', async () => {
  await tabTo(/^(textarea|combobox) Message/);
  await page.keyboard.type('long 2000 50');
  await press('Enter');
  await page.getByText('word word').waitFor();
  await tabTo(/^button More actions$/, 'Shift+Tab');
  await press('Enter');
  await page.getByRole('menu').waitFor();
  for (let i = 0; i < 10 && !/^menuitem Stop/.test(await focused()); i++) await press('ArrowDown');
  assert.match(await focused(), /^menuitem Stop/);
  await press('Enter');
  await page.locator('.facts [data-state=stopped]').waitFor();
  assert.match(await focused(), /More actions/, 'the focus goes back to the button of the menu');
});

test('search: agents by the palette and the list, files by name', async () => {
  for (const name of ['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon']) {
    const body = JSON.stringify({ directory: repo, name, flags: { worktree: false } });
    assert.is((await product.fetch('/api/agents', { method: 'POST', body })).status, 201);
  }
  await press('Control+k');
  await page.getByRole('combobox', { name: 'Go to or do' }).waitFor();
  await page.keyboard.type('gamma');
  await press('Enter');
  await titled(/^Gamma · /);
  await press('g');
  await page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  await press('/');
  await page.keyboard.type('eps');
  await page.getByRole('article', { name: 'Gamma' }).waitFor({ state: 'detached' });
  await tabTo(/^a Epsilon$/);
  await press('Enter');
  await titled(/^Epsilon · /);
  writeFileSync(join(repo, 'settings.ts'), '');
  await tabTo(/^a Files$/);
  await press('Enter');
  await titled(/^Files · Epsilon · /);
  await tabTo(/^input Search files$/);
  await page.keyboard.type('sett');
  await page.getByText('settings.ts').first().waitFor();
  await tabTo(/^a .*settings\.ts/);
  await press('Enter');
  await page.waitForFunction(() => location.hash.endsWith('/files/settings.ts'));
});

test.run();

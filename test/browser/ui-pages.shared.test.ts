/** Pipeline, templates, changes, instructions and settings on the real server, as a user on a phone meets them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Task } from '../../core/api/tasks.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { commitAll, makeRepository, runGit, writeFiles } from '../support/harness/git.ts';

let browser: Browser;
let bench: Bench;
let repo: string;
test.before(async () => {
  browser = await launchBrowser();
  bench = await startBench({ SMTP_HOST: '127.0.0.1', SMTP_PORT: '1', SMTP_FROM: 'agents@example.org' });
  repo = makeRepository(join(bench.directory, 'shop'), { 'cart.ts': 'export const total = 0;\n', 'old.txt': 'x\n' });
  await bench.call('PUT', '/api/settings', { roots: [bench.directory] });
});
test.after(async () => {
  await browser?.close();
  await bench?.close();
});

/** Opens a page of the dashboard; its end fails when a script or the CSP complained. */
async function visit(path: string, run: (page: Page) => Promise<void>, viewport = PHONE): Promise<void> {
  const { page, problems } = await openPage(browser, viewport);
  page.setDefaultTimeout(15_000);
  try {
    await page.goto(`${bench.url}/#${path}`);
    await run(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.not(wide, 'the page scrolls sideways');
    assert.equal(problems, []);
  } finally {
    await page.context().close();
  }
}

const HOSTILE = '<img src=x onerror="document.title=\'hacked\'">';

test('a task is written on a phone, its folder browsed to, and runs to its end', () =>
  visit('/tasks', async (page) => {
    await page.getByText('No tasks yet').waitFor();
    await page.getByRole('button', { name: 'Add task' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Enter a name.').waitFor();
    await page.getByLabel('Name').fill(`Totals ${HOSTILE}`);
    await page.getByLabel('What should be done?').fill('long 3 1');
    await page.getByRole('button', { name: 'Browse folders' }).click();
    const picker = page.getByRole('dialog', { name: 'Choose a folder' });
    await picker.getByRole('button', { name: bench.directory.split('/').at(-1)! }).click();
    await picker.getByRole('button', { name: /^shop/ }).click();
    await picker.getByText(repo).waitFor();
    await picker.getByRole('button', { name: 'Use this folder' }).click();
    assert.is(await page.getByLabel('Folder', { exact: true }).inputValue(), repo);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Waiting').waitFor();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Done', { exact: true }).waitFor();
    await page.getByText('1 of 1 done').waitFor();
    assert.not.match(await page.title(), /hacked/);
    await page.getByRole('link', { name: 'Open agent' }).click();
    await page.getByText('word word word').waitFor();
  }));

test('minutes of the pipeline that are no number are told, and nothing is kept', () =>
  visit('/tasks', async (page) => {
    const config = async () => (await bench.call('GET', '/api/tasks/meta/config')).body;
    const before = await config();
    await page.getByRole('button', { name: 'Pipeline actions' }).click();
    await page.getByRole('menuitem', { name: 'Configure' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Mark as stuck/).fill('abc');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.locator('.field-error', { hasText: 'must be a number above 0' }).waitFor();
    assert.equal(await config(), before);
  }));

test('a failed task says why and is skipped; the next step goes on', async () => {
  await bench.call('POST', '/api/tasks/actions/clear-completed');
  await bench.call('POST', '/api/tasks', { name: 'First', prompt: 'long 2 1', directory: '/nonexistent/x', order: 0 });
  await bench.call('POST', '/api/tasks', { name: 'Second', prompt: 'long 2 1', directory: bench.project, order: 1 });
  await visit('/tasks', async (page) => {
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('The folder /nonexistent/x does not exist.', { exact: false }).first().waitFor();
    await page.getByText('Blocked').waitFor();
    await page.getByText(/Retry or skip it/).waitFor();
    await page.getByRole('button', { name: 'Skip', exact: true }).click();
    await page.getByText('2 of 2 done').waitFor();
  });
  const { body } = await bench.call('GET', '/api/tasks');
  assert.equal(body.map((task: Task) => task.status), ['skipped', 'completed']);
});

test('a template is made, changed, copied and deleted', () =>
  visit('/templates', async (page) => {
    await page.getByRole('button', { name: 'New template' }).click();
    await page.getByLabel('Name').fill('House rules');
    await page.getByLabel('Content').fill(`Test first.\n${HOSTILE}`);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: /House rules/ }).first().click();
    await page.getByLabel('Name').fill('Rules');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Rules', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Template actions' }).click();
    await page.getByRole('menuitem', { name: 'Duplicate' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Rules (copy)' }).waitFor();
    await page.getByRole('button', { name: 'Template actions' }).last().click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete' }).last().click();
    await page.getByRole('heading', { name: 'Rules (copy)' }).waitFor({ state: 'detached' });
    assert.is((await bench.call('GET', '/api/templates')).body.length, 1);
  }));

test('changes are read, committed and merged; discarding asks first', async () => {
  const agent = await bench.create(undefined, { name: 'Cart', directory: repo });
  const tree = agent.worktree!.path;
  writeFiles(tree, { 'new.ts': `// ${HOSTILE}\n` });
  commitAll(tree, 'New');
  writeFiles(tree, { 'cart.ts': 'export const total = 1;\n', 'junk.txt': 'x\n' });
  await visit(`/agents/${agent.id}/changes`, async (page) => {
    await page.getByText('3 files · 1 commit to merge').waitFor();
    await page.getByRole('button', { name: /cart\.ts/ }).click();
    await page.getByText('+export const total = 1;').waitFor();
    await page.getByRole('button', { name: /new\.ts/ }).click();
    await page.getByText(`+// ${HOSTILE}`).waitFor();
    await page.locator('.changed-file', { hasText: 'junk.txt' }).getByRole('button', {
      name: 'Discard changes of this file',
    }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.ok(existsSync(join(tree, 'junk.txt')));
    await page.locator('.changed-file', { hasText: 'junk.txt' }).getByRole('button', {
      name: 'Discard changes of this file',
    }).click();
    await page.getByRole('button', { name: 'Discard', exact: true }).click();
    await page.locator('.changed-file', { hasText: 'junk.txt' }).waitFor({ state: 'detached' });
    assert.not.ok(existsSync(join(tree, 'junk.txt')));
    await page.getByRole('button', { name: 'Commit' }).click();
    await page.getByLabel('Message').fill('Count from one');
    await page.getByRole('dialog').getByRole('button', { name: 'Commit' }).click();
    await page.getByText('2 files · 2 commits to merge').waitFor();
    await page.getByRole('button', { name: 'Merge into main' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Merge into main' }).click();
    await page.getByText('Merged into main · 2 commits, 2 files').waitFor();
    assert.not.match(await page.title(), /hacked/);
    await page.reload();
    await page.getByText('Merged into main · 2 commits, 2 files').waitFor();
    await page.getByRole('button', { name: 'Delete agent' }).waitFor();
  });
  assert.is(readFileSync(join(repo, 'cart.ts'), 'utf8'), 'export const total = 1;\n');
  assert.is(runGit(repo, 'log', '-1', '--format=%s'), 'Count from one');
});

test('a patch is downloaded; while the machine is away a toast says why it is not', async () => {
  const agent = await bench.create(undefined, { name: 'Patch', directory: repo });
  writeFiles(agent.worktree!.path, { 'cart.ts': 'patched\n' });
  await visit(`/agents/${agent.id}/changes`, async (page) => {
    const choose = async () => {
      await page.locator('.changes-head').getByRole('button', { name: 'More' }).click();
      await page.getByRole('menuitem', { name: 'Download as a patch' }).click();
    };
    await page.route('**/patch', (route) => route.fulfill({ status: 502, json: { error: 'x', code: 'tunnel_down' } }));
    await choose();
    await page.getByText('The machine is away.', { exact: false }).waitFor();
    await page.unroute('**/patch');
    const [file] = await Promise.all([page.waitForEvent('download'), choose()]);
    assert.match(file.suggestedFilename(), /\.patch$/);
    assert.match(readFileSync(await file.path(), 'utf8'), /^\+patched$/m);
  });
});

test('a conflict is told and changes nothing', async () => {
  const agent = await bench.create(undefined, { name: 'Conflict', directory: repo });
  writeFiles(agent.worktree!.path, { 'cart.ts': 'agent\n' });
  commitAll(agent.worktree!.path, 'agent');
  writeFiles(repo, { 'cart.ts': 'user\n' });
  commitAll(repo, 'user');
  await visit(`/agents/${agent.id}/changes`, async (page) => {
    await page.getByRole('button', { name: 'Merge into main' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Merge into main' }).click();
    await page.getByText(/changed the same lines in cart\.ts\. Nothing was merged/).waitFor();
    await page.getByRole('button', { name: 'Let the agent resolve the conflict' }).click();
    await page.locator('.message.is-user', { hasText: 'Merge main into your branch' }).waitFor();
  });
  assert.is(readFileSync(join(repo, 'cart.ts'), 'utf8'), 'user\n');
});

test("the agent's instructions are edited where they lie, never over a newer file unasked", async () => {
  const agent = await bench.create(undefined, { name: 'Rules', directory: bench.project, claudeMd: 'one' });
  const file = join(bench.project, 'CLAUDE.md');
  await visit(`/agents/${agent.id}/instructions`, async (page) => {
    const field = page.getByLabel('CLAUDE.md');
    await page.waitForFunction(() => document.querySelector('textarea')?.value === 'one');
    writeFileSync(file, 'by the agent');
    await field.fill('two');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The file was changed meanwhile', { exact: false }).waitFor();
    assert.is(readFileSync(file, 'utf8'), 'by the agent');
    await page.getByRole('button', { name: 'Overwrite' }).click();
    await page.getByText('Saved.').waitFor();
    assert.is(readFileSync(file, 'utf8'), 'two');
  }, DESKTOP);
});

test('settings: a wrong value is told at its field, a right one is kept, a failed test says why', () =>
  visit('/settings', async (page) => {
    await page.getByText('CODEX_BIN', { exact: false }).waitFor();
    await page.getByLabel('Email address').fill('nonsense');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.locator('.field-error', { hasText: 'one mail address' }).waitFor();
    await page.getByLabel('Email address').fill('me@example.org');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Settings saved.').waitFor();
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText(/The mail server 127\.0\.0\.1:1 did not take the message/).first().waitFor();
    assert.is((await bench.call('GET', '/api/settings')).body.notify.adminEmail, 'me@example.org');
  }));

test("settings: another tab's change is taken over and not reverted by what is saved here", () =>
  visit('/settings', async (page) => {
    const setup = page.getByLabel('Setup commands');
    await setup.waitFor();
    await bench.call('PUT', '/api/settings', { copyFiles: ['.env'] });
    await page.waitForFunction(() => [...document.querySelectorAll('textarea')].some(({ value }) => value === '.env'));
    assert.is(await page.getByRole('button', { name: 'Save' }).count(), 0);
    await setup.fill('npm ci');
    await bench.call('PUT', '/api/settings', { copyFiles: ['.env.local'] });
    await page.waitForFunction(() =>
      [...document.querySelectorAll('textarea')].some(({ value }) => value === '.env.local')
    );
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Settings saved.').waitFor();
    const { copyFiles, setupCommands } = (await bench.call('GET', '/api/settings')).body;
    assert.equal({ copyFiles, setupCommands }, { copyFiles: ['.env.local'], setupCommands: ['npm ci'] });
  }));

test.run();

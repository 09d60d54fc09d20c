/** Update, push and pull request in a real browser, against a bare repository and a stand-in for gh. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { until } from '../support/harness/product.ts';
import { commitAll, makeRepository, runGit, withGitAlone, writeFiles } from '../support/harness/git.ts';

/** A folder for pictures of the pages, to be looked at. */
const SCREENSHOTS = process.env.CHANGES_SCREENSHOTS;
const PATH = process.env.PATH;

let bench: Bench;
let browser: Browser;
let directory: string;
test.before(async () => {
  browser = await launchBrowser();
  directory = mkdtempSync(join(tmpdir(), 'changes-'));
  bench = await startBench();
});
test.after(async () => {
  process.env.PATH = PATH;
  await browser?.close();
  await bench?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function shot(page: Page, name: string): Promise<void> {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(200);
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${page.viewportSize()!.width}-${colorScheme}.png`) });
  }
}

/** A repository with a bare one as its remote, and an agent with a commit in it. */
async function makeAgent(name: string) {
  const [repo, bare] = [makeRepository(join(directory, name)), join(directory, `${name}.git`)];
  execFileSync('git', ['init', '-q', '--bare', bare]);
  runGit(repo, 'remote', 'add', 'origin', bare);
  const agent = await bench.create('hello', { name: `Shop ${name}`, directory: repo });
  await bench.until(agent.id, ({ state }) => state === 'idle');
  const tree = agent.worktree!.path;
  writeFiles(tree, { 'a.txt': 'agent\n' });
  commitAll(tree, 'work');
  return { agent, repo, bare, tree };
}

const more = async (page: Page, name: string) => {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name }).click();
};

for (const viewport of [PHONE, DESKTOP]) {
  test(`update, a conflict for the agent, push, pull request (${viewport.width})`, async () => {
    const { agent, repo, bare, tree } = await makeAgent(`r${viewport.width}`);
    writeFiles(repo, { 'base.txt': 'base\n' });
    commitAll(repo, 'base');
    const { page, problems } = await openPage(browser, viewport);
    await page.goto(`${bench.url}/#/agents/${agent.id}/changes`);
    await shot(page, 'behind');
    await page.getByRole('button', { name: 'Update from main' }).click();
    await page.getByText('The branch has everything of main now.').waitFor();
    await page.getByRole('button', { name: 'Update from main' }).waitFor({ state: 'detached' });
    await more(page, 'Push branch');
    await page.getByText(`${agent.worktree!.branch} was pushed to origin (${bare}).`).waitFor();
    await shot(page, 'pushed');
    assert.is(
      runGit(bare, 'rev-parse', `refs/heads/${agent.worktree!.branch}`),
      runGit(tree, 'rev-parse', 'HEAD'),
    );
    await page.locator('.changes').getByRole('button', { name: 'Dismiss' }).click();
    await more(page, 'Open pull request');
    await page.getByRole('dialog').getByLabel('Title').fill('A better shop');
    await shot(page, 'pull-request');
    await withGitAlone(async () => {
      await page.getByRole('dialog').getByRole('button', { name: 'Open pull request' }).click();
      await page.getByText('The program gh, which opens pull requests, is not installed').waitFor();
    });
    const gh = join(directory, 'gh');
    writeFileSync(gh, '#!/bin/sh\necho https://review.example.org/pull/7\n');
    chmodSync(gh, 0o755);
    process.env.PATH = `${directory}:${PATH}`;
    await more(page, 'Open pull request');
    await page.getByRole('dialog').getByRole('button', { name: 'Open pull request' }).click();
    await page.getByText('is no repository of a host that gh knows').waitFor();
    await shot(page, 'failed');
    process.env.PATH = PATH;
    writeFiles(repo, { 'a.txt': 'base too\n' });
    commitAll(repo, 'conflict');
    await page.reload();
    await page.getByRole('button', { name: 'Update from main' }).click();
    await page.getByText('changed the same lines in a.txt').waitFor();
    await shot(page, 'conflict');
    await page.getByRole('button', { name: 'Let the agent resolve the conflict' }).click();
    await page.locator('.bubble-text', { hasText: 'Merge main into your branch, resolve the conflicts' }).waitFor();
    assert.equal(problems, []);
    await page.context().close();
  });
}

test('one hunk of a file is undone, the others stay; a hunk that changed meanwhile is refused', async () => {
  const { agent, repo, tree } = await makeAgent('hunks');
  const lines = Array.from({ length: 60 }, (_, i) => `const line${i + 1} = ${i + 1}; // of the base`);
  const write = (...changed: [line: number, text: string][]) => {
    const all = [...lines];
    for (const [line, text] of changed) all[line - 1] = text;
    writeFiles(tree, { 'cart.ts': `${all.join('\n')}\n` });
  };
  writeFiles(repo, { 'cart.ts': `${lines.join('\n')}\n` });
  commitAll(repo, 'cart');
  const { page, problems } = await openPage(browser, DESKTOP);
  await page.goto(`${bench.url}/#/agents/${agent.id}/changes`);
  await page.getByRole('button', { name: 'Update from main' }).click();
  await page.getByText('The branch has everything of main now.').waitFor();
  write([5, 'const five = "five";'], [50, 'const fifty = 50;']);
  await page.reload();
  const file = page.locator('.changed-file', { hasText: 'cart.ts' });
  await file.getByRole('button', { name: /cart\.ts/ }).click();
  await file.locator('.tok-string', { hasText: '"five"' }).waitFor();
  await file.locator('.tok-comment', { hasText: '// of the base' }).first().waitFor();
  const undo = file.getByRole('button', { name: 'Undo this change' });
  assert.is(await undo.count(), 2);
  await page.setViewportSize(PHONE);
  await shot(page, 'hunks');
  await page.setViewportSize(DESKTOP);
  await shot(page, 'hunks');
  await undo.first().click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo this change' })
    .click();
  await until('one hunk is left', async () => await undo.count() === 1);
  const now = readFileSync(join(tree, 'cart.ts'), 'utf8').split('\n');
  assert.equal([now[4], now[49]], [lines[4], 'const fifty = 50;']);
  // The list that it asked for anew is here: what changes now is not shown.
  await page.waitForLoadState('networkidle');
  write([50, 'const fifty = 51;']);
  await undo.first().click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo this change' })
    .click();
  await page.getByText('This change is not there any more as it was shown').waitFor();
  assert.is(readFileSync(join(tree, 'cart.ts'), 'utf8').split('\n')[49], 'const fifty = 51;');
  assert.equal(problems, []);
  await page.context().close();
});

test.run();

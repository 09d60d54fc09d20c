/** Update, push and pull request in a real browser, against a bare repository and a stand-in for gh. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { browserBench, shotsInto } from '../support/harness/browser-bench.ts';
import { until } from '../support/harness/product.ts';
import { commitAll, makeRepository, runGit, withGitAlone, writeFiles } from '../support/harness/git.ts';

const shot = shotsInto('CHANGES_SCREENSHOTS');
const PATH = process.env.PATH;

const it = browserBench('changes');
test.after(() => void (process.env.PATH = PATH));

/** A repository with a bare one as its remote, and an agent with a commit in it. */
async function makeAgent(name: string) {
  const [repo, bare] = [makeRepository(join(it.directory, name)), join(it.directory, `${name}.git`)];
  execFileSync('git', ['init', '-q', '--bare', bare]);
  runGit(repo, 'remote', 'add', 'origin', bare);
  const agent = await it.bench.create('hello', { name: `Shop ${name}`, directory: repo });
  await it.bench.until(agent.id, ({ state }) => state === 'idle');
  const tree = agent.worktree!.path;
  writeFiles(tree, { 'a.txt': 'agent\n' });
  commitAll(tree, 'work');
  return { agent, repo, bare, tree };
}

const more = async (page: Page, name: string) => {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name }).click();
};

/** Until the page has asked for nothing for a second. */
async function stillness(page: Page): Promise<void> {
  let last = Date.now();
  const note = () => void (last = Date.now());
  page.on('request', note).on('response', note);
  await until('stillness', () => Date.now() - last > 1000);
  page.off('request', note).off('response', note);
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`update, a conflict for the agent, push, pull request (${viewport.width})`, async () => {
    const { agent, repo, bare, tree } = await makeAgent(`r${viewport.width}`);
    writeFiles(repo, { 'base.txt': 'base\n' });
    commitAll(repo, 'base');
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent.id}/changes`);
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
    const dialog = page.getByRole('dialog');
    const create = dialog.getByRole('button', { name: 'Open pull request' });
    await withGitAlone(async () => {
      await more(page, 'Open pull request');
      await dialog.getByText('The program gh, which opens pull requests, is not installed').waitFor();
      assert.ok(await create.isDisabled());
    });
    const gh = join(it.directory, 'gh');
    const answer = '{"full_name":"owner/name","fork":true,"parent":{"full_name":"acme/a-shop-with-a-long-name"}}';
    writeFileSync(gh, `#!/bin/sh\necho '${answer}'\n`);
    chmodSync(gh, 0o755);
    process.env.PATH = `${it.directory}:${PATH}`;
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await dialog.getByText('is no repository of a host that gh knows').waitFor();
    await shot(page, 'no-pull-requests');
    runGit(repo, 'remote', 'set-url', 'origin', 'http://127.0.0.1:1/owner/name.git');
    await dialog.getByRole('button', { name: 'Try again' }).click();
    await dialog.getByText('origin is a fork of acme/a-shop-with-a-long-name.').waitFor();
    const way = await dialog.locator('.pull-request-way').innerText();
    assert.ok(way.startsWith(`owner:${agent.worktree!.branch} → acme/a-shop-with-a-long-name:main`), way);
    await dialog.getByLabel('Title').fill('A better shop');
    await shot(page, 'pull-request');
    await create.click();
    await page.getByText('origin did not take the push').waitFor();
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

for (const viewport of [PHONE, DESKTOP]) {
  test(`one hunk of a file is undone, the others stay; a hunk that changed meanwhile is refused (${viewport.width})`, async () => {
    const { agent, repo, tree } = await makeAgent(`hunks${viewport.width}`);
    const lines = Array.from({ length: 60 }, (_, i) => `const line${i + 1} = ${i + 1}; // of the base`);
    const write = (...changed: [line: number, text: string][]) => {
      const all = [...lines];
      for (const [line, text] of changed) all[line - 1] = text;
      writeFiles(tree, { 'cart.ts': `${all.join('\n')}\n` });
    };
    writeFiles(repo, { 'cart.ts': `${lines.join('\n')}\n` });
    commitAll(repo, 'cart');
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent.id}/changes`);
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
    await shot(page, 'hunks');
    await undo.first().click();
    await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo this change' })
      .click();
    await until('one hunk is left', async () => await undo.count() === 1);
    const now = readFileSync(join(tree, 'cart.ts'), 'utf8').split('\n');
    assert.equal([now[4], now[49]], [lines[4], 'const fifty = 50;']);
    // What it asked for anew is here: what changes now is not shown.
    await stillness(page);
    write([50, 'const fifty = 51;']);
    await undo.first().click();
    await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo this change' })
      .click();
    await page.getByText('This change is not there any more as it was shown').waitFor();
    assert.is(readFileSync(join(tree, 'cart.ts'), 'utf8').split('\n')[49], 'const fifty = 51;');
    assert.equal(problems, []);
    await page.context().close();
  });
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`hunks are chosen for a commit, by touch and by key; one that is gone is refused (${viewport.width})`, async () => {
    const { agent, tree } = await makeAgent(`choice${viewport.width}`);
    const lines = Array.from({ length: 90 }, (_, i) => `const line${i + 1} = ${i + 1};`);
    const write = (...at: number[]) =>
      writeFiles(tree, {
        'cart.ts': `${lines.map((line, i) => at.includes(i + 1) ? `${line} // !` : line).join('\n')}\n`,
      });
    write();
    commitAll(tree, 'cart');
    write(5, 45, 85);
    writeFiles(tree, { 'new.ts': 'new\n', 'left.ts': 'left\n' });
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent.id}/changes`);
    await page.getByRole('button', { name: 'Commit', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('heading', { name: 'Commit 3 files' }).waitFor();
    await dialog.getByRole('checkbox', { name: 'left.ts' }).uncheck();
    await dialog.getByRole('button', { name: 'Choose hunks of new.ts' }).click();
    await dialog.getByText('This file can only be committed as a whole.').waitFor();
    await dialog.getByRole('button', { name: 'Hide hunks of new.ts' }).click();
    await dialog.getByRole('button', { name: 'Choose hunks of cart.ts' }).click();
    const hunks = dialog.locator('.hunk-choice input');
    await hunks.first().waitFor();
    assert.is(await hunks.count(), 3);
    await hunks.nth(1).focus();
    await page.keyboard.press('Space');
    await dialog.getByText('2 of 3 hunks').waitFor();
    await dialog.locator('.hunk-choice').nth(2).click();
    await dialog.getByText('1 of 3 hunks').waitFor();
    const file = dialog.getByRole('checkbox', { name: 'cart.ts' });
    assert.is(await file.evaluate((box: HTMLInputElement) => box.indeterminate), true);
    assert.ok(await dialog.evaluate((box) => box.scrollWidth <= box.clientWidth), 'nothing is wider than the dialog');
    await shot(page, 'choice');
    const commit = dialog.getByRole('button', { name: 'Commit', exact: true });
    write(6, 45, 85);
    await commit.click();
    await dialog.getByText('is not there any more as it was shown').waitFor();
    await shot(page, 'choice-gone');
    await dialog.getByRole('checkbox', { name: 'Commit lines 3–9' }).waitFor();
    await dialog.locator('.hunk-choice').nth(0).click();
    await dialog.getByText('1 of 3 hunks').waitFor();
    await dialog.getByRole('heading', { name: 'Commit 2 files' }).waitFor();
    await commit.click();
    await page.getByText('Committed.').waitFor();
    const files = runGit(tree, 'show', '--name-only', '--format=').split('\n').sort();
    assert.equal(files, ['cart.ts', 'new.ts']);
    assert.equal(
      runGit(tree, 'show', 'HEAD:cart.ts').split('\n').flatMap((line, i) => line.endsWith('!') ? i + 1 : []),
      [6],
    );
    assert.equal(runGit(tree, 'status', '--porcelain').split('\n').sort(), [' M cart.ts', '?? left.ts']);
    assert.equal(problems, []);
    await page.context().close();
  });
}

test.run();

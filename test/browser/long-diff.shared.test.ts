/** A diff of 100,000 lines in a real browser: opened, scrolled both ways, searched, commented, undone, with few elements. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { browserBench } from '../support/harness/browser-bench.ts';
import { makeRepository, runGit, writeFiles } from '../support/harness/git.ts';
import { until } from '../support/harness/product.ts';
import { takePictures } from '../support/harness/screenshots.ts';

const LINES = 100_000;
/** Elements of a diff that is that long. */
const MAX_ELEMENTS = 6000;

const it = browserBench('long-diff');

/** Some lines are longer than any screen is wide. */
const lineOf = (n: number) =>
  `const line${n} = ${n}; // ${n % 7 ? 'a line of code' : 'a long line of code '.repeat(12)}`;
const count = (box: Locator) => box.evaluate((element) => element.querySelectorAll('*').length);
const scroll = (box: Locator, by: number) => box.evaluate((element, step) => void (element.scrollTop += step), by);
/** The numbers of the lines that are seen. */
const seen = (box: Locator) =>
  box.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return [...element.querySelectorAll('tr[data-row]')].filter((row) => {
      const place = row.getBoundingClientRect();
      return place.bottom > top + 1 && place.top < bottom - 1;
    }).map((row) => Number((row as HTMLElement).dataset.row));
  });

for (const viewport of [PHONE, DESKTOP]) {
  test(`100,000 lines: few elements wherever it is, nothing left out, found and commented (${viewport.width})`, async () => {
    const repo = makeRepository(join(it.directory, `r${viewport.width}`));
    const agent = await it.bench.create('hello', { name: `Long ${viewport.width}`, directory: repo });
    await it.bench.until(agent.id, ({ state }) => state === 'idle');
    const lines = Array.from({ length: LINES }, (_, i) => lineOf(i + 1));
    lines[77_776] = 'const needle = 1;';
    writeFiles(agent.worktree!.path, { 'long.ts': `${lines.join('\n')}\n` });
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent.id}/changes`);
    const head = page.getByRole('button', { name: /long\.ts/ });
    await head.waitFor();
    const begun = Date.now();
    await head.click();
    const box = page.locator('.changed-file .diff-scroll');
    await box.getByText('const line1 = 1;').waitFor();
    const opened = Date.now() - begun;
    const most = [await count(box)];
    const longest = await box.evaluate((element) => element.scrollWidth - element.clientWidth);
    assert.ok(longest <= 0, `long lines wrap: ${longest} px stand over`);
    for (let i = 0, before = await seen(box); i < 25; i++) {
      await scroll(box, 400);
      await until('rows are drawn where it is', async () => (await seen(box)).length > 5);
      const now = await seen(box);
      assert.ok(now[0]! <= before.at(-1)! + 1, `nothing was left out between ${before} and ${now}`);
      assert.equal(now, Array.from({ length: now.length }, (_, n) => now[0]! + n));
      most.push(await count(box));
      before = now;
    }
    await box.evaluate((element) => void (element.scrollTop = element.scrollHeight));
    await until('the last line', async () => {
      await box.evaluate((element) => void (element.scrollTop = element.scrollHeight));
      return (await seen(box)).at(-1) === LINES;
    });
    most.push(await count(box));
    for (let i = 0, before = await seen(box); i < 10; i++) {
      await scroll(box, -400);
      await until('rows are drawn above', async () => (await seen(box))[0]! < before[0]!);
      const now = await seen(box);
      assert.ok(now.at(-1)! >= before[0]! - 1, `nothing was left out between ${now} and ${before}`);
      before = now;
      most.push(await count(box));
    }
    const find = page.getByRole('searchbox', { name: 'Find in this diff' });
    await find.fill('const needle');
    await page.getByText('1 of 1', { exact: true }).waitFor();
    await until('the found line is seen', async () => (await seen(box)).includes(77_777));
    await takePictures(page, 'found');
    most.push(await count(box));
    await page.getByRole('button', { name: 'Comment on line 77777', exact: true }).click();
    await page.getByRole('textbox', { name: 'Comment on line 77777' }).fill('Why a needle?');
    await scroll(box, 5000);
    await until('it is scrolled away', async () => !(await seen(box)).includes(77_777));
    assert.is(await page.evaluate(() => (document.activeElement as HTMLTextAreaElement).value), 'Why a needle?');
    await find.fill('const line3 =');
    await until('the third line is seen', async () => (await seen(box)).includes(3));
    await page.getByText('1 comment', { exact: true }).waitFor();
    const elements = Math.max(...most);
    console.log(`${viewport.width}: opened in ${opened} ms, at most ${elements} elements for ${LINES} lines`);
    assert.ok(elements < MAX_ELEMENTS, `${elements} elements`);
    assert.equal(problems, []);
    await page.context().close();
  });
}

test('of 600 hunks one in the middle is undone, and one is chosen for a commit', async () => {
  const lines = Array.from({ length: 6000 }, (_, i) => `const line${i + 1} = ${i + 1};`);
  const repo = makeRepository(join(it.directory, 'hunks'), { 'many.ts': `${lines.join('\n')}\n` });
  const agent = await it.bench.create('hello', { name: 'Hunks', directory: repo });
  await it.bench.until(agent.id, ({ state }) => state === 'idle');
  const tree = agent.worktree!.path;
  const changed = lines.map((line, i) => i % 10 === 4 ? `${line} // changed` : line);
  writeFiles(tree, { 'many.ts': `${changed.join('\n')}\n` });
  const { page, problems } = await it.open(PHONE);
  await page.goto(`${it.relayUrl}/#/agents/${agent.id}/changes`);
  await page.getByRole('button', { name: /many\.ts/ }).click();
  const box = page.locator('.changed-file .diff-scroll');
  await page.getByRole('searchbox', { name: 'Find in this diff' }).fill('line3005 ');
  await box.getByText('// changed').first().waitFor();
  const rowOf = (text: string) => box.locator('tr', { hasText: text });
  await rowOf('line3005 = 3005; // changed').waitFor();
  await rowOf('@@ −3002,7').getByRole('button', { name: 'Undo this change' }).click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Undo this change' })
    .click();
  // git puts a new file in the place of the old one: for a moment there is none.
  await until('it is undone', () => {
    const text = existsSync(join(tree, 'many.ts')) ? readFileSync(join(tree, 'many.ts'), 'utf8') : '';
    return Promise.resolve(text.split('\n')[3004] === lines[3004]);
  });
  await page.getByRole('button', { name: 'Commit', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('checkbox', { name: 'many.ts' }).uncheck();
  await dialog.getByRole('button', { name: 'Choose hunks of many.ts' }).click();
  await dialog.getByRole('searchbox', { name: 'Find in this diff' }).fill('line5995 ');
  await dialog.getByRole('checkbox', { name: 'Commit lines 5992–5998' }).check();
  await dialog.getByText('1 of 599 hunks').waitFor();
  assert.ok(await count(dialog.locator('.diff-scroll')) < MAX_ELEMENTS);
  await dialog.getByRole('button', { name: 'Commit', exact: true }).click();
  await page.getByText('Committed.').waitFor();
  const before = lines.map((line, i) => i === 5994 ? `${line} // changed` : line).join('\n');
  assert.is(runGit(tree, 'show', 'HEAD:many.ts'), before);
  assert.equal(problems, []);
  await page.context().close();
});

test.run();

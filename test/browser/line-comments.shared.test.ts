/** Comments on lines of an agent's changes, in a real browser: kept while they are written, sent as one message with file and line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { browserBench, shotsInto } from '../support/harness/browser-bench.ts';
import { makeRepository, writeFiles } from '../support/harness/git.ts';

const shot = shotsInto('COMMENTS_SCREENSHOTS');

let repo: string;
const it = browserBench('comments', ({ bench }) => {
  const lines = Array.from({ length: 40 }, (_, i) => `const line${i + 1} = ${i + 1};`);
  repo = makeRepository(join(bench.directory, 'shop'), { 'src/cart.ts': lines.join('\n') });
});

async function makeAgent(name: string): Promise<AgentInfo> {
  const agent = await it.bench.create('hello', { name, directory: repo });
  const file = join(agent.worktree!.path, 'src/cart.ts');
  const changed = readFileSync(file, 'utf8').replace('line20 = 20', `line20 = ${'20 + '.repeat(60)}0`);
  writeFiles(agent.worktree!.path, { 'src/cart.ts': changed, 'new.ts': 'export const rate = 0.19;\n' });
  await it.bench.until(agent.id, ({ state }) => state === 'idle');
  return agent;
}

const openFile = async (page: Page, name: string) => {
  await page.getByRole('button', { name: new RegExp(name) }).click();
  await page.getByRole('button', { name: /^Comment on / }).first().waitFor();
};
const lineButton = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

for (const viewport of [PHONE, DESKTOP]) {
  test(`comments on two files become one message that names file and line (${viewport.width})`, async () => {
    const agent = await makeAgent(`Cart ${viewport.width}`);
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent.id}/changes`);
    await openFile(page, 'cart\\.ts');
    if (viewport === PHONE) await page.getByText('const line19 = 19;').tap();
    else await lineButton(page, 'Comment on line 19').click();
    const box = page.getByRole('textbox', { name: 'Comment on line 19' });
    await box.fill('Why not 20?');
    const { x, width } = (await box.boundingBox())!;
    assert.ok(x >= 0 && x + width <= viewport.width, 'the box is in view however long the lines are');
    await shot(page, 'writing');
    // Not finished: it is there after a reload all the same.
    await page.reload();
    await page.getByText('1 comment', { exact: true }).waitFor();
    await openFile(page, 'cart\\.ts');
    await page.locator('.line-comment', { hasText: 'Why not 20?' }).waitFor();
    await lineButton(page, 'Comment on removed line 20').click();
    await page.getByRole('textbox', { name: 'Comment on removed line 20' }).fill('It was right.');
    await page.getByRole('button', { name: 'Done' }).click();
    // Nothing written: nothing stays.
    await lineButton(page, 'Comment on line 21').click();
    await page.getByRole('button', { name: 'Done' }).click();
    assert.is(await page.locator('.line-comment').count(), 2);
    await openFile(page, 'new\\.ts');
    await page.locator('.changed-file', { hasText: 'new.ts' }).getByRole('button', { name: 'Comment on line 1' })
      .click();
    await page.getByRole('textbox', { name: 'Comment on line 1', exact: true }).fill('From the settings,\nplease.');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: '3 comments' }).click();
    await page.getByText('src/cart.ts:20 (removed line)').waitFor();
    await shot(page, 'bar');
    assert.is(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    await page.getByRole('button', { name: 'Send comments' }).click();
    await page.locator('.message.is-user', { hasText: 'Why not 20?' }).waitFor();
    await shot(page, 'sent');
    const said = await it.bench.messages(agent.id);
    const message = said.findLast((entry) => entry.kind === 'user')!;
    assert.equal(
      message.kind === 'user' && message.text.split('\n'),
      [
        '3 comments on your changes:',
        '',
        'new.ts:1',
        '> +export const rate = 0.19;',
        '',
        'From the settings,',
        'please.',
        '',
        'src/cart.ts:19',
        '>  const line19 = 19;',
        '',
        'Why not 20?',
        '',
        'src/cart.ts:20 (removed line)',
        '> -const line20 = 20;',
        '',
        'It was right.',
      ],
    );
    const deadline = Date.now() + 10_000;
    while (!readFileSync(it.input, 'utf8').includes('src/cart.ts:19') && Date.now() < deadline) {
      await page.waitForTimeout(50);
    }
    assert.match(readFileSync(it.input, 'utf8'), /src\/cart\.ts:20 \(removed line\)/, 'the CLI has it');
    await page.goto(`${it.relayUrl}/#/agents/${agent.id}/changes`);
    await page.getByRole('button', { name: /cart\.ts/ }).waitFor();
    assert.is(await page.locator('.comment-bar').count(), 0, 'sent is sent');
    assert.equal(problems, []);
    await page.context().close();
  });
}

test.run();

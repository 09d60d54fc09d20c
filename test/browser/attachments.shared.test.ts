/** Files of any kind in the composer: chosen, dropped, pasted; seen on their way, read by the CLI, saved again from the message. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { until } from '../support/harness/product.ts';

/** A folder for pictures of the pages, to be looked at. */
const SCREENSHOTS = process.env.ATTACHMENTS_SCREENSHOTS;

let bench: Bench;
let browser: Browser;
let directory: string;
/** What the CLI got on its stdin. */
let input: string;
test.before(async () => {
  browser = await launchBrowser();
  directory = mkdtempSync(join(tmpdir(), 'attachments-'));
  process.env.FAKE_CLAUDE_LOG = input = join(directory, 'stdin.jsonl');
  bench = await startBench();
});
test.after(async () => {
  delete process.env.FAKE_CLAUDE_LOG;
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

/** As a paste or a drop brings a file. */
const bring = (page: Page, kind: 'paste' | 'drop', name: string, text: string) =>
  page.getByLabel('Message', { exact: true }).evaluate((area, [kind, name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text!], name!, { type: 'text/plain' }));
    const options = { bubbles: true, cancelable: true };
    area.dispatchEvent(
      kind === 'paste'
        ? new ClipboardEvent('paste', { ...options, clipboardData: data })
        : new DragEvent('drop', { ...options, dataTransfer: data }),
    );
  }, [kind, name, text]);

for (const viewport of [PHONE, DESKTOP]) {
  test(`chosen, dropped, pasted, one taken away; sent, read by the CLI, saved again (${viewport.width})`, async () => {
    const agent = await bench.create('hello', { name: `Files ${viewport.width}` });
    await bench.until(agent.id, ({ state }) => state === 'idle');
    const report = join(directory, `report ${viewport.width}.pdf`);
    const content = randomBytes(3_000_000);
    writeFileSync(report, content);
    const { page, problems } = await openPage(browser, viewport);
    await page.goto(`${bench.url}/#/agents/${agent.id}`);
    const send = page.getByRole('button', { name: 'Send', exact: true });
    await page.getByLabel('Message', { exact: true }).waitFor();
    // The parts wait until they are seen on their way.
    let release = () => {};
    const seen = new Promise<void>((resolve) => release = resolve);
    await page.route('**/uploads/*?offset=*', async (route) => {
      await seen;
      await route.continue();
    });
    await page.locator('input[type=file]').setInputFiles(report);
    await page.getByRole('progressbar', { name: `report ${viewport.width}.pdf` }).waitFor();
    assert.ok(await send.isDisabled(), 'the message waits for its file');
    await shot(page, 'sending');
    release();
    await bring(page, 'drop', 'dropped.txt', 'dropped');
    await bring(page, 'paste', 'pasted.txt', 'pasted');
    await page.getByRole('button', { name: 'Remove dropped.txt' }).click();
    await page.locator('.attached-files progress').first().waitFor({ state: 'detached' });
    await page.locator('.attached-files li', { hasText: 'pasted.txt' }).waitFor();
    await shot(page, 'ready');
    await page.getByLabel('Message', { exact: true }).fill('Look at these');
    await send.click();
    const saved = page.getByRole('button', { name: `Save report ${viewport.width}.pdf` });
    await saved.waitFor();
    assert.is(await page.locator('.attached-files li').count(), 0);
    let line = '';
    await until('the CLI has the message', () => {
      line = readFileSync(input, 'utf8').split('\n').findLast((entry) => entry.includes('Look at these')) ?? '';
      return Promise.resolve(line !== '');
    });
    const { content: text } = JSON.parse(line).message as { content: string };
    const paths = [...text.matchAll(/^- (\/.*) \(/gm)].map((match) => match[1]!);
    assert.is(paths.length, 2, text);
    assert.ok(readFileSync(paths[0]!).equals(content));
    assert.is(readFileSync(paths[1]!, 'utf8'), 'pasted');
    await shot(page, 'sent');
    const [download] = await Promise.all([page.waitForEvent('download'), saved.click()]);
    assert.is(download.suggestedFilename(), `report ${viewport.width}.pdf`);
    assert.ok(readFileSync(await download.path()).equals(content));
    assert.equal(problems, []);
    await page.context().close();
  });
}

test.run();

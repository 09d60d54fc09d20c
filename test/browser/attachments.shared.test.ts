/** Files of any kind in the composer: chosen, dropped, pasted; seen on their way, read by the CLI, saved again from the message. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { browserBench, shotsInto } from '../support/harness/browser-bench.ts';
import { until } from '../support/harness/product.ts';

const shot = shotsInto('ATTACHMENTS_SCREENSHOTS');

const it = browserBench('attachments');

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
    const agent = await it.bench.create('hello', { name: `Files ${viewport.width}` });
    await it.bench.until(agent.id, ({ state }) => state === 'idle');
    const report = join(it.directory, `report ${viewport.width}.pdf`);
    const content = randomBytes(3_000_000);
    writeFileSync(report, content);
    const { page, problems } = await it.open(viewport);
    await page.goto(`${it.relayUrl}/#/agents/${agent.id}`);
    const send = page.getByRole('button', { name: 'Send', exact: true });
    await page.getByLabel('Message', { exact: true }).waitFor();
    // The parts wait until they are seen on their way.
    let release = () => {};
    const seen = new Promise<void>((resolve) => release = resolve);
    await page.route('**/uploads/*?offset=*', async (route) => {
      await seen;
      await route.continue();
    });
    const input = page.locator('input[type=file]');
    // A phone offers camera, pictures and files where nothing narrows it.
    assert.equal(await input.evaluate((input) => [...input.attributes].map(({ name }) => name).sort()), [
      'hidden',
      'multiple',
      'type',
    ]);
    await input.setInputFiles(report);
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
    await page.getByLabel('Message', { exact: true }).fill(`Look at these, ${viewport.width}`);
    await send.click();
    const saved = page.getByRole('button', { name: `Save report ${viewport.width}.pdf` });
    await saved.waitFor();
    assert.is(await page.locator('.attached-files li').count(), 0);
    let line = '';
    await until('the CLI has the message', () => {
      line = readFileSync(it.input, 'utf8').split('\n').findLast((entry) =>
        entry.includes(`Look at these, ${viewport.width}`)
      ) ?? '';
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

for (const viewport of [PHONE, DESKTOP]) {
  test(`what another app shares is sent by the agent that is chosen, over the relay (${viewport.width})`, async () => {
    const name = `Shared ${viewport.width}`;
    const agent = await it.bench.create('hello', { name });
    await it.bench.until(agent.id, ({ state }) => state === 'idle');
    const { page, problems } = await it.open(viewport);
    await page.goto(it.relayUrl);
    await page.evaluate(async () => void await navigator.serviceWorker.ready);
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    const answer = await page.evaluate(async () => {
      const form = new FormData();
      form.set('text', 'Look at this');
      form.append('pictures', new File(['all of it'], 'shared.log', { type: 'text/plain' }));
      return (await fetch('/share', { method: 'POST', body: form, redirect: 'manual' })).type;
    });
    assert.is(answer, 'opaqueredirect');
    await page.goto(`${it.relayUrl}/#/share`);
    await page.getByText('Look at this').waitFor();
    await page.getByRole('button', { name }).click();
    await page.locator('.attached-files li', { hasText: 'shared.log' }).waitFor();
    await page.locator('.attached-files progress').first().waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('button', { name: 'Save shared.log' }).waitFor();
    await it.bench.until(agent.id, ({ state }) => state === 'idle');
    const said = (await it.bench.messages(agent.id)).findLast((entry) => entry.kind === 'user');
    assert.is(said?.kind === 'user' && said.text, 'Look at this');
    assert.equal(problems, []);
    await page.context().close();
  });
}

test.run();

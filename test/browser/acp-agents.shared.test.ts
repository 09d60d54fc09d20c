/** An agent of one's own, on a phone: added, chosen, used with its own options, removed; what is missing says what to type. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser, Page } from 'playwright-core';
import { pressAnswer } from '../support/harness/answers.ts';
import { FAKE_ACP } from '../support/harness/acp-session.ts';
import { launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';

const WAIT = { timeout: 20_000 };
let product: Product;
let browser: Browser;
let page: Page;
let problems: string[];

test.before(async () => {
  // No known agent is installed, whatever the machine has.
  const agentEnv = {
    CLAUDE_BIN: '/nonexistent',
    CODEX_BIN: '/nonexistent',
    PATH: `/usr/bin:/bin:${process.execPath.replace(/\/[^/]*$/, '')}`,
  };
  product = await startProduct({ withRelay: false, agentEnv });
  mkdirSync(join(product.directory, 'project'));
  browser = await launchBrowser();
  ({ page, problems } = await openPage(browser, PHONE));
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

const visit = (path: string) => page.goto(`${product.localUrl}/#${path}`);
const card = () => page.locator('.card').filter({ hasText: 'More agents' });

test('what is not installed says what to type; a wrong value is told in the form', async () => {
  await visit('/settings');
  await card().getByText('npm install -g @google/gemini-cli').waitFor(WAIT);
  await card().getByText('npm install -g opencode-ai').waitFor(WAIT);
  await card().getByRole('button', { name: 'Add an agent' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add an agent' });
  await dialog.getByLabel('Name', { exact: true }).fill('My Agent');
  await dialog.getByLabel('Short name').fill('Claude');
  await dialog.getByLabel('Command').fill(FAKE_ACP);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').filter({ hasText: /small letters/ }).waitFor(WAIT);
  await dialog.getByLabel('Short name').fill('my-agent');
  await dialog.getByLabel(/^Environment/).fill('ACP_SCRIPT={"images":false}\nnonsense');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').filter({ hasText: /nonsense/ }).waitFor(WAIT);
  await dialog.getByLabel(/^Environment/).fill('ACP_SCRIPT={"images":false}');
  await dialog.getByLabel(/^Icon/).fill('★');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await card().getByText('★').waitFor(WAIT);
  await card().getByText('1.2.3').waitFor(WAIT);
});

test('it is chosen for a new agent, without what it cannot do', async () => {
  await visit('/new');
  await page.getByLabel(/^Folder/).fill(join(product.directory, 'project'));
  await page.getByLabel('Agent', { exact: true }).selectOption({ label: '★ My Agent' });
  await page.getByRole('button', { name: 'More settings' }).click();
  for (const label of [/budget/i, /Allowed tools/i, /Chrome/i, /full auto/i]) {
    assert.is(await page.getByLabel(label).count(), 0, String(label));
  }
  await page.getByLabel('What should it do?').fill('ask first');
  await page.getByRole('button', { name: 'Start agent' }).click();
  const request = page.locator('.request-card');
  await request.getByText('make').first().waitFor(WAIT);
  for (const name of ['Once', 'Once, then ask', 'No']) {
    await request.getByRole('button', { name, exact: true }).waitFor(WAIT);
  }
  assert.is(await request.getByRole('button', { name: /^(Allow once|Allow|Edit.*|.*reason.*)$/ }).count(), 0);
  await pressAnswer(request.getByRole('button', { name: 'Once, then ask', exact: true }));
  await page.getByText('switch', { exact: true }).first().waitFor(WAIT);
  await page.reload();
  await visit('/');
  await page.locator('.agent-foot').filter({ hasText: 'My Agent' }).waitFor(WAIT);
});

test('it is edited and removed: no new agent can be started on it, and what was said stays readable', async () => {
  await visit('/settings');
  await card().getByRole('button', { name: 'Edit My Agent' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit My Agent' });
  await dialog.getByLabel('Name', { exact: true }).fill('Renamed');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await card().getByRole('button', { name: 'Remove Renamed' }).click(WAIT);
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await card().getByText('Renamed').waitFor({ state: 'detached', ...WAIT });
  await visit('/new');
  // The machine asks all programs for their versions anew before it tells.
  await until('it is gone from the choices', async () => {
    await page.reload();
    await page.getByRole('heading', { name: 'New agent' }).waitFor(WAIT);
    return await page.getByText('Renamed').count() === 0;
  });
  await visit('/');
  await page.locator('.agent-card').first().click();
  await page.getByText('switch', { exact: true }).first().waitFor(WAIT);
  assert.equal(problems, []);
});

test.run();

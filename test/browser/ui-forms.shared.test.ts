/** Forms and their dialogs: what is typed goes where it should, once, and is not lost on the way. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { CreateAgentBody } from '../../core/api/agents.ts';
import { agent } from '../support/fakes/ui-data.ts';
import { DESKTOP } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

const created = () =>
  stage.mock.received.filter(({ path }) => path === 'POST /api/agents').map(({ body }) => body as CreateAgentBody);

/** The server's folders: /srv with `app` and `shop` in it, both empty. */
const serveDirectories = (page: Page) =>
  page.route('**/api/directories?*', (route) => {
    const path = new URL(route.request().url()).searchParams.get('path') || '/srv';
    const names = path === '/srv' ? ['app', 'shop'] : [];
    const entries = names.map((name) => ({ name, path: `/srv/${name}`, repository: false }));
    return route.fulfill({
      json: { path, parent: '/', entries, repository: false, roots: [], recent: [], truncated: false },
    });
  });

test("Enter in the folder picker's filter opens the match and starts no agent", async () => {
  const { page } = await stage.open('/new');
  await serveDirectories(page);
  await page.getByLabel('Folder', { exact: true }).fill('/srv');
  await page.getByRole('button', { name: 'Browse folders' }).click();
  const picker = page.getByRole('dialog', { name: 'Choose a folder' });
  const filter = picker.getByRole('searchbox');
  await picker.getByRole('button', { name: 'app' }).waitFor();
  await filter.press('Enter');
  await filter.fill('sh');
  // Enter that ends an input method's conversion chooses nothing.
  for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
    await filter.dispatchEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init });
  }
  await page.waitForTimeout(200);
  assert.is(await picker.getByText('/srv/shop').count(), 0);
  await filter.press('Enter');
  await picker.getByText('/srv/shop').waitFor();
  await picker.getByRole('button', { name: 'Use this folder' }).click();
  assert.is(await page.getByLabel('Folder', { exact: true }).inputValue(), '/srv/shop');
  assert.equal(created(), []);
  await page.context().close();
});

const startAgent = async (page: Page, prompt: string) => {
  await page.getByLabel('Folder', { exact: true }).fill('/srv/shop');
  await page.getByLabel('What should it do?').fill(prompt);
  await page.getByRole('button', { name: 'Start agent' }).click();
};

test('two tabs start two agents; after "Clear" an agent has an id too', async () => {
  const { page } = await stage.open('/new');
  await page.getByRole('heading', { name: 'New agent' }).waitFor();
  const other = await page.context().newPage();
  await other.goto(`${stage.mock.url}/#/new`);
  await other.getByRole('heading', { name: 'New agent' }).waitFor();
  await startAgent(page, 'One');
  await page.locator('.agent-page').waitFor();
  await other.getByRole('button', { name: 'Clear' }).click();
  await startAgent(other, 'Two');
  await other.locator('.agent-page').waitFor();
  const ids = created().map(({ clientId }) => clientId);
  assert.is(new Set(ids.filter(Boolean)).size, 2, JSON.stringify(ids));
  await page.context().close();
});

test('a page that is reloaded before the answer posts the same agent again, not a second one', async () => {
  const { page } = await stage.open('/new');
  const release = stage.mock.hold();
  await startAgent(page, 'Once');
  while (!created().length) await page.waitForTimeout(20);
  await page.reload();
  release();
  await page.getByRole('button', { name: 'Start agent' }).click();
  await page.locator('.agent-page').waitFor();
  const [first, second] = created();
  assert.ok(first!.clientId);
  assert.is(second!.clientId, first!.clientId);
  await page.context().close();
});

test('a dialog closes by a click beside it, not by text that is selected out of it, and gives the focus back', async () => {
  const { page } = await stage.open('/new', DESKTOP);
  await serveDirectories(page);
  await page.getByLabel('Folder', { exact: true }).fill('/srv');
  const browse = page.getByRole('button', { name: 'Browse folders' });
  await browse.click();
  const picker = page.getByRole('dialog', { name: 'Choose a folder' });
  const filter = picker.getByRole('searchbox');
  await filter.fill('some words');
  const { x, y } = (await filter.boundingBox())!;
  await page.mouse.move(x + 40, y + 10);
  await page.mouse.down();
  await page.mouse.move(20, y + 10);
  await page.mouse.up();
  assert.is(await filter.inputValue(), 'some words');
  await page.mouse.click(20, y + 10);
  await picker.waitFor({ state: 'detached' });
  assert.ok(await browse.evaluate((button) => button === document.activeElement), 'the focus is given back');
  await page.context().close();
});

test('a toast can be read and dismissed while a dialog is open, which stays open', async () => {
  stage.add(agent({ id: 'a', state: 'running', stateReason: 'turn' }));
  const { page } = await stage.open('/', DESKTOP);
  await page.route('**/actions/stop-all', (route) => route.fulfill({ status: 500, json: { error: 'No luck.' } }));
  const stopAll = async () => {
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Stop all' }).click();
  };
  await stopAll();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Stop all' }).click();
  await page.getByText('No luck.').waitFor();
  await stopAll();
  const toast = dialog.locator('.toast', { hasText: 'No luck.' });
  await toast.waitFor();
  const [box, sheet] = [await toast.boundingBox(), await dialog.locator('.dialog-box').boundingBox()];
  assert.ok(box!.y + box!.height <= sheet!.y, 'the toast lies above the dialog, not on it');
  await dialog.getByRole('button', { name: 'Dismiss' }).click();
  await page.getByText('No luck.').waitFor({ state: 'detached' });
  assert.ok(await dialog.isVisible());
  await page.context().close();
});

test.run();

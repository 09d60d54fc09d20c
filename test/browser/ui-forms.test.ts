/** Forms and their dialogs: what is typed goes where it should, once, and is not lost on the way. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { CreateAgentBody } from '../../core/wire/types.ts';
import { openStage, type Stage } from '../support/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

const created = () =>
  stage.mock.received.filter(({ path }) => path === 'POST /api/agents').map(({ body }) => body as CreateAgentBody);

/** The server's folders: /srv with `app` and `shop` in it, both empty. */
const serveFolders = (page: Page) =>
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
  await serveFolders(page);
  await page.getByLabel('Folder', { exact: true }).fill('/srv');
  await page.getByRole('button', { name: 'Browse folders' }).click();
  const picker = page.getByRole('dialog', { name: 'Choose a folder' });
  const filter = picker.getByRole('searchbox');
  await picker.getByRole('button', { name: 'app' }).waitFor();
  await filter.press('Enter');
  await filter.fill('sh');
  await filter.press('Enter');
  await picker.getByText('/srv/shop').waitFor();
  await picker.getByRole('button', { name: 'Use this folder' }).click();
  assert.is(await page.getByLabel('Folder', { exact: true }).inputValue(), '/srv/shop');
  assert.equal(created(), []);
  await page.context().close();
});

test.run();

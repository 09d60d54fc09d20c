/** The page with a storage that is blocked, full, or holds what is not ours. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SendMessageBody } from '../../core/api/messages.ts';
import { openPage } from '../support/harness/browser.ts';
import { agent, messages, text } from '../support/fakes/ui-data.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

/** As a browser does whose user refuses cookies. */
function blockStorage(): void {
  const get = () => {
    throw new DOMException('Access is denied for this document.', 'SecurityError');
  };
  for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) Object.defineProperty(globalThis, name, { get });
  Object.defineProperty(navigator, 'serviceWorker', { get });
}

const sent = () =>
  stage.mock.received.filter(({ path }) => path.endsWith('/message')).map(({ body }) => (body as SendMessageBody).text);

test('blocked storage: every page is drawn, the theme changes, a message is sent', async () => {
  stage.add(agent({ id: 'a', name: 'Alpha' }), messages([text('hello')]));
  const { page, problems } = await openPage(stage.browser);
  await page.addInitScript(blockStorage);
  for (
    const path of ['/', '/new', '/tasks', '/templates', '/sessions', '/settings', '/devices', '/share', '/agents/a']
  ) {
    await page.goto(`${stage.mock.url}/?${path.length}#${path}`);
    await page.locator('#main h1').first().waitFor({ state: 'attached' });
    assert.is(await page.getByText('This page could not be loaded').count(), 0, path);
  }
  await page.getByText('hello').waitFor();
  await page.getByRole('textbox', { name: 'Message' }).fill('a draft');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.bubble.pending').waitFor({ state: 'detached' });
  assert.equal([sent(), problems], [['a draft'], []]);
  await page.context().close();
});

test('a full storage: the message is sent, and until then the page says that it must stay open', async () => {
  stage.add(agent({ id: 'a', name: 'Alpha' }), messages([text('hello')]));
  const { page, problems } = await stage.open('/agents/a');
  await page.getByText('hello').waitFor();
  await page.evaluate(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException('Full.', 'QuotaExceededError');
    };
  });
  const release = stage.mock.hold();
  await page.getByRole('textbox', { name: 'Message' }).fill('kept nowhere');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('Keep this page open').waitFor();
  release();
  await page.locator('.bubble.pending').waitFor({ state: 'detached' });
  assert.equal([sent(), problems], [['kept nowhere'], []]);
  await page.context().close();
});

test('values of others under our keys: the page is drawn, and nothing of them is sent', async () => {
  stage.add(agent({ id: 'a', name: 'Alpha' }), messages([text('hello')]));
  const { page, problems } = await openPage(stage.browser);
  await page.addInitScript(() => {
    for (const [i, value] of ['null', '5', '{}', '{broken', '[]', '{"agent":"a","id":"4","body":null}'].entries()) {
      for (
        const key of [
          `outbox.${i}`,
          'last-known',
          'draft.create',
          'theme',
          'language',
          'terminal.font',
          'dashboard.filter',
        ]
      ) {
        localStorage.setItem(key, value);
      }
    }
  });
  for (const path of ['/agents/a', '/', '/new']) {
    await page.goto(`${stage.mock.url}/?${path.length}#${path}`);
    await page.locator('#main h1').first().waitFor({ state: 'attached' });
  }
  await page.getByRole('heading', { name: 'New agent' }).waitFor();
  assert.equal([sent(), problems], [[], []]);
  await page.context().close();
});

test.run();

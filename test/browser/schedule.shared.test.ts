/** The schedule in a real browser: what is there, a new entry, what the server refuses. */
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ScheduleBody, ScheduleEntry } from '../../core/api/schedule.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

/** A folder for pictures of the pages, to be looked at. */
const SCREENSHOTS = process.env.USAGE_SCREENSHOTS;

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => stage.clear());

const entry = (more: Partial<ScheduleEntry>): ScheduleEntry => ({
  ...{
    id: 'a',
    name: 'Look at the logs',
    what: 'agent',
    at: 0,
    cron: '0 9 * * mon-fri',
    on: true,
    directory: '/p/shop',
  },
  ...{ prompt: 'Look', provider: 'claude', model: '', claudeMd: '', flags: {}, createdAt: 1 },
  nextAt: Date.now() + 3_600_000,
  last: null,
  ...more,
});

test('entries with their next and last time; a new one', async () => {
  const last = { due: 1, at: Date.now() - 1000, missed: 2, isDone: true, agentId: null, error: 'No such folder.' };
  stage.mock.schedule = [entry({ last }), entry({ id: 'b', name: 'Build', what: 'pipeline', on: false, nextAt: null })];
  for (const [name, viewport] of [['phone', PHONE], ['desk', DESKTOP]] as const) {
    const { page, problems } = await stage.open('/schedule', viewport);
    await page.getByText(/Monday to Friday at 09:00 · next /).waitFor();
    await page.getByText(/2 times before were missed/).waitFor();
    await page.getByText('No such folder.').waitFor();
    if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `schedule-${name}.png`) });
    await page.getByRole('button', { name: 'New entry' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Nightly');
    await page.getByLabel('Repeat').selectOption('0 * * * *');
    assert.is(await page.getByLabel('Cron line').inputValue(), '0 * * * *');
    await page.getByLabel('Prompt').fill('Do it');
    await page.getByRole('textbox', { name: 'Folder' }).fill('/p');
    if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `schedule-new-${name}.png`) });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const body = stage.bodies<ScheduleBody>(/^POST \/api\/schedule$/).at(-1)!;
    assert.equal([body.name, body.cron, body.at, body.directory, body.prompt, body.on], [
      ...['Nightly', '0 * * * *', 0, '/p', 'Do it', true],
    ]);
    assert.not(
      await page.evaluate(() => document.documentElement.scrollWidth > innerWidth),
      `${name} scrolls sideways`,
    );
    assert.equal(problems, []);
    await page.context().close();
  }
});

test('nothing scheduled; a line that the server refuses is said at its field', async () => {
  stage.mock.schedule = [];
  const { page } = await stage.open('/schedule');
  await page.getByText('Nothing scheduled').waitFor();
  const body = { error: '"cron" must be a cron line.', code: 'bad_request', params: { field: 'cron' } };
  await page.route(
    '**/api/schedule',
    (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 400, contentType: 'application/json', body: JSON.stringify(body) })
        : route.continue(),
  );
  await page.getByRole('button', { name: 'New entry' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Enter a name.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('x');
  await page.getByRole('radio', { name: 'Pipeline' }).click();
  await page.getByLabel('Cron line').fill('every day');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('"cron" must be a cron line.').waitFor();
  assert.is(await page.getByLabel('Cron line').getAttribute('aria-invalid'), 'true');
  await page.context().close();
});

test.run();

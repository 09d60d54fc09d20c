/** The usage page in a real browser: limits, bars by day, groups; nothing used; a server that cannot be reached. */
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { USAGE } from '../support/fakes/usage-data.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { agent } from '../support/fakes/ui-data.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

/** A folder for pictures of the pages, to be looked at. */
const SCREENSHOTS = process.env.USAGE_SCREENSHOTS;

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => stage.clear());

test('limits, the bars and their table, and who used it', async () => {
  stage.mock.usage = USAGE;
  for (const [name, viewport] of [['phone', PHONE], ['desk', DESKTOP]] as const) {
    const { page, problems } = await stage.open('/usage', viewport);
    await page.getByText('91 % used').waitFor();
    await page.getByText('Used up').waitFor();
    const chart = page.getByRole('img', { name: /^Most on .*: \$12\.50$/ });
    assert.is(await chart.locator('rect').count(), 30);
    await page.getByText('As a table').click();
    assert.is(await page.getByRole('row').count(), 23);
    await page.getByRole('radio', { name: 'Folder' }).click();
    await page.getByText('…/projects/site').waitFor();
    await page.getByRole('radio', { name: 'Agent' }).click();
    for (const theme of ['light', 'dark'] as const) {
      await page.evaluate((chosen) => document.documentElement.dataset.theme = chosen, theme);
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}-${theme}.png`), fullPage: true });
    }
    const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.not(isWide, `${name} scrolls sideways`);
    assert.equal(problems, []);
    await page.context().close();
  }
});

test('an agent at a limit says when it is over, and goes on by itself when it is told to', async () => {
  stage.add(agent({
    ...{ id: 'a', name: 'Tired', state: 'waiting_limit', stateReason: 'limit' },
    limit: { at: 1, resetsAt: Date.now() + 3_600_000 },
  }));
  const { page, problems } = await stage.open('/agents/a');
  await page.getByText(/^The limit is reached\. It resets /).waitFor();
  await page.getByRole('button', { name: 'Continue', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Go on by itself' }).click();
  await page.getByText(/goes on by itself when it resets/).waitFor();
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'limit.png') });
  assert.equal(stage.bodies(/go-on/), [{ goOn: true }]);
  assert.is(await page.getByRole('button', { name: 'Continue', exact: true }).count(), 0);
  await page.getByRole('button', { name: 'Do not go on by itself' }).click();
  await page.getByText(/^The limit is reached\. It resets /).waitFor();
  assert.equal(problems, []);
  await page.context().close();
});

test('nothing used yet, and a server that says no', async () => {
  stage.mock.usage = { ...USAGE, meters: [], rows: [] };
  const { page } = await stage.open('/usage');
  await page.getByText('Nothing used yet').waitFor();
  await page.route(
    '**/api/usage*',
    (route) => route.fulfill({ status: 500, body: '{"error":"No.","code":"internal"}' }),
  );
  await page.reload();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
  await page.unroute('**/api/usage*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Nothing used yet').waitFor();
  await page.context().close();
});

test.run();

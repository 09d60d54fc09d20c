/** Three machines at one relay, on one page: all agents, an answer and a terminal on each, one that dies and comes back. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { DESKTOP, launchBrowser, PHONE } from '../support/harness/browser.ts';
import { startFleet, type TestFleet } from '../support/harness/fleet.ts';
import { outage, picture, signedIn, useEach, WAIT } from '../support/harness/fleet-page.ts';
import { ROOT, until } from '../support/harness/product.ts';

let fleet: TestFleet;
let browser: Browser;

test.before(async () => {
  browser = await launchBrowser();
  fleet = await startFleet(['desktop', 'lab', 'vm']).catch((error) => {
    console.log(error);
    throw error;
  });
});
test.after(async () => {
  await browser?.close();
  await fleet?.close();
});

/**
 * The dialog is closed and its entry is out of the history: an address that is opened while the page still goes back by that entry
 * is left again.
 */
async function isUncovered(page: Page): Promise<void> {
  await page.getByRole('dialog').waitFor({ state: 'detached', ...WAIT });
  await page.waitForFunction(() => !(history.state as { layers?: number } | null)?.layers, null, WAIT);
}

for (const [place, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  test(`on a ${place}: all agents on one page, an answer and a terminal on each machine`, () =>
    useEach(fleet, browser, viewport));
}

test('a picture among the files of each machine is shown, and downloaded from there', async () => {
  const png = readFileSync(join(ROOT, 'ui/public/icon-192.png'));
  const { page, problems } = await signedIn(fleet, browser, DESKTOP);
  for (const machine of fleet.machines) {
    writeFileSync(join(machine.directory, 'drawing.png'), png);
    const { id } = await machine.ask(`files on ${machine.name}`);
    await page.goto(`${fleet.product.relayUrl}/#/m/${machine.id}/agents/${id}/files/drawing.png`);
    await page.locator('.picture img').waitFor(WAIT);
    const isDrawn = () =>
      page.locator('.picture img').evaluate((image) => (image as HTMLImageElement).naturalWidth > 0);
    await until(`the picture of ${machine.name}`, isDrawn, WAIT.timeout);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    assert.ok(readFileSync(await file.path()).equals(png));
    await machine.fetch('/api/agents/actions/stop-all', { method: 'POST' });
  }
  assert.equal(problems, []);
  await page.context().close();
});

test('a machine that is killed is away on its cards at once, the others stay; its queued answer arrives once', async () => {
  const machine = fleet.machines[1]!;
  const begin = () => machine.program.kill('SIGKILL');
  const ms = await outage(fleet, browser, PHONE, { name: 'killed', machine, begin, end: machine.start });
  console.log(`away on the card ${Math.round(ms)} ms after the relay's word`);
});

test('machines are listed, named, added by a line, and revoked', async () => {
  const { page, problems } = await signedIn(fleet, browser, PHONE);
  await page.getByRole('link', { name: 'Machines' }).first().click();
  await page.getByRole('heading', { name: 'Machines', level: 1 }).waitFor(WAIT);
  const entry = (name: string) => page.locator('.devices li').filter({ has: page.getByText(name, { exact: true }) });
  await entry('vm').getByText('Connected', { exact: true }).waitFor(WAIT);
  await picture(page, 'machines');
  await entry('vm').getByRole('button', { name: /^Rename/ }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('guest');
  await page.getByRole('button', { name: 'Save' }).click();
  await entry('guest').waitFor(WAIT);

  // The device's clock may be wrong: what is counted down is the relay's time.
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3600_000;
  });
  await page.getByRole('button', { name: 'Add a machine' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor(WAIT);
  const line = await page.locator('.pair-link').textContent();
  assert.ok(line!.startsWith(`agent-monitor join ${fleet.product.relayUrl}/#`), line!);
  await page.getByText(/Valid for (10|9) ?min/).waitFor(WAIT);
  await picture(page, 'join');
  await page.keyboard.press('Escape');
  await isUncovered(page);

  await page.goto(`${fleet.product.relayUrl}/#/m/${fleet.machines[0]!.id}/settings`);
  await page.getByRole('button', { name: 'Copy to guest' }).waitFor(WAIT);
  await page.getByRole('heading', { name: 'Copy settings' }).scrollIntoViewIfNeeded();
  await picture(page, 'settings');
  await page.getByRole('button', { name: 'Copy to guest' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Copy' }).click();
  await page.getByText('Copied to guest.').waitFor(WAIT);
  await isUncovered(page);

  await page.goto(`${fleet.product.relayUrl}/#/machines`);
  await entry('guest').getByRole('button', { name: /^Revoke/ }).click();
  await page.getByRole('dialog').getByText(/RELAY_TOKEN/).waitFor(WAIT);
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('guest is revoked.').waitFor(WAIT);
  await page.goto(`${fleet.product.relayUrl}/#/m/${'a'.repeat(20)}/agents/x`);
  await page.getByText('Page not found').first().waitFor(WAIT);
  assert.equal(problems, []);
  await page.context().close();
});

test.run();

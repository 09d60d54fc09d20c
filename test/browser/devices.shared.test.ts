/** Devices in a browser: pairing a phone, signing others out, and the banner of a relay without a login. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser, Page } from 'playwright-core';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { type Product, startProduct } from '../support/harness/product.ts';

let browser: Browser;

test.before(async () => {
  browser = await launchBrowser();
});
test.after(() => browser.close());

const WAIT = { timeout: 15_000 };

async function signedIn(product: Product, viewport = DESKTOP) {
  const opened = await openPage(browser, viewport);
  await opened.page.goto(product.relayUrl);
  await opened.page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  await opened.page.getByRole('link', { name: 'Agents' }).first().waitFor(WAIT);
  return opened;
}

const openDevices = async (page: Page) => {
  await page.goto(`${new URL(page.url()).origin}/#/devices`);
  await page.getByRole('heading', { name: 'Devices' }).waitFor(WAIT);
};

test('a phone is paired by the link once, and signed out from the other device', async () => {
  const product = await startProduct();
  try {
    const { page, problems } = await signedIn(product);
    await openDevices(page);
    await page.getByText('This device').waitFor(WAIT);
    await page.getByRole('button', { name: 'Add a device' }).click();
    await page.getByRole('img', { name: /QR code/ }).waitFor(WAIT);
    const link = (await page.locator('.pair-link').textContent())!;
    assert.ok(link.startsWith(`${product.relayUrl}/#/pair/`));

    const phone = await openPage(browser, PHONE);
    await phone.page.goto(link);
    await phone.page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor(WAIT);
    assert.not.match(phone.page.url(), /pair/, 'the code is gone from the address');
    const late = await openPage(browser, PHONE);
    await late.page.goto(link);
    await late.page.getByRole('textbox', { name: 'Password' }).waitFor(WAIT);

    await page.getByRole('dialog').getByText('is signed in now.').waitFor(WAIT);
    assert.is(await page.getByRole('img', { name: /QR code/ }).count(), 0, 'a used code is not shown');
    await page.keyboard.press('Escape');
    const others = page.locator('.devices li').filter({ hasNotText: 'This device' });
    await others.first().waitFor(WAIT);
    assert.is(await others.count(), 1);
    await others.first().getByRole('button', { name: /^Sign out/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
    const started = Date.now();
    await phone.page.getByRole('textbox', { name: 'Password' }).waitFor(WAIT);
    assert.ok(Date.now() - started < 3000, 'the phone knows at once');

    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click();
    await page.getByRole('textbox', { name: 'Password' }).waitFor(WAIT);
    assert.equal([...problems, ...phone.problems], []);
  } finally {
    await product.close();
  }
});

test('a device whose clock is wrong shows the code, for as long as it is valid', async () => {
  const product = await startProduct();
  try {
    const { page, problems } = await signedIn(product);
    for (const minutes of [-10, 10]) {
      const other = await page.context().newPage();
      await other.addInitScript((ms) => {
        const { now } = Date;
        Date.now = () => now() + ms;
      }, minutes * 60_000);
      await other.goto(product.relayUrl);
      await openDevices(other);
      await other.getByRole('button', { name: 'Add a device' }).click();
      await other.getByRole('img', { name: /QR code/ }).waitFor(WAIT);
      assert.match((await other.getByRole('timer').textContent())!, / (1 min|[1-5]?\d s)\.$/);
    }
    assert.equal(problems, []);
  } finally {
    await product.close();
  }
});

test('without a login every page says so', async () => {
  const product = await startProduct({ relayEnv: { RELAY_PASSWORD: '' } });
  try {
    const { page } = await openPage(browser, PHONE);
    await page.goto(product.relayUrl);
    await page.getByText(/This relay has no login/).waitFor(WAIT);
    const local = await openPage(browser, PHONE);
    await local.page.goto(product.localUrl);
    await local.page.getByRole('link', { name: 'Agents' }).first().waitFor(WAIT);
    assert.is(await local.page.getByText(/This relay has no login/).count(), 0);
  } finally {
    await product.close();
  }
});

test.run();

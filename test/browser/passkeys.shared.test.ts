/** Passkeys and device keys in Chromium, with its virtual authenticator: login, step-up on the machine, and a night without a cookie. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';

const WAIT = { timeout: 20_000 };
let product: Product;
let browser: Browser;
/** Passkeys are for names: the relay under one that is a secure context without TLS. */
let origin: string;

test.before(async () => {
  product = await startProduct({ agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') } });
  origin = product.relayUrl.replace('127.0.0.1', 'localhost');
  browser = await launchBrowser();
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

interface Device {
  page: Page;
}

async function newDevice(): Promise<Device> {
  const { page } = await openPage(browser, PHONE);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { page };
}

const agents = (page: Page) => page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor(WAIT);
async function signIn({ page }: Device): Promise<void> {
  await page.goto(origin);
  await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await agents(page);
}
async function openDevices({ page }: Device): Promise<void> {
  await page.goto(`${origin}/#/devices`);
  await page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor(WAIT);
}
const cookies = async ({ page }: Device) =>
  (await page.context().cookies()).filter(({ name }) => name.includes('am_session'));

/** Asks the machine for an agent that skips permissions, as the page would; gives the status and code. */
const bypass = ({ page }: Device) =>
  page.evaluate(async (directory) => {
    const flags = { dangerouslySkipPermissions: true };
    const body = JSON.stringify({ directory, prompt: 'a greeting in a file', flags });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch('/api/agents', { method: 'POST', headers, body });
    return `${response.status} ${(await response.json()).code ?? ''}`.trim();
  }, product.directory);

test('after a night without a cookie the device is signed in still, and not once it was signed out elsewhere', async () => {
  const device = await newDevice();
  await signIn(device);
  await until(
    'the key',
    async () => (await product.fetch('/api/auth/devices').then((r) => r.json())).devices.length === 1,
  );
  await device.page.context().clearCookies();
  await device.page.reload();
  await agents(device.page); // as they were last
  await until('a new cookie', async () => (await cookies(device)).length === 1);

  // The cookie ends while the page is open: the next thing that it asks for is answered all the same.
  await device.page.context().clearCookies();
  await openDevices(device);
  await device.page.getByText('This device').waitFor(WAIT);
  assert.is((await cookies(device)).length, 1);

  const { devices } = await (await product.fetch('/api/auth/devices')).json() as { devices: { id: string }[] };
  const started = Date.now();
  assert.is((await product.fetch(`/api/auth/devices/${devices[0]!.id}`, { method: 'DELETE' })).status, 200);
  await device.page.getByRole('textbox', { name: 'Password' }).waitFor(WAIT);
  console.log(`signed out elsewhere: the page knows after ${Date.now() - started} ms`);
  await device.page.context().close();
});

test('a passkey is added, logs in, and confirms what cannot be taken back', async () => {
  const device = await newDevice();
  const { page } = device;
  await signIn(device);
  await openDevices(device);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('Passkey 1').first().waitFor(WAIT);
  assert.is(await bypass(device), '201', 'step-up is off');

  await page.getByText('Confirm what cannot be taken back').click();
  await until('step-up', async () => (await (await product.fetch('/api/auth/passkeys')).json()).stepUp === true);
  await page.getByRole('button', { name: 'Sign out', exact: false }).first().waitFor(WAIT);

  // Another session has confirmed nothing: the page's own login by the passkey.
  await page.evaluate(() =>
    fetch('/api/auth/logout', { method: 'POST', headers: { 'content-type': 'application/json' } })
  );
  await page.goto('about:blank');
  await page.goto(origin);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await agents(page);
  assert.is(await bypass(device), '403 step_up_required');

  // What the page asks for is confirmed by the way, here and on the machine.
  await openDevices(device);
  await page.getByRole('button', { name: 'Add a device' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor(WAIT);
  await page.keyboard.press('Escape');
  assert.is(await bypass(device), '201', 'confirmed for its session');

  const other = await product.fetch('/api/auth/pair', { method: 'POST' });
  assert.is(other.status, 403, 'the login of another program is asked too');
  await page.context().close();
});

test.run();

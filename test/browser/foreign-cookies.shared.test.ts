/** Cookies know no ports: a page on another port of the relay's host, a preview, sets some of the login's name. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DESKTOP, launchBrowser, openPage } from '../support/harness/browser.ts';
import { startProduct } from '../support/harness/product.ts';

/** As a page sets them, under every path that requests of the dashboard have. */
const SCRIPT = ['/', '/api', '/api/', '/api/auth', '/api/agents', '/m', '/assets']
  .flatMap((path) => ['am_session', 'am_preview'].map((name) => `document.cookie = '${name}=planted; Path=${path}';`));

test('the dashboard signs in, and stays signed in, beside cookies that a preview on a second port set', async () => {
  const product = await startProduct();
  const browser = await launchBrowser();
  const other = createServer((_req, res) => {
    res.writeHead(200, {
      'content-type': 'text/html',
      'set-cookie': ['am_session=from-the-server; Path=/api/agents; HttpOnly', 'am_session=two; Path=/api/auth/'],
    });
    res.end(`<title>Other</title><script>${SCRIPT.join('')}</script>`);
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  try {
    const { page } = await openPage(browser, DESKTOP);
    await page.goto(address);
    assert.match(await page.evaluate(() => document.cookie), 'am_session=planted');
    await page.goto(`${product.relayUrl}/#/`);
    await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('No agents yet').waitFor();
    await page.goto(address);
    await page.goto(`${product.relayUrl}/#/`);
    await page.getByText('No agents yet').waitFor();
    assert.is(await page.getByRole('textbox', { name: 'Password' }).count(), 0);
    const status = await page.evaluate(async () => (await fetch('/api/agents')).status);
    assert.is(status, 200);
    const left = (await page.context().cookies(`${product.relayUrl}/api/agents`)).map(({ value }) => value);
    assert.ok(left.includes('from-the-server') && left.includes('planted'), 'they are sent all the same');
  } finally {
    await browser.close();
    other.close();
    await product.close();
  }
});

test.run();

/** The dashboard over plain http, where a browser has no service worker: after an update its parts are gone from the server. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { launchBrowser, openPage } from '../support/harness/browser.ts';
import { type Mock, startMock } from '../support/fakes/ui-mock.ts';

test('a page whose code is gone is there after "Try again"', async () => {
  const mock: Mock = await startMock();
  const browser = await launchBrowser(['--host-resolver-rules=MAP plain.test 127.0.0.1']);
  try {
    const { page } = await openPage(browser);
    page.setDefaultTimeout(10_000);
    // The server is updated while the page is open: names of before are not found, until it is loaded anew.
    let isOld = false;
    await page.route('**/*', (route) => {
      const { pathname } = new URL(route.request().url());
      if (route.request().isNavigationRequest()) isOld = false;
      return isOld && pathname.startsWith('/assets/') ? route.fulfill({ status: 404 }) : route.continue();
    });
    await page.goto(`${mock.url.replace('127.0.0.1', 'plain.test')}/#/`);
    await page.getByText('No agents yet').waitFor();
    assert.is(await page.evaluate(() => isSecureContext), false);
    isOld = true;
    await page.evaluate(() => location.hash = '#/sessions');
    await page.getByText('This page could not be loaded.').waitFor();
    await mock.shut();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.waitForTimeout(300);
    await page.getByText('This page could not be loaded.').waitFor();
    await mock.open();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('No sessions found').waitFor();
  } finally {
    await browser.close();
    await mock.close();
  }
});

test.run();

/** Chromium's own WebSocket against our server, with and without compression. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/harness/browser.ts';
import { CLIENT_PROGRAM, CLIENT_SEES } from '../support/harness/websocket-client.ts';
import { closeServers, serve } from '../support/harness/websocket-peers.ts';

let browser: Browser;
test.before(async () => void (browser = await launchBrowser()));
test.after(() => browser.close());
test.after.each(closeServers);

for (const deflate of [false, true]) {
  test(`Chromium's client, ${deflate ? 'compressed' : 'plain'}`, async () => {
    const server = await serve((connection) => connection.onmessage = (message) => connection.send(message), {
      protocols: ['a'],
      deflate: deflate && { threshold: 0 },
    });
    const page = await browser.newPage();
    const program = CLIENT_PROGRAM.replace('TARGET', JSON.stringify(server.url));
    const { extensions, ...seen } = JSON.parse(await page.evaluate(`(async () => { ${program}; return finished; })()`));
    assert.equal(seen, CLIENT_SEES);
    assert.is(extensions !== '', deflate);
    assert.equal(await server.connections[0]!.closed, { code: 4000, reason: 'bye' });
    await page.close();
  });
}

test.run();

/** The product with the scripted demo agent, from a browser: what a newcomer without an account sees. */
import { test } from 'uvu';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { DESKTOP, launchBrowser, PHONE } from '../support/harness/browser.ts';
import { type Product, ROOT, startProduct } from '../support/harness/product.ts';
import { endToEnd, type Job } from '../support/harness/end-to-end.ts';

const JOB: Job = {
  prompt: 'a greeting in a file',
  file: 'hello-from-the-demo.md',
  done: /Done|written|is there/,
  second: 'and once more without a file',
  secondAnswer: /You said: .*once more/,
  endsOpen: true,
  third: 'after the restart',
  thirdAnswer: /You said: .*after the restart/,
  cost: /\$0\.\d+|<\s1\s¢/,
};

let product: Product;
let browser: Browser;

test.before(async () => {
  product = await startProduct({ agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') } });
  browser = await launchBrowser();
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

test('on the relay, on a phone', () => endToEnd({ product, browser, relay: true, viewport: PHONE }, JOB));
test('on the local server, on a desktop', () => endToEnd({ product, browser, relay: false, viewport: DESKTOP }, JOB));

test.run();

/** The product with the real Claude Code, from a browser: dist/relay.mjs under plain node, the agent, a stub of the API. */
import { test } from 'uvu';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser } from 'playwright-core';
import { DESKTOP, launchBrowser, PHONE } from '../support/harness/browser.ts';
import { CLAUDE_BIN, claudeEnv } from '../support/harness/claude-harness.ts';
import { freePort, type Product, startProduct } from '../support/harness/product.ts';
import { type AnthropicStub, startAnthropicStub } from '../support/stubs/stub-anthropic.mjs';
import { endToEnd, type Job } from '../support/harness/end-to-end.ts';

const SCENARIO = {
  rules: [
    {
      match: 'use bash',
      steps: [
        {
          text: 'I run a command.',
          tool: {
            name: 'Bash',
            input: { command: 'touch made-by-agent.txt && echo done', description: 'Create a file' },
          },
          chunk: 4,
          delayMs: 10,
        },
        { text: 'The command step is over.' },
      ],
    },
    { match: 'second', steps: [{ text: 'Answer to the next prompt.' }] },
    { match: 'carry on', steps: [{ text: 'The session goes on as before.' }] },
  ],
  default: { text: 'Stub answer.' },
};

const JOB: Job = {
  prompt: 'please use bash now',
  file: 'made-by-agent.txt',
  done: /The command step is over/,
  second: 'the second prompt',
  secondAnswer: /Answer to the next prompt/,
  third: 'carry on after the restart',
  thirdAnswer: /The session goes on as before/,
  cost: /\$0\.\d+|<\s1\s¢/,
};

let stub: AnthropicStub;
let product: Product;
let browser: Browser;

test.before(async () => {
  stub = await startAnthropicStub({ scenario: SCENARIO });
  // Paths of Claude's own folders are known only with the product's folder: a fixed one of this process serves.
  const home = join(process.env.TMPDIR ?? '/tmp', `whole-way-${process.pid}-${await freePort()}`);
  for (const name of ['', 'claude', 'tmp']) mkdirSync(join(home, name), { recursive: true });
  product = await startProduct({ agentEnv: { ...claudeEnv(home, stub.url), CLAUDE_BIN } });
  browser = await launchBrowser();
});
test.after(async () => {
  await browser?.close();
  await product?.close();
  await stub?.close();
});

test('on the relay, on a phone', () => endToEnd({ product, browser, relay: true, viewport: PHONE }, JOB));
test('on the local server, on a desktop', () => endToEnd({ product, browser, relay: false, viewport: DESKTOP }, JOB));

test.run();

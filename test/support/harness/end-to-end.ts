/**
 * The main job from a user's first click to the last: used with the real CLI and with the scripted one, on the relay's address
 * and on the local one. Asserts in words that the page shows, not in its structure.
 */
import * as assert from 'uvu/assert';
import { pressAnswer } from './answers.ts';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { Browser, Page } from 'playwright-core';
import { openPage } from './browser.ts';
import { type Product, until } from './product.ts';

const WAIT = { timeout: 30_000 };

export interface Job {
  /** Asks the agent to make the file, which needs a permission. */
  prompt: string;
  /** The file that it makes, in the agent's folder. */
  file: string;
  /** Said at the end of the first turn, and in answer to `second` and `third`. */
  done: RegExp;
  second: string;
  secondAnswer: RegExp;
  /** The second prompt ends with a request, which a restart of the server leaves open. */
  endsOpen?: boolean;
  third: string;
  thirdAnswer: RegExp;
  cost: RegExp;
}

export interface Place {
  product: Product;
  browser: Browser;
  /** On the relay one logs in, on the local server there is nobody to log in. */
  relay: boolean;
  viewport: { width: number; height: number };
}

export async function endToEnd(place: Place, job: Job): Promise<void> {
  const { product } = place;
  const directory = join(product.directory, place.relay ? 'project' : 'project-local');
  mkdirSync(directory);
  const { page, problems } = await openPage(place.browser, place.viewport);
  await page.goto(place.relay ? product.relayUrl : product.localUrl);
  if (place.relay) await signIn(page, product.password);
  await createAgent(page, directory, job.prompt);
  await approve(page, join(directory, job.file));
  await page.getByText(job.done).first().waitFor(WAIT);
  await say(page, job.second);
  await page.getByText(job.secondAnswer).first().waitFor(WAIT);
  await page.getByText(job.cost).first().waitFor(WAIT);

  await page.reload();
  for (const text of [job.prompt, job.done, job.second, job.secondAnswer]) {
    await page.getByText(text).first().waitFor(WAIT);
  }

  // The words of an answer are there before its turn is over.
  const settled = job.endsOpen ? 'waiting_input' : 'idle';
  await until(`the agent is ${settled}`, async () => {
    const agents = await (await fetch(`${product.localUrl}/api/agents`)).json() as AgentInfo[];
    return agents.some((agent) => agent.directory === directory && agent.state === settled);
  });
  await product.agent!.kill('SIGKILL');
  await page.getByText(/machine not connected|connection lost|server not answering/i).first().waitFor(WAIT);
  await product.startAgent();
  // The turn went on without the server, and asks still.
  if (job.endsOpen) await pressAnswer(page.getByRole('button', { name: 'Allow once' }));
  await page.getByText('Ready').first().waitFor(WAIT);
  for (const text of [job.prompt, job.secondAnswer]) await page.getByText(text).first().waitFor(WAIT);
  await say(page, job.third);
  await page.getByText(job.thirdAnswer).first().waitFor(WAIT);
  assert.equal(problems, [], 'script errors or refused content');
  await page.context().close();
}

async function signIn(page: Page, password: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: /wrong|not right|not the password/i }).waitFor(WAIT);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function createAgent(page: Page, directory: string, prompt: string): Promise<void> {
  await page.getByRole('link', { name: /New agent/ }).or(page.getByRole('button', { name: /New agent/ })).first().click(
    WAIT,
  );
  await page.getByLabel(/^Folder/).fill(directory);
  await page.getByLabel(/^Prompt|^What should|^Task|^First message/).first().fill(prompt);
  await page.getByRole('button', { name: /Start agent|Start|Create/ }).last().click();
}

async function approve(page: Page, file: string): Promise<void> {
  await page.getByText('Permission needed').first().waitFor(WAIT);
  assert.not.ok(existsSync(file), 'the file is made before anybody allowed it');
  await pressAnswer(page.getByRole('button', { name: 'Allow once' }));
  await until(`the file ${file}`, () => existsSync(file));
  assert.ok(readFileSync(file).length >= 0);
}

async function say(page: Page, text: string): Promise<void> {
  const box = page.getByRole('textbox', { name: /message/i });
  await box.fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

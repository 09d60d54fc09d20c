/**
 * `npm run screenshots`: docs/screenshots from the real server and dashboard with the scripted demo CLI, on a phone and on a desk,
 * in light and dark, and an animated one of a permission on a phone. Needs Chromium (CHROMIUM names another one than /usr/bin/chromium).
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { AgentInfo } from '../../core/api/agents.ts';
import { createLog } from '../../core/log.ts';
import { endHolders } from '../../agent/process/holder/end.ts';
import { readConfig } from '../../agent/config.ts';
import { startAgentServer } from '../../agent/server.ts';
import { makeRepository } from '../../test/support/harness/git.ts';
import { build } from '../build.ts';
import { animate, type Frame } from './apng.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, 'docs/screenshots');
/** All pictures together, bytes. */
const MAX_TOTAL = 1.5 * 1024 * 1024;

const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };
const TASKS = ['Write a greeting for the shop', 'Explain how totals are rounded', 'List what is missing in the tests'];

async function main(): Promise<void> {
  await build();
  const directory = mkdtempSync(join(tmpdir(), 'agent-monitor-screenshots-'));
  const config = {
    PORT: '0',
    DATA_DIR: join(directory, 'data'),
    CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts'),
  };
  const server = await startAgentServer(readConfig({ ...config, CODEX_BIN: '/nonexistent', TERMINAL: 'off' }), {
    log: createLog({ write: () => {} }),
    version: 'demo',
  });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const url = `http://127.0.0.1:${server.port}`;
    const agents = await startAgents(url, makeRepository(join(directory, 'shop'), { 'README.md': '# Shop\n' }));
    rmSync(OUT, { recursive: true, force: true });
    mkdirSync(OUT, { recursive: true });
    for (const size of ['phone', 'desk'] as const) {
      for (const theme of ['light', 'dark'] as const) {
        const context = await browser.newContext({
          viewport: SIZES[size],
          colorScheme: theme,
          reducedMotion: 'reduce',
        });
        const page = await context.newPage();
        await shoot(page, `${url}/#/`, `${size}-agents-${theme}`);
        await shoot(page, `${url}/#/agents/${agents[0]}`, `${size}-permission-${theme}`);
        await context.close();
      }
    }
    // Last: it answers what the other pictures show.
    await film(browser, url, agents[0]!);
  } finally {
    await browser.close();
    await server.close();
    await endHolders(config.DATA_DIR); // some still ask
    rmSync(directory, { recursive: true, force: true });
  }
  refuseTooLarge();
}

/** Three agents; the first asks for leave, the last was allowed to go on. @returns their ids */
async function startAgents(url: string, repository: string): Promise<string[]> {
  const call = async (method: string, path: string, body?: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    return await response.json() as AgentInfo;
  };
  const ids: string[] = [];
  for (const prompt of TASKS) {
    const { id } = await call('POST', '/api/agents', { prompt, name: prompt, directory: repository });
    ids.push(id);
    await until(async () => (await call('GET', `/api/agents/${id}`)).pending.length > 0);
  }
  const last = ids.at(-1)!;
  const [request] = (await call('GET', `/api/agents/${last}`)).pending;
  await call('POST', `/api/agents/${last}/permissions/${request}`, { decision: 'allow' });
  await until(async () => (await call('GET', `/api/agents/${last}`)).state === 'idle');
  return ids;
}

/** How often, and how long, ms. */
const POLL_MS = 100;
const MAX_WAIT_MS = 60_000;

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + MAX_WAIT_MS; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error('The demo agent did not get as far as expected.');
}

async function shoot(page: Page, address: string, name: string): Promise<void> {
  await page.goto(address);
  await page.getByRole('button', { name: 'Allow once' }).first().waitFor();
  // An answer that takes no press yet is pale.
  await page.locator('.answer[aria-disabled=false]').first().waitFor();
  await page.screenshot({ path: join(OUT, `${name}.png`) });
}

/** A permission, from the list to the changes it made. */
async function film(browser: Browser, url: string, agent: string): Promise<void> {
  const context = await browser.newContext({ viewport: SIZES.phone, colorScheme: 'light', reducedMotion: 'reduce' });
  const page = await context.newPage();
  const frames: Frame[] = [];
  const take = async (shownMs: number) => void frames.push({ png: await page.screenshot(), shownMs });
  await page.goto(`${url}/#/`);
  await page.locator('.answer[aria-disabled=false]').first().waitFor();
  await take(1800);
  await page.goto(`${url}/#/agents/${agent}`);
  await page.locator('.answer[aria-disabled=false]').first().waitFor();
  await take(2200);
  await page.getByRole('button', { name: 'Allow once' }).click();
  await page.getByText('Working').first().waitFor();
  await take(900);
  await page.getByText('Ready').first().waitFor();
  await take(2200);
  await page.getByRole('link', { name: 'Changes' }).click();
  await page.locator('.changed-main').first().click();
  await page.locator('.diff-scroll').first().waitFor();
  await take(2200);
  await context.close();
  writeFileSync(join(OUT, 'phone-approve.png'), animate(frames));
}

function refuseTooLarge(): void {
  const total = readdirSync(OUT).reduce((sum, name) => sum + statSync(join(OUT, name)).size, 0);
  console.log(`${readdirSync(OUT).length} pictures, ${Math.round(total / 1024)} KB in ${OUT}`);
  if (total > MAX_TOTAL) throw new Error(`The pictures have more than ${MAX_TOTAL / 1024} KB together.`);
}

await main();

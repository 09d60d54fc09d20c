/**
 * `npm run bench:budgets [-- --rounds <n>]`: whether the dashboard keeps within its budgets. Every line is measured in each of
 * three rounds of one run, and holds when the median does. Ends with 1 when one does not.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser } from 'playwright-core';
import type { AgentInfo } from '../../core/api/agents.ts';
import { launchBrowser } from '../../test/support/harness/browser.ts';
import { type Product, ROOT, startProduct, until } from '../../test/support/harness/product.ts';
import { textMessage, userMessage } from '../../test/support/harness/search-journals.ts';
import { firstLoadSize } from '../check/sizes.ts';
import { DELTAS } from './delta-cli.ts';
import { measureStart, newContext, newPage, openAgent, painted, rest, type Row } from './ui-measure.ts';
import { ownVersion } from './ui-world.ts';

const DEFAULT_ROUNDS = 3;
const MESSAGES = 10_000;
/** What a turn may take at most, ms. */
const MAX_TURN_MS = 60_000;

interface Budget {
  name: string;
  /** Of the row that is measured. */
  key: string;
  max: number;
  unit: string;
}

const SLOW = '4 × CPU, 1.6 Mbit/s, 150 ms';
const BUDGETS: readonly Budget[] = [
  { name: 'first load, brotli', key: 'first load', max: 60, unit: 'KB' },
  { name: `contentful, ${SLOW}`, key: 'dashboard contentful, ms', max: 1000, unit: 'ms' },
  { name: `usable, ${SLOW}`, key: 'dashboard cold, ms', max: 1500, unit: 'ms' },
  { name: `second load, ${SLOW}`, key: 'dashboard again, ms', max: 400, unit: 'ms' },
  { name: `an agent of ${MESSAGES.toLocaleString('en')} messages opens, local`, key: 'opens', max: 300, unit: 'ms' },
  { name: 'delta of the CLI to paint, p95, local', key: 'delta', max: 60, unit: 'ms' },
];

interface Place {
  product: Product;
  cookie: string;
  /** With many messages; one that answers in deltas. */
  long: string;
  talker: string;
}

async function openPlace(): Promise<Place> {
  const product = await startProduct({ agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/bench/delta-cli.ts') } });
  try {
    await product.tunnel(true);
    const long = await createAgent(product, 'long');
    await product.agent!.kill('SIGTERM');
    lengthen(join(product.dataDir, 'agents', long, 'journal.jsonl'));
    await product.startAgent();
    await product.tunnel(true);
    const talker = await createAgent(product, 'talker');
    return { product, cookie: await product.login(), long, talker };
  } catch (error) {
    await product.close();
    throw error;
  }
}

/** As a long conversation was written. */
function lengthen(journal: string): void {
  const text = 'The total is rounded once, at the end, so a basket of many lines is off by a cent at most. '.repeat(4);
  const lines = Array.from({ length: MESSAGES }, (_, i) => {
    const m = i % 10 ? textMessage(i + 1, `${i}: ${text}`) : userMessage(i + 1, `Go on with step ${i}`);
    return `${JSON.stringify({ m })}\n`;
  });
  appendFileSync(journal, lines.join(''));
}

async function createAgent(product: Product, name: string): Promise<string> {
  const directory = join(product.directory, name);
  mkdirSync(directory);
  const { id } = await call(product, '/api/agents', { name, directory }) as AgentInfo;
  await until(
    'the agent to be ready',
    async () => (await call(product, `/api/agents/${id}`) as AgentInfo).state === 'idle',
  );
  return id;
}

async function call({ localUrl }: Product, path: string, body?: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(localUrl + path, body ? { method: 'POST', headers, body: JSON.stringify(body) } : {});
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

/** From the tap until the newest messages are there, ms. */
async function measureLong(browser: Browser, { product, long }: Place): Promise<number> {
  const context = await newContext(browser, product.localUrl, '');
  try {
    const { page } = await newPage(context, false, 1);
    await page.goto(product.localUrl, { waitUntil: 'commit' });
    await painted(page, '.agent-card');
    await rest(3000);
    return await openAgent(page, long);
  } finally {
    await context.close();
  }
}

/** From when the CLI wrote a delta until a frame has shown it, ms: the 95th percentile of a turn. */
async function measureDeltas(browser: Browser, { product, talker }: Place): Promise<number> {
  const context = await newContext(browser, product.localUrl, '');
  try {
    const { page } = await newPage(context, false, 1);
    await page.goto(`${product.localUrl}/#/agents/${talker}`, { waitUntil: 'commit' });
    await painted(page, '.composer textarea');
    await rest();
    await page.evaluate(WATCH);
    await call(product, `/api/agents/${talker}/message`, { text: 'go', clientId: randomUUID() });
    await until('the last delta', async () => (await page.evaluate('delays.length') as number) >= DELTAS, MAX_TURN_MS);
    const delays = (await page.evaluate('delays') as number[]).sort((a, b) => a - b);
    return delays[Math.ceil(0.95 * delays.length) - 1]!;
  } finally {
    await context.close();
  }
}

/** What is new in the page is painted by the frame that follows; the task behind it is the first that can tell. */
const WATCH = `
  globalThis.delays = [];
  const known = new Set(document.body.textContent.match(/at\\d{13}\\./g));
  let isDue = false;
  const look = () => {
    isDue = false;
    const said = [...document.querySelectorAll('.markdown')].at(-1)?.textContent ?? '';
    const fresh = (said.match(/at\\d{13}\\./g) ?? []).filter((word) => !known.has(word));
    for (const word of fresh) known.add(word);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const now = Date.now();
      for (const word of fresh) delays.push(now - Number(word.slice(2, -1)));
    };
    channel.port2.postMessage(null);
  };
  new MutationObserver(() => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(look);
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
`;

async function measure(place: Place): Promise<Row> {
  const browser = await launchBrowser();
  try {
    const start = await measureStart(browser, place.product.relayUrl, place.cookie, '.agent-card');
    const opens = await measureLong(browser, place);
    return { ...start, opens, delta: await measureDeltas(browser, place) };
  } finally {
    await browser.close();
  }
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;

/** Prints a line for each budget. @returns whether all hold */
function report(rows: readonly Row[]): boolean {
  const held = BUDGETS.map(({ name, key, max, unit }) => {
    const values = rows.map((row) => row[key] ?? NaN);
    const holds = median(values) <= max;
    const shown = values.map((value) => value.toFixed(value < 100 ? 1 : 0)).join(', ');
    console.log(`${holds ? 'pass' : 'FAIL'}  ${name}: ${shown} ${unit}; at most ${max}`);
    return holds;
  });
  return held.every(Boolean);
}

async function run(): Promise<number> {
  const at = process.argv.indexOf('--rounds');
  const rounds = at < 0 ? DEFAULT_ROUNDS : Number(process.argv[at + 1]);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('"--rounds" takes a number of 1 or more.');
  console.log(`Load ${loadavg()[0]!.toFixed(1)} on ${availableParallelism()} cores at the begin; medians count.`);
  ownVersion();
  const size = firstLoadSize(join(ROOT, 'dist/ui')) / 1000;
  const place = await openPlace();
  try {
    const rows: Row[] = [];
    for (let i = 0; i < rounds; i++) {
      process.stderr.write(`round ${i + 1} of ${rounds}\n`);
      rows.push({ ...await measure(place), 'first load': size });
    }
    return report(rows) ? 0 : 1;
  } finally {
    await place.product.close();
  }
}

process.exitCode = await run();

/** What each view asks of the server: nothing twice, and few bytes; opened from the list of agents, and as the first page. */
import { deflateRawSync } from 'node:zlib';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fillBench } from '../support/harness/ui-world.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { DESKTOP, launchBrowser, openPage } from '../support/harness/browser.ts';

/** Bytes of all that one view asks for, as they come over the wire. */
const MAX_VIEW_BYTES = 10 * 1024;
/** A view that asks nothing for so long has all that it wants, ms. */
const QUIET_MS = 400;
const MAX_WAIT_MS = 15_000;
/** Most of the time is spent waiting. */
const AT_ONCE = 3;

interface View {
  path: string;
  /** A selector of what is only there when the view is. */
  shows: string;
}

const VIEWS: readonly View[] = [
  { path: '/', shows: '.agent-card' },
  { path: '/agents/:work', shows: '.composer' },
  { path: '/agents/:work/changes', shows: 'text=a.ts' },
  { path: '/agents/:work/files', shows: 'text=notes.md' },
  { path: '/agents/:work/files/a.ts', shows: '.agent-page' },
  { path: '/agents/:work/terminals', shows: '.agent-page' },
  { path: '/agents/:work/instructions', shows: 'textarea' },
  { path: '/agents/:work/details', shows: '.agent-page dl' },
  { path: '/answer/:asks/:request', shows: 'text=Allow once' },
  { path: '/new', shows: 'text=Start agent' },
  { path: '/tasks', shows: 'text=Second' },
  { path: '/terminals', shows: 'h1:text("Terminals")' },
  { path: '/search/picture', shows: 'main mark' },
  { path: '/templates', shows: 'text=Rules' },
  { path: '/sessions', shows: 'h1:text("Past sessions")' },
  { path: '/devices', shows: 'h1:text("Devices")' },
  { path: '/settings', shows: 'text=OpenCLI' },
];

let bench: Bench;
let browser: Browser;
let ids: Record<string, string>;
test.before(async () => {
  bench = await startBench({ TERMINAL: 'on' });
  browser = await launchBrowser();
  const { work } = await fillBench(bench);
  const asks = await bench.create('bash ls', { name: 'Asks' });
  const { id: request } = await bench.request(asks.id);
  ids = { ':work': work.id, ':asks': asks.id, ':request': request };
});
test.after(async () => {
  await browser?.close();
  await bench?.close();
});

/** An agent's ports are asked for every five seconds, so that a view which is slow to settle asks for them again. */
const POLL_MS = 4500;

/** What a page has asked the server's programs for; its own files are not counted. */
interface Traffic {
  /** `GET /api/x`, and each message to the live feed but proofs of life. */
  asked: string[];
  bytes: number;
  lastAt: number;
}

/** Counts from now on; the numbers change as the page goes on. */
async function record(cdp: CDPSession): Promise<Traffic> {
  const traffic: Traffic = { asked: [], bytes: 0, lastAt: Date.now() };
  const counted = new Set<string>();
  const polledAt = new Map<string, number>();
  const note = (text: string) => {
    traffic.lastAt = Date.now();
    if (text) traffic.asked.push(text);
  };
  cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
    const { pathname, search } = new URL(request.url);
    if (!pathname.startsWith('/api/')) return;
    counted.add(requestId);
    const entry = `${request.method} ${pathname}${search}`;
    const isPoll = pathname.endsWith('/previews') && Date.now() - (polledAt.get(entry) ?? Infinity) >= POLL_MS;
    polledAt.set(entry, Date.now());
    note(isPoll ? '' : entry);
  });
  cdp.on('Network.webSocketCreated', ({ url }) => note(`socket ${new URL(url).pathname}`));
  cdp.on('Network.webSocketFrameSent', ({ response }) => note(said(response.payloadData)));
  cdp.on('Network.webSocketFrameReceived', ({ response }) => {
    // The browser shows what it has unpacked.
    traffic.bytes += deflateRawSync(response.payloadData).length;
    note('');
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (!counted.has(requestId)) return;
    traffic.bytes += encodedDataLength;
    note('');
  });
  await cdp.send('Network.enable');
  return traffic;
}

/** A message to the live feed; the proof of life comes again and again by its nature. */
function said(text: string): string {
  const { type } = JSON.parse(text) as { type: string };
  return type === 'ping' ? '' : `live ${text}`;
}

async function settle(traffic: Traffic): Promise<void> {
  const end = Date.now() + MAX_WAIT_MS;
  while (Date.now() - traffic.lastAt < QUIET_MS) {
    if (Date.now() > end) throw new Error(`it goes on asking: ${traffic.asked.slice(-5).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const addressOf = (path: string): string =>
  `${bench.url}/#${path.replace(/:(work|asks|request)/g, (name) => ids[name]!)}`;

async function openRecorded(): Promise<{ page: Page; traffic: Traffic; problems: string[] }> {
  const { page, problems } = await openPage(browser, DESKTOP);
  page.setDefaultTimeout(MAX_WAIT_MS);
  return { page, problems, traffic: await record(await page.context().newCDPSession(page)) };
}

function check({ asked, bytes }: Traffic, name: string): void {
  const twice = asked.filter((entry, i) => asked.indexOf(entry) !== i);
  assert.equal(twice, [], `${name} asked twice; all: ${asked.join(', ')}`);
  assert.ok(bytes <= MAX_VIEW_BYTES, `${name} took ${bytes} bytes: ${asked.join(', ')}`);
}

type Opened = Awaited<ReturnType<typeof openRecorded>>;

async function look(view: View, run: (view: View, opened: Opened) => Promise<void>): Promise<void> {
  const opened = await openRecorded();
  try {
    await run(view, opened);
    await opened.page.locator(view.shows).first().waitFor();
    await settle(opened.traffic);
  } catch (error) {
    throw new Error(`${view.path}: ${(error as Error).message}`);
  }
  check(opened.traffic, view.path);
  assert.equal(opened.problems, [], view.path);
  await opened.page.context().close();
}

async function walk(run: (view: View, opened: Opened) => Promise<void>): Promise<void> {
  const left = [...VIEWS];
  const work = async () => {
    for (let view = left.shift(); view; view = left.shift()) await look(view, run);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

test('as the first page every view asks for each thing once', () =>
  walk(async ({ path }, { page, traffic }) => {
    await page.goto(addressOf(path));
    traffic.lastAt = Date.now();
  }));

test('opened from the list of agents every view asks for each thing once', () =>
  walk(async ({ path }, { page, traffic }) => {
    await page.goto(addressOf('/'));
    await page.locator('.agent-card').first().waitFor();
    await settle(traffic);
    traffic.asked.length = 0;
    traffic.bytes = 0;
    traffic.lastAt = Date.now();
    await page.evaluate((url) => location.href = url, addressOf(path));
  }));

test.run();

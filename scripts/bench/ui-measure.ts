/**
 * What a user waits for, measured in Chromium with a slow phone's line and processor. What runs in the page is text: scripts
 * of Node cannot name what a page has.
 */
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { deflateRawSync } from 'node:zlib';
import { PHONE } from '../../test/support/harness/browser.ts';
import type { World } from './ui-world.ts';

/** The line of a slow phone, and how much slower than this machine it is. */
const LINK = { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 200_000 };
const CPU_RATE = 4;
/** What one measurement began in the background ends before the next, ms. */
const REST_MS = 1_500;
/** Until the service worker has fetched everything on the slow line, ms. */
const INSTALL_MS = 12_000;
/** Frames of the list's way, 40 px each. */
const FRAMES = 180;
const FRAME_MS = 1000 / 60;

/** Numbers by what they say. */
export type Row = Record<string, number>;

export const rest = (ms = REST_MS) => new Promise((resolve) => setTimeout(resolve, ms));

export async function newContext(browser: Browser, url: string, cookie: string): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: PHONE, hasTouch: true, locale: 'en-GB' });
  const [name, ...value] = cookie.split('=');
  if (name) await context.addCookies([{ name, value: value.join('='), url }]);
  return context;
}

/** A page whose processor is slow; its line too, when `isSlow`. */
export async function newPage(
  context: BrowserContext,
  isSlow: boolean,
  rate = CPU_RATE,
): Promise<{ page: Page; cdp: CDPSession }> {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  if (isSlow) await cdp.send('Network.emulateNetworkConditions', LINK);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate });
  return { page, cdp };
}

/** When the first element of a selector was painted: ms since the page began to load. */
export const painted = (page: Page, selector: string): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    const look = () => document.querySelector(${JSON.stringify(selector)})
      ? requestAnimationFrame(() => resolve(performance.now()))
      : requestAnimationFrame(look);
    look();
  })`);

/** What the page's thread has worked so far, ms. */
async function threadMs(cdp: CDPSession): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return 1000 * metrics.find(({ name }) => name === 'TaskDuration')!.value;
}

/** Opens a page at an address. @param selector what is there when it is drawn */
async function start(context: BrowserContext, url: string, selector: string) {
  const opened = await newPage(context, true);
  let requests = 0;
  opened.cdp.on('Network.requestWillBeSent', ({ request }) => {
    if (request.url.startsWith('http')) requests++;
  });
  await opened.page.goto(url, { waitUntil: 'commit' });
  const ms = await painted(opened.page, selector);
  return { ...opened, ms, requests };
}

/** Any dashboard, in a browser that has never been there, and again. */
export async function measureStart(browser: Browser, url: string, cookie: string, selector: string): Promise<Row> {
  const context = await newContext(browser, url, cookie);
  try {
    const cold = await start(context, url, selector);
    const { ms, requests } = cold;
    const contentful = await cold.page.evaluate(CONTENTFUL) as number;
    await rest(INSTALL_MS);
    await cold.page.close();
    const warm = await start(context, url, selector);
    return {
      'dashboard contentful, ms': contentful,
      'dashboard cold, ms': ms,
      'dashboard cold, requests': requests,
      'dashboard again, ms': warm.ms,
    };
  } finally {
    await context.close();
  }
}

/** When anything of the page was painted first. */
const CONTENTFUL = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity`;

const CONVERSATION = '.agent-page .bubble, .agent-page .markdown';

/** From the tap until the conversation is there, ms. */
export async function openAgent(page: Page, id: string): Promise<number> {
  const link = `.agent-card a[href*="${id}"]`;
  const from = await page.evaluate(`(() => {
    const now = performance.now();
    document.querySelector(${JSON.stringify(link)}).click();
    return now;
  })()`) as number;
  return await painted(page, CONVERSATION) - from;
}

/** An agent opened from the list, and once more. @param isSlow on the slow line; else what the processor alone takes */
export async function measureAgent(browser: Browser, world: World, isSlow: boolean): Promise<Row> {
  const { product: { relayUrl }, cookie, talker } = world;
  const context = await newContext(browser, relayUrl, cookie);
  try {
    const { page, cdp } = await newPage(context, isSlow);
    const traffic = countReplies(cdp, `/api/agents/${talker}`);
    await page.goto(relayUrl, { waitUntil: 'commit' });
    await painted(page, '.agent-card');
    await rest(INSTALL_MS);
    const first = await openAgent(page, talker);
    await rest();
    const { asked, bytes } = traffic;
    await page.goBack();
    await painted(page, '.agent-card');
    await rest();
    const again = await openAgent(page, talker);
    const place = isSlow ? 'throttled' : 'processor alone';
    return {
      [`agent first, ${place}, ms`]: first,
      [`agent again, ${place}, ms`]: again,
      ...isSlow ? {} : { 'GET /api/agents/:id when it opens': asked, 'GET /api/agents/:id, bytes': bytes },
    };
  } finally {
    await context.close();
  }
}

/** Counts the replies to a path, and their bytes as they came. */
function countReplies(cdp: CDPSession, path: string): { asked: number; bytes: number } {
  const traffic = { asked: 0, bytes: 0 };
  const counted = new Set<string>();
  cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
    if (!new URL(request.url).pathname.endsWith(path)) return;
    counted.add(requestId);
    traffic.asked++;
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (counted.has(requestId)) traffic.bytes += encodedDataLength;
  });
  return traffic;
}

/** A list of many agents: what it is made of, what the feed sends, and how it scrolls. */
export async function measureList(browser: Browser, url: string, count: number): Promise<Row> {
  const context = await newContext(browser, url, '');
  try {
    const { page, cdp } = await newPage(context, false);
    let [feed, first] = [0, 0];
    // The browser shows what it has unpacked.
    cdp.on('Network.webSocketFrameReceived', ({ response }) => {
      feed += deflateRawSync(response.payloadData).length;
    });
    await page.goto(url, { waitUntil: 'commit' });
    const shown = await painted(page, '.agent-card');
    first = feed;
    await rest(2 * REST_MS);
    const elements = await page.evaluate(`document.querySelectorAll('*').length`) as number;
    const before = await threadMs(cdp);
    const dropped = await page.evaluate(SCROLL) as number;
    const perFrame = CPU_RATE * (await threadMs(cdp) - before) / FRAMES;
    const of = `${count.toLocaleString('en')} agents: `;
    return {
      [`${of}shown, ms`]: shown,
      [`${of}elements of the page`]: elements,
      [`${of}feed until then, bytes compressed`]: first,
      [`${of}feed in all, bytes compressed`]: feed,
      [`${of}frames dropped of ${FRAMES}`]: dropped,
      [`${of}thread at a quarter of the speed, ms a frame`]: perFrame,
    };
  } finally {
    await context.close();
  }
}

/** Scrolls down evenly; gives the number of frames that were due meanwhile and did not come. */
const SCROLL = `new Promise((resolve) => {
  let [left, before, dropped] = [${FRAMES}, 0, 0];
  const step = (now) => {
    if (before) dropped += Math.max(0, Math.round((now - before) / ${FRAME_MS}) - 1);
    before = now;
    if (--left < 0) return resolve(Math.min(dropped, ${FRAMES}));
    scrollBy(0, 40);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})`;

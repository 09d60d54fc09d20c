/** Debian's Chromium, driven by playwright-core; the flags keep it off every network but loopback. */
import { type Browser, chromium, type Page } from 'playwright-core';
import process from 'node:process';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1440, height: 900 };

export async function launchBrowser(args: string[] = []): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return withNames(await chromium.launch({ executablePath, args: [...ARGS, ...args] }));
}

/** tsx compiles `const f = () => …` to a call of its own `__name`, which a function that is sent to a page does not find there. */
function withNames(browser: Browser): Browser {
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    await context.addInitScript({ content: 'globalThis.__name = (value) => value;' });
    return context;
  };
  return browser;
}

/** A page whose script errors and refused content (CSP) fail the test: read `problems` at its end. */
export async function openPage(browser: Browser, viewport = PHONE): Promise<{ page: Page; problems: string[] }> {
  const context = await browser.newContext({ viewport, hasTouch: viewport.width < 600, locale: 'en-GB' });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(message.text())) {
      problems.push(message.text());
    }
  });
  return { page, problems };
}

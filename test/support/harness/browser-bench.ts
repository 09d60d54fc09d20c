/**
 * A browser, the built relay and an agent's server with a scripted CLI, for the tests of a file; and pictures of pages, to be
 * looked at.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import { type Bench, startBench } from './agent-server.ts';
import { launchBrowser, openPage } from './browser.ts';
import { type Product, startProduct } from './product.ts';

export interface BrowserBench {
  /** All are there while the tests of the file run. */
  readonly bench: Bench;
  readonly browser: Browser;
  /** The dashboard on the relay's address. */
  readonly relayUrl: string;
  /** A page with a login at the relay. */
  open(viewport: { width: number; height: number }): Promise<{ page: Page; problems: string[] }>;
  /** A temporary folder of the file's own. */
  readonly directory: string;
  /** A file with all that the CLIs have received on their stdin. */
  readonly input: string;
}

/** @param name of the temporary folder; `prepare` runs before the tests */
export function browserBench(
  name: string,
  prepare: (it: BrowserBench) => void | Promise<void> = () => {},
): BrowserBench {
  const it = {} as { -readonly [Key in keyof BrowserBench]: BrowserBench[Key] };
  let relay: Product;
  it.open = (viewport) => openSignedIn(it.browser, relay, viewport);
  test.before(async () => {
    it.browser = await launchBrowser();
    it.directory = mkdtempSync(join(tmpdir(), `${name}-`));
    process.env.FAKE_CLAUDE_LOG = it.input = join(it.directory, 'stdin.jsonl');
    relay = await startProduct({ withAgent: false });
    it.relayUrl = relay.relayUrl;
    it.bench = await startBench({ RELAY_URL: `ws://127.0.0.1:${relay.relayPort}/tunnel`, RELAY_TOKEN: relay.token });
    await relay.tunnel(true);
    await prepare(it);
  });
  test.after(async () => {
    delete process.env.FAKE_CLAUDE_LOG;
    await it.browser?.close();
    await it.bench?.close();
    await relay?.close();
    if (it.directory) rmSync(it.directory, { recursive: true, force: true });
  });
  return it;
}

async function openSignedIn(browser: Browser, relay: Product, viewport: { width: number; height: number }) {
  const opened = await openPage(browser, viewport);
  const [name, ...value] = (await relay.login()).split('=');
  await opened.page.context().addCookies([{ name: name!, value: value.join('='), url: relay.relayUrl }]);
  return opened;
}

/** Takes pictures of a page, light and dark, into the folder that a variable of the environment names; none without it. */
export const shotsInto = (variable: string) => async (page: Page, name: string): Promise<void> => {
  const directory = process.env[variable];
  if (!directory) return;
  mkdirSync(directory, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(200);
    await page.screenshot({ path: join(directory, `${name}-${page.viewportSize()!.width}-${colorScheme}.png`) });
  }
};

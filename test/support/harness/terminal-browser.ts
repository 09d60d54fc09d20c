/** A signed-in page with a terminal, through the relay, and what it was sent. */
import { Buffer } from 'node:buffer';
import type { Browser, Page } from 'playwright-core';
import type { TerminalInfo } from '../../../core/api/terminals.ts';
import type { TerminalMessage } from '../../../core/api/terminals.ts';
import { DESKTOP, openPage } from './browser.ts';
import type { Product } from './product.ts';

export interface TerminalPage {
  page: Page;
  problems: string[];
  /** Output bytes at their absolute offsets, as they came over the page's sockets. */
  received: { at: number; bytes: Buffer }[];
  /** Types into the terminal. */
  type(text: string): Promise<void>;
  /** What the screen shows now. */
  screen(): Promise<string>;
  /** Waits until the screen shows it. */
  sees(pattern: RegExp, ms?: number): Promise<void>;
  /** All text with the scrollback, by the page's own dialog. */
  text(): Promise<string>;
  close(): Promise<void>;
}

const KEYS: Record<string, string> = { '\n': 'Enter', '\x03': 'Control+c', '\x04': 'Control+d' };

export async function newTerminal(product: Product, body: object = {}): Promise<TerminalInfo> {
  const answer = await product.fetch('/api/terminals', {
    method: 'POST',
    body: JSON.stringify({ directory: product.directory, ...body }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  return await answer.json() as TerminalInfo;
}

/** @param options.origin another way to the same dashboard (a cable), which must need the same login */
export async function openTerminalPage(
  browser: Browser,
  product: Product,
  id: string,
  options: { viewport?: typeof DESKTOP; origin?: string; login?: boolean } = {},
): Promise<TerminalPage> {
  const { viewport = DESKTOP, origin = product.relayUrl, login = true } = options;
  const { page, problems } = await openPage(browser, viewport);
  const received = record(page, id);
  await page.goto(origin);
  if (login) {
    await page.getByRole('textbox', { name: 'Password' }).fill(product.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Agents' }).first().waitFor();
  }
  await page.goto(`${origin}/#/terminals/${id}`);
  await page.getByRole('img', { name: 'Connected' }).waitFor();
  const screen = () => page.locator('.xterm-rows').innerText().then((text) => text.replaceAll('\u00a0', ' '));
  return {
    page,
    problems,
    received,
    screen,
    async type(text) {
      await page.locator('.xterm-helper-textarea').focus();
      for (const part of text.split(/([\n\x03\x04])/).filter(Boolean)) {
        if (KEYS[part]) await page.keyboard.press(KEYS[part]);
        else await page.keyboard.insertText(part);
      }
    },
    async sees(pattern, ms = 15_000) {
      const end = Date.now() + ms;
      for (;;) {
        const text = await screen();
        if (pattern.test(text)) return;
        if (Date.now() > end) throw new Error(`not on the screen: ${pattern}\n${text}`);
        await page.waitForTimeout(50);
      }
    },
    async text() {
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Select text' }).click();
      const text = await page.locator('.terminal-text').textContent();
      await page.keyboard.press('Escape');
      return (text ?? '').replaceAll('\u00a0', ' ');
    },
    close: () => page.context().close(),
  };
}

/** Follows the terminal's sockets: which output the page was sent, repaints left out. */
function record(page: Page, id: string): TerminalPage['received'] {
  const received: TerminalPage['received'] = [];
  page.on('websocket', (socket) => {
    if (!socket.url().includes(id)) return;
    let painting = 0;
    let offset = 0;
    socket.on('framereceived', ({ payload }) => {
      if (typeof payload === 'string') {
        const message = JSON.parse(payload) as TerminalMessage;
        if (message.type !== 'attached') return;
        painting = message.repaint;
        offset = message.offset;
      } else if (painting > 0) {
        painting -= payload.length;
      } else {
        received.push({ at: offset, bytes: Buffer.from(payload) });
        offset += payload.length;
      }
    });
  });
  return received;
}

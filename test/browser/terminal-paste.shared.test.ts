/** What is pasted into a terminal stays between the brackets that the shell has asked for: nothing of it is run. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser, Page } from 'playwright-core';
import { DESKTOP, launchBrowser, PHONE } from '../support/harness/browser.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { newTerminal, openTerminalPage, type TerminalPage } from '../support/harness/terminal-browser.ts';

let product: Product;
let browser: Browser;
let terminal: TerminalPage | null = null;

test.before(async () => {
  product = await startProduct();
  browser = await launchBrowser();
});
test.after.each(async () => {
  const { problems } = terminal!;
  await terminal!.close();
  assert.equal(problems, []);
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

const file = (name: string) => join(product.directory, name);

/** bash with its line editor, which asks for bracketed paste. */
async function bash(viewport = DESKTOP): Promise<TerminalPage> {
  terminal = await openTerminalPage(browser, product, (await newTerminal(product)).id, { viewport });
  await terminal.type(`exec env -i TERM=xterm-256color PATH="$PATH" PS1='> ' bash --norc --noprofile -i\n`);
  await terminal.sees(/^> *$/m);
  return terminal;
}

const ATTACKS = {
  'the end of the brackets': 'echo a\x1b[201~\ntouch PWNED\n',
  'the end with CSI as one character': 'echo a\x9b201~\ntouch PWNED\n',
  'one end within another': 'echo a\x1b[20\x1b[201~1~\ntouch PWNED\n',
  'an end without a line before it': '\x1b[201~touch PWNED\r',
  'a key that ends the line before': 'echo a\x03\ntouch PWNED\n',
};

/** @param paste brings the text into the terminal as a user does */
async function attack(page: TerminalPage, paste: () => Promise<void>): Promise<void> {
  rmSync(file('PWNED'), { force: true });
  rmSync(file('done'), { force: true });
  await paste();
  await page.sees(/touch PWNED/);
  await page.type('\x03');
  // Keys that come before bash has left the line are still taken for its line.
  await page.sees(/\^C\n+> *\n*$/);
  await page.type('touch done\n');
  await until('the next command', () => existsSync(file('done')));
  assert.not.ok(existsSync(file('PWNED')), 'a part of the pasted text was run: ' + await page.screen());
}

const copy = async (page: Page, text: string) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
};

test('by the keyboard', async () => {
  const entry = await bash();
  for (const text of Object.values(ATTACKS)) {
    await copy(entry.page, text);
    await attack(entry, async () => {
      await entry.page.locator('.xterm-helper-textarea').focus();
      await entry.page.keyboard.press('Control+Shift+V');
    });
  }
  await entry.page.getByText('Control characters in the pasted text were replaced.').waitFor();
});

test('by the menu, which reads the clipboard', async () => {
  const entry = await bash();
  for (const text of Object.values(ATTACKS)) {
    await copy(entry.page, text);
    await attack(entry, async () => {
      await entry.page.getByRole('button', { name: 'More actions' }).click();
      await entry.page.getByRole('menuitem', { name: 'Paste' }).click();
    });
  }
});

test('by the field of the dialog, where the page may not read the clipboard', async () => {
  const entry = await bash(PHONE);
  for (const text of Object.values(ATTACKS)) {
    await attack(entry, async () => {
      await entry.page.getByRole('toolbar').getByRole('button', { name: 'Paste' }).tap();
      await entry.page.getByRole('dialog').getByRole('textbox').fill(text);
      await entry.page.getByRole('button', { name: 'Send to the terminal' }).click();
    });
  }
});

test('several lines are pasted as they are, and run when Enter is pressed', async () => {
  const entry = await bash();
  await copy(entry.page, 'touch first\ntouch second');
  await entry.page.locator('.xterm-helper-textarea').focus();
  await entry.page.keyboard.press('Control+Shift+V');
  await entry.sees(/touch first\n+touch second/);
  assert.not.ok(existsSync(file('first')));
  await entry.type('\n');
  await until('both lines', () => existsSync(file('first')) && existsSync(file('second')));
});

test.run();

/** Terminals in a browser, through the relay. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { DESKTOP, launchBrowser, PHONE } from '../support/harness/browser.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { newTerminal, openTerminalPage, type TerminalPage } from '../support/harness/terminal-browser.ts';

/** After which the hits of a search do not move by themselves. */
const SEARCHED_ANEW_MS = 400;

let product: Product;
let browser: Browser;
const open: TerminalPage[] = [];

test.before(async () => {
  product = await startProduct();
  browser = await launchBrowser();
});
test.after.each(async () => {
  for (const entry of open.splice(0)) {
    assert.equal(entry.problems, []);
    await entry.close();
  }
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

async function terminal(viewport = DESKTOP, id?: string) {
  id ??= (await newTerminal(product)).id;
  const shown = await openTerminalPage(browser, product, id, { viewport });
  open.push(shown);
  return { ...shown, id };
}

/** A shell whose prompt and settings are known. */
async function shell(viewport = DESKTOP) {
  const entry = await terminal(viewport);
  await entry.type(`exec env -u VIMINIT PS1='$ ' HOME=${product.directory} /bin/sh\n`);
  await entry.sees(/^\$ *$/m); // what is typed while it starts may be lost
  await entry.type('clear\n');
  await entry.sees(/^\$ *\n*$/);
  return entry;
}
const file = (name: string) => join(product.directory, name);

test('what is typed runs; colours, UTF-8 and emoji are drawn under the strict policy', async () => {
  const { page, type, sees } = await shell();
  await type(`printf 'é中文😀 \\033[38;2;1;200;3mtrue\\033[0m \\033[1;4mbold\\033[0m\\n'\n`);
  await sees(/^é中文😀 true bold/m);
  const colour = (text: string) =>
    page.locator('.xterm-rows span', { hasText: new RegExp(`^${text}$`) }).last().evaluate((span) => {
      const { color, fontWeight, textDecorationLine } = getComputedStyle(span);
      return { color, fontWeight, textDecorationLine };
    });
  const [, red, green, blue] = /rgb\((\d+), (\d+), (\d+)\)/.exec((await colour('true')).color)!.map(Number);
  assert.ok(green! > red! + 50 && green! > blue! + 50, 'green, as readable as the page needs it');
  const bold = await colour('bold');
  assert.is(bold.fontWeight, '700');
  assert.match(bold.textDecorationLine, 'underline');
  const policy = (await page.request.get(product.relayUrl)).headers()['content-security-policy']!;
  assert.not.match(policy, 'unsafe');
});

test('the PTY has the size of the page', async () => {
  const { page, type, sees } = await shell();
  await type('stty size\n');
  await sees(/^\d\d (1\d\d)\n/m);
  await page.setViewportSize({ width: 1000, height: 500 });
  await type('while sleep 0.1; do stty size; done\n');
  await sees(/^(1\d|2\d) ([89]\d)\n/m);
  await type('\x03');
});

test('vim edits a file, top draws its table', async () => {
  const { type, sees, page } = await shell();
  await type('vim -u NONE -c "set nocp" note.txt\n');
  await sees(/"note\.txt" \[New/); // vim's own line: keys that come before vim are echoed by the shell's terminal
  await type('ihello from vim é😀');
  await page.keyboard.press('Escape');
  await type(':wq\n');
  await until('the file', () => existsSync(file('note.txt')));
  assert.is(readFileSync(file('note.txt'), 'utf8'), 'hello from vim é😀\n');
  await sees(/note\.txt\n+\$ *\n*$/);
  await type('top -d 1\n');
  await sees(/PID USER[^]*TIME\+ COMMAND/);
  await type('q');
  await sees(/\$ *$/m);
});

test('a megabyte is pasted whole', async () => {
  const { page, type, sees } = await shell();
  const text = Array.from({ length: 17_000 }, (_, i) => `line ${i} ${'x'.repeat(50)}\n`).join('');
  assert.ok(text.length > 1e6);
  await type('stty -echo; cat > pasted; echo done\n');
  await page.locator('.xterm-helper-textarea').evaluate((area, pasted) => {
    const data = new DataTransfer();
    data.setData('text/plain', pasted);
    area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
  await until('all of it', () => existsSync(file('pasted')) && readFileSync(file('pasted')).length === text.length);
  await type('\x04');
  await sees(/^done/m);
  assert.ok(readFileSync(file('pasted'), 'utf8') === text);
});

test('a reload in the middle of output loses nothing and shows nothing twice', async () => {
  const { page, type, sees, received, text } = await shell();
  const steps = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); seq $((i*50-49)) $((i*50)); sleep 0.05; done; echo END';
  writeFileSync(file('steps.sh'), `echo BEGIN; ${steps}\n`);
  await type('sh steps.sh | tee pty.log\n');
  await sees(/^1\d\d\d$/m);
  await page.reload();
  await sees(/^END/m, 30_000);
  const all = await text();
  const lines = all.slice(all.indexOf('BEGIN')).split('\n');
  const log = readFileSync(file('pty.log'), 'utf8');
  assert.equal(lines.slice(0, 3002), log.split('\n').slice(0, 3002));
  // Byte by byte: what came over the socket stands where the PTY wrote it.
  const end = Math.max(...received.map(({ at, bytes }) => at + bytes.length));
  const pty = Buffer.alloc(end);
  for (const { at, bytes } of received) {
    const before = pty.subarray(at, at + bytes.length);
    assert.ok(before.every((byte) => byte === 0) || before.equals(bytes), `two versions of byte ${at}`);
    bytes.copy(pty, at);
  }
  const last = pty.subarray(0, pty.lastIndexOf('END\r\n'));
  const run = last.subarray(last.lastIndexOf(0) + 1);
  assert.ok(run.length > 1000);
  assert.ok(Buffer.from(log.replaceAll('\n', '\r\n')).includes(run));
});

test('a phone and a desktop show the same terminal in the smaller size', async () => {
  const desk = await shell();
  const phone = await terminal(PHONE, desk.id);
  await desk.type('stty size; echo from the desk\n');
  await phone.sees(/^\d\d 4\d\n+from the desk/m);
  await phone.type('echo from the phone\n');
  await desk.sees(/^from the phone/m);
  await desk.page.getByText(/for a smaller screen/).waitFor();
  await phone.page.getByRole('button', { name: 'More actions' }).click();
  await phone.page.getByRole('menuitem', { name: 'View only' }).click();
  await desk.page.getByText(/for a smaller screen/).waitFor({ state: 'detached' });
  await desk.type('clear; stty size\n');
  await phone.sees(/^\d\d 1\d\d/m);
});

test('the key bar of a phone sends what its keyboard lacks, and keeps the focus', async () => {
  const { page, type, sees } = await shell(PHONE);
  const key = (name: string) => page.getByRole('toolbar').getByRole('button', { name, exact: true }).tap();
  await type('cat -v\n');
  for (const name of ['Esc', 'Tab', 'Up', 'Home', 'Page up', '|', '~', '/', '-']) await key(name);
  await sees(/\^\[ *\^\[\[A\^\[\[H\^\[\[5~\|~\/-/);
  await key('Ctrl');
  await key('Left');
  await sees(/\^\[\[1;5D/);
  await key('Alt');
  await type('x');
  await sees(/\^\[x/);
  await key('Ctrl');
  await type('c');
  await sees(/\^C\n\$/);
  await type('sleep 100\n');
  await key('Ctrl-C');
  await sees(/sleep 100\n+\^C\n\$/);
  assert.ok(await page.evaluate(() => document.activeElement?.classList.contains('xterm-helper-textarea')));
});

test('text of an input method arrives once', async () => {
  const { page, type, sees } = await shell();
  await type('cat\n');
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Input.imeSetComposition', { text: 'ni', selectionStart: 2, selectionEnd: 2 });
  await devtools.send('Input.imeSetComposition', { text: '你', selectionStart: 1, selectionEnd: 1 });
  await devtools.send('Input.insertText', { text: '你好' });
  await type('\n');
  await sees(/^你好\n+你好$/m);
});

test('searching finds and counts, links are only of the web, the clipboard is left alone', async () => {
  const { page, type, sees } = await shell();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate(() => navigator.clipboard.writeText('mine'));
  await type(`printf '\\033]52;c;c3RvbGVu\\007'; seq 1 300; echo needle; seq 1 300; echo needle\n`);
  await sees(/needle\n\$/);
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByRole('searchbox').fill('needle');
  const position = page.getByText(/\d of 4/);
  await position.waitFor();
  // Output and a new size (the bar takes its row) have the addon search anew 200 ms later, which may move to another hit.
  let before: string | null = null;
  await until('a hit that stays', async () => {
    const last = before;
    before = await position.textContent();
    await page.waitForTimeout(SEARCHED_ANEW_MS);
    return last !== null && last === before && before === await position.textContent();
  });
  // Enter that ends an input method's conversion goes to no other hit.
  await page.getByRole('searchbox').dispatchEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true });
  await page.getByRole('searchbox').dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true });
  assert.is(await position.textContent(), before);
  await page.keyboard.press('Enter');
  await until('the next hit', async () => await position.textContent() !== before);
  await page.keyboard.press('Escape');
  assert.is(await page.evaluate(() => navigator.clipboard.readText()), 'mine');
});

test('opening, renaming and closing from the dashboard', async () => {
  const { page } = await terminal();
  await page.goto(`${product.relayUrl}/#/terminals`);
  await page.getByRole('button', { name: 'New terminal' }).first().click();
  await page.getByRole('combobox', { name: /irectory|older/ }).fill(product.directory);
  await page.getByRole('textbox', { name: /^Name/ }).fill('my build');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('img', { name: 'Connected' }).waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('release');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: /release/ }).waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Close terminal' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Close terminal' }).click();
  await page.getByRole('heading', { name: 'Terminals' }).waitFor();
  assert.is(await page.getByText('release').count(), 0);
});

test('the end of the program is told, and it can be started again', async () => {
  const { page, type, sees } = await shell();
  await type('exit 3\n');
  await page.getByText('The program ended with code 3.').waitFor();
  await page.getByRole('button', { name: 'Restart' }).click();
  await page.getByRole('img', { name: 'Connected' }).waitFor();
  await type('echo again\n');
  await sees(/again/);
});

test.run();

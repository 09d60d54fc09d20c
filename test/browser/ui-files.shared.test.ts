/** An agent's files in a real browser over a real relay: looked at, searched, changed, sent; and nothing in them runs. */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Browser, Page } from 'playwright-core';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { type Product, ROOT, startProduct, until } from '../support/harness/product.ts';
import { createVideo } from '../support/harness/webm.ts';

let product: Product;
let browser: Browser;
let agent: string;
let project: string;

test.before(async () => {
  product = await startProduct({ agentEnv: { CLAUDE_BIN: join(ROOT, 'scripts/demo/demo-claude.ts') } });
  browser = await launchBrowser();
  project = join(product.directory, 'project');
  mkdirSync(join(project, 'src'), { recursive: true });
  mkdirSync(join(project, 'many'));
  for (let i = 0; i < 10_000; i++) writeFileSync(join(project, `many/file-${i}.txt`), '');
  // As git has it: only what it knows or would take is looked through.
  execFileSync('git', ['init', '-q', project]);
  const lines = Array.from({ length: 500 }, (_, i) => `const line${i + 1} = ${i + 1};`);
  writeFileSync(join(project, 'src/cart.ts'), lines.join('\n'));
  writeFileSync(join(project, 'README.md'), '# The project\n\nWith **words**.\n');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"><rect width="80" height="80" fill="teal"/>
    <script>globalThis.ran = 1; fetch('/api/agents')</script></svg>`;
  writeFileSync(join(project, 'drawing.svg'), svg);
  const page = `<body><script>document.title = 'ran'; fetch('/api/agents').then(() => document.title += '!')</script>
    <img src="/api/agents" onerror="document.title='ran'"></body>`;
  writeFileSync(join(project, 'page.html'), page);
  writeFileSync(join(project, 'data.bin'), Buffer.from([0, 1, 2, 0xff, 0x41]));
  writeFileSync(join(project, 'two\nlines \u202etxt.exe'), 'odd');
  writeFileSync(join(project, 'large.log'), '');
  truncateSync(join(project, 'large.log'), 5 * 1024 ** 3);
  symlinkSync('/etc/passwd', join(project, 'out'));
  symlinkSync('/proc/self', join(project, 'proc'));
  symlinkSync('loop', join(project, 'loop'));
  execFileSync('mkfifo', [join(project, 'pipe')]);
  mkdirSync(join(project, 'odd'));
  writeFileSync(named('odd/bad'), 'bytes of a bad name');
  const body = JSON.stringify({ directory: project, prompt: 'hello', flags: { worktree: false } });
  const response = await product.fetch('/api/agents', { method: 'POST', body });
  agent = (await response.json() as { id: string }).id;
});
test.after(async () => {
  await browser?.close();
  await product?.close();
});

/** A path in the project whose name ends with a byte that is no UTF-8. */
const named = (path: string) => Buffer.concat([Buffer.from(join(project, path)), Buffer.of(0xff)]);

/** A page of the dashboard, signed in. */
async function open(file: string, viewport = DESKTOP): Promise<{ page: Page; problems: string[] }> {
  const opened = await openPage(browser, viewport);
  const cookie = await product.login();
  const [name, ...value] = cookie.split('=');
  await opened.page.context().addCookies([{ name: name!, value: value.join('='), url: product.relayUrl }]);
  await opened.page.goto(`${product.relayUrl}/#/agents/${agent}/files${file}`);
  await opened.page.locator('.file-browser').waitFor();
  return opened;
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`ten thousand files are few rows; a file, a line, a search (${viewport.width})`, async () => {
    const { page, problems } = await open('', viewport);
    await page.locator('.file-row', { hasText: 'many' }).click();
    await page.locator('.file-row').first().waitFor();
    assert.ok(await page.locator('.file-row').count() < 200, 'only what is in view is drawn');
    // The first entries are seen before the others are here.
    const list = page.locator('.window-list');
    await until('all of them', () => list.evaluate((box) => box.scrollHeight > 44 * 9000));
    await list.evaluate((box) => box.scrollTop = box.scrollHeight);
    await page.getByText('file-9999.txt').waitFor();
    await page.getByLabel('Search files').fill('crt');
    await page.locator('.found-row', { hasText: 'cart.ts' }).click();
    await page.getByText('const line1 = 1;').waitFor();
    await page.goto(`${product.relayUrl}/#/agents/${agent}/files/${encodeURIComponent('src/cart.ts')}/321`);
    await page.locator('.text-line.marked', { hasText: 'const line321 = 321;' }).waitFor();
    const isSeen = await page.locator('.text-line.marked').evaluate((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return top > 0 && bottom < innerHeight;
    });
    assert.ok(isSeen, 'the line is in view');
    await page.getByLabel('Search files').fill('line400 =');
    await page.getByText('Text', { exact: true }).click();
    await page.locator('.found-row', { hasText: 'src/cart.ts:400' }).waitFor();
    assert.equal(problems, []);
    await page.context().close();
  });
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`what a file is: markdown, picture, bytes, five gigabytes; what leads outside is refused (${viewport.width})`, async () => {
    const { page, problems } = await open('/README.md', viewport);
    await page.locator('.markdown strong', { hasText: 'words' }).waitFor();
    const show = (file: string) => page.goto(`${product.relayUrl}/#/agents/${agent}/files/${encodeURIComponent(file)}`);
    await show('drawing.svg');
    await until(
      'the picture',
      () => page.locator('.picture img').evaluate((img) => (img as HTMLImageElement).naturalWidth > 0),
    );
    await show('data.bin');
    await page.getByText('00 01 02 ff 41').waitFor();
    await show('large.log');
    await page.getByText('0 B to 2.0 MB of 5120.0 MB').waitFor();
    await page.getByRole('button', { name: 'Next part' }).click();
    await page.getByText('2.0 MB to 4.0 MB').waitFor();
    await show('two\nlines \u202etxt.exe');
    await page.getByText('odd', { exact: true }).waitFor();
    for (const file of ['out', 'proc', 'loop', '../x', '.git/config']) {
      await show(file);
      await page.getByText('This could not be loaded.').waitFor();
    }
    assert.equal(problems, []);
    await page.context().close();
  });
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`a name that is no UTF-8 is opened, saved and downloaded; a pipe says what it is (${viewport.width})`, async () => {
    const content = `bytes of a bad name, ${viewport.width}`;
    writeFileSync(named('odd/bad'), content);
    const { page, problems } = await open('/odd%2F', viewport);
    await page.locator('.file-row', { hasText: 'bad\\xff' }).click();
    await page.getByText(content, { exact: true }).waitFor();
    const download = page.getByRole('button', { name: 'Download' }).or(page.getByRole('link', { name: 'Download' }));
    const [file] = await Promise.all([page.waitForEvent('download'), download.click()]);
    assert.is(readFileSync(await file.path(), 'utf8'), content);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Content of bad\\xff' }).fill('mine');
    await page.getByRole('button', { name: 'Save' }).click();
    await until('the file itself', () => readFileSync(named('odd/bad'), 'utf8') === 'mine');
    assert.equal(readdirSync(join(project, 'odd'), { encoding: 'buffer' }).length, 1, 'no other file was made');
    await page.goto(`${product.relayUrl}/#/agents/${agent}/files`);
    await page.locator('.file-row.closed', { hasText: 'pipe' }).getByText('Pipe, socket or device').waitFor();
    await page.goto(`${product.relayUrl}/#/agents/${agent}/files/pipe`);
    await page.getByText('This is a named pipe, not a file with content.').waitFor();
    assert.equal(problems, []);
    await page.context().close();
  });

  test(`a path and line that the agent names lead to that line (${viewport.width})`, async () => {
    const prompt = 'Look at `src/cart.ts:321`.';
    const body = JSON.stringify({ directory: project, prompt, name: 'Links', flags: { worktree: false } });
    const { id } = await (await product.fetch('/api/agents', { method: 'POST', body })).json() as { id: string };
    const { page, problems } = await open('', viewport);
    await page.goto(`${product.relayUrl}/#/agents/${id}`);
    await page.locator('a.file-link', { hasText: 'src/cart.ts:321' }).click();
    await page.locator('.text-line.marked', { hasText: 'const line321 = 321;' }).waitFor();
    assert.equal(problems, []);
    await page.context().close();
  });

  test(`a video is seen from its end by ranges (${viewport.width})`, async () => {
    const { page, problems } = await open('', viewport);
    const video = await createVideo(page, 40);
    writeFileSync(join(project, 'video.webm'), video);
    const ranges: [number, string][] = [];
    page.on('response', (response) => {
      const isContent = response.url().includes('video.webm') && response.request().method() === 'GET';
      if (isContent) ranges.push([response.status(), response.headers()['content-range'] ?? '']);
    });
    await page.goto(`${product.relayUrl}/#/agents/${agent}/files/video.webm`);
    const player = page.locator('video');
    await until('its length', () => player.evaluate((video) => (video as HTMLVideoElement).duration === 40));
    await player.evaluate((video) => (video as HTMLVideoElement).currentTime = 38);
    await until('its end', () => player.evaluate(({ readyState, seeking }: any) => readyState >= 2 && !seeking));
    assert.is(await player.evaluate((video) => (video as HTMLVideoElement).videoWidth), 64);
    assert.ok(ranges.every(([status]) => status === 206), JSON.stringify(ranges));
    const starts = ranges.map(([, range]) => Number(/^bytes (\d+)-/.exec(range)?.[1]));
    assert.ok(starts.some((start) => start > video.length / 2), `only from ${starts} of ${video.length}`);
    assert.equal(problems, []);
    await page.context().close();
  });
}

/** Mono, 8 bits, 8000 samples a second. */
function wave(seconds: number): Buffer {
  const head = Buffer.from('RIFF....WAVEfmt \x10...\x01.\x01.....\x00...\x01.\x08.data....', 'latin1').fill(0, 17, 20);
  const size = 8000 * seconds;
  head.writeUInt32LE(36 + size, 4);
  head.writeUInt32LE(16, 16);
  for (const [at, value] of [[20, 1], [22, 1], [32, 1], [34, 8]] as const) head.writeUInt16LE(value, at);
  for (const at of [24, 28]) head.writeUInt32LE(8000, at);
  head.writeUInt32LE(size, 40);
  return Buffer.concat([head, Buffer.alloc(size, 128)]);
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`sound is heard from its middle by a range, and a folder is saved as a zip (${viewport.width})`, async () => {
    writeFileSync(join(project, 'sound.wav'), wave(600));
    const { page, problems } = await open('/sound.wav', viewport);
    const statuses: number[] = [];
    page.on('response', (response) => {
      if (response.url().includes('sound.wav') && response.request().method() === 'GET') {
        statuses.push(response.status());
      }
    });
    await page.reload();
    const audio = page.locator('audio');
    await until('its length', () => audio.evaluate((audio) => (audio as HTMLAudioElement).duration === 600));
    await audio.evaluate((audio) => (audio as HTMLAudioElement).currentTime = 500);
    await until('its end', () => audio.evaluate(({ readyState, seeking }: any) => readyState >= 2 && !seeking));
    assert.ok(statuses.length > 0 && statuses.every((status) => status === 206), String(statuses));
    await page.goto(`${product.relayUrl}/#/agents/${agent}/files`);
    await page.locator('.file-row', { hasText: 'src' }).click();
    await page.locator('.file-row', { hasText: 'cart.ts' }).waitFor();
    await page.getByRole('button', { name: 'More', exact: true }).click();
    const button = page.getByRole('menuitem', { name: 'Download as zip' });
    const [file] = await Promise.all([page.waitForEvent('download'), button.click()]);
    const list = execFileSync('python3', ['-m', 'zipfile', '-l', await file.path()]).toString();
    assert.match(list, /cart\.ts/);
    assert.equal(problems, []);
    await page.context().close();
  });
}

test('HTML and SVG do nothing on our origin, opened as pages of their own', async () => {
  const { page } = await open('');
  const requests: string[] = [];
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  for (const file of ['page.html', 'drawing.svg']) {
    requests.length = 0;
    await page.goto(`${product.relayUrl}/api/agents/${agent}/files/content?path=${file}`);
    await page.waitForTimeout(300);
    assert.not.match(await page.title(), /ran/);
    assert.equal(await page.evaluate(() => (globalThis as { ran?: number }).ran), undefined);
    assert.not.ok(requests.includes('/api/agents'), `${file}: ${requests}`);
    assert.is(await page.evaluate(() => globalThis.origin), 'null', 'an origin of its own');
  }
  await page.context().close();
});

for (const viewport of [PHONE, DESKTOP]) {
  test(`a file is changed in place; what was saved meanwhile is seen, and neither text is lost (${viewport.width})`, async () => {
    const { page, problems } = await open('/src%2Fcart.ts', viewport);
    writeFileSync(join(project, 'src/cart.ts'), 'first\r\nsecond\r\n');
    await page.reload();
    await page.getByRole('button', { name: 'Edit' }).click();
    const editor = page.getByRole('textbox', { name: 'Content of cart.ts' });
    await editor.fill('first\nmine\n');
    writeFileSync(join(project, 'src/cart.ts'), 'of the agent\r\n');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The file was changed meanwhile').waitFor();
    assert.is(readFileSync(join(project, 'src/cart.ts'), 'utf8'), 'of the agent\r\n');
    assert.is(await editor.inputValue(), 'first\nmine\n');
    await page.getByRole('button', { name: 'Overwrite with mine' }).click();
    await until('the file', () => readFileSync(join(project, 'src/cart.ts'), 'utf8') === 'first\r\nmine\r\n');
    assert.equal(problems, []);
    await page.context().close();
  });
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`an upload that is cut goes on by itself and ends byte-identical (${viewport.width})`, async () => {
    const { page, problems } = await open('', viewport);
    const bytes = randomBytes(12 * 1024 * 1024);
    const name = `sent-${viewport.width}.bin`;
    let parts = 0;
    await page.route(
      /\/uploads\/.*offset=/,
      (route) => ++parts % 3 === 0 ? route.abort('connectionreset') : route.continue(),
    );
    await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'x/y', buffer: bytes });
    await page.getByText(`${name} uploaded.`).waitFor({ timeout: 60_000 });
    const hash = (value: Uint8Array) => createHash('sha256').update(value).digest('hex');
    assert.is(hash(readFileSync(join(project, name))), hash(bytes));
    assert.ok(parts > 4, `${parts} parts`);
    await page.locator('.file-row', { hasText: name }).waitFor();
    await page.locator('input[type=file]').setInputFiles({
      name,
      mimeType: 'x/y',
      buffer: Buffer.from('new'),
    });
    await page.getByRole('button', { name: 'Replace', exact: true }).click();
    await until('the new file', () => readFileSync(join(project, name), 'utf8') === 'new');
    assert.equal(problems, []);
    await page.context().close();
  });
}

test('an upload goes on after leaving the folder and the tab, and is seen again', async () => {
  const { page, problems } = await open('');
  const bytes = randomBytes(3 * 1024 * 1024);
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  await page.route(/\/uploads\/.*offset=(?!0$)/, async (route) => {
    await held;
    await route.continue();
  });
  await page.locator('input[type=file]').setInputFiles({ name: 'going.bin', mimeType: 'x/y', buffer: bytes });
  await page.getByRole('progressbar', { name: 'going.bin' }).waitFor();
  await page.locator('.file-row', { hasText: 'src' }).click();
  await page.locator('.file-row', { hasText: 'cart.ts' }).waitFor();
  await page.getByRole('progressbar', { name: 'going.bin' }).waitFor();
  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  release();
  await page.getByText('going.bin uploaded.').waitFor();
  const hash = (value: Uint8Array) => createHash('sha256').update(value).digest('hex');
  assert.is(hash(readFileSync(join(project, 'going.bin'))), hash(bytes));
  assert.equal(problems, []);
  await page.context().close();
});

for (const viewport of [PHONE, DESKTOP]) {
  test(`an @ in the composer offers files, and takes one by Enter (${viewport.width})`, async () => {
    const { page, problems } = await open('', viewport);
    await page.goto(`${product.relayUrl}/#/agents/${agent}/chat`);
    const box = page.getByRole('textbox', { name: /message/i });
    await box.fill('look at @crt');
    await page.getByRole('option', { name: 'src/cart.ts' }).waitFor();
    await box.press('Enter');
    assert.is(await box.inputValue(), 'look at @src/cart.ts ');
    assert.is(await page.locator('.commands').count(), 0);
    assert.equal(problems, []);
    await page.context().close();
  });
}

test.run();

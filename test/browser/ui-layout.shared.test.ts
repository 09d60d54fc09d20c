/** What has to be seen is seen, and what has to be hit is within reach, on every screen: measured in the browser. */
import { Buffer } from 'node:buffer';
import { pressAnswer } from '../support/harness/answers.ts';
import type { Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { agent, messages, permission, task, text, user } from '../support/fakes/ui-data.ts';
import { PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

/** How many px the page is wider than the screen. */
const tooWide = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** The place of an element that is there. */
async function place(page: Page, selector: string) {
  const box = await page.locator(selector).first().boundingBox();
  assert.ok(box, selector);
  return { ...box!, right: box!.x + box!.width, bottom: box!.y + box!.height };
}

/** As a phone with its soft keyboard: iOS leaves the page as tall as it was. */
const keyboard = (page: Page, left: number) =>
  page.evaluate((left) => {
    document.documentElement.classList.add('keyboard');
    document.documentElement.style.setProperty('--viewport', `${left}px`);
  }, left);

test('a command whose end is not seen on the card is reviewed, not allowed', async () => {
  const asks = (id: string, command: string, title = command) =>
    stage.add(
      agent({ id, name: id, state: 'waiting_input', stateReason: 'permission', pending: ['m1'] }),
      messages([permission({ title, input: { command } })]),
    );
  asks('short', 'npm test');
  asks('long', `echo ${'words '.repeat(60)}; rm -rf ~`);
  asks('lines', `echo a\n${'echo b\n'.repeat(20)}rm -rf ~`);
  asks('cut', `npm test${' '.repeat(600)}; rm -rf ~`, 'npm test');
  asks('turned', 'echo \u202e~ fr- mr');
  for (const viewport of [{ width: 320, height: 568 }, PHONE, { width: 844, height: 390 }]) {
    const { page } = await stage.open('/', viewport);
    const buttons = async (name: string) => {
      const card = page.getByRole('article', { name, exact: true });
      await card.getByRole('button', { name: 'Deny' }).waitFor();
      return (await card.locator('.ask-buttons .button').allInnerTexts()).map((label) => label.trim());
    };
    assert.equal(await buttons('short'), ['Deny', 'Allow once']);
    for (const name of ['long', 'lines', 'cut', 'turned']) assert.equal(await buttons(name), ['Deny', 'Review'], name);
    await page.getByRole('article', { name: 'cut' }).getByRole('link', { name: 'Review' }).click();
    await page.locator('.request-card').getByText('rm -rf ~').waitFor();
    await page.context().close();
  }
});

test('on a phone an agent that has ended or failed takes one line: its state, its name, its time', async () => {
  const name = 'Fix the rounding bug of the invoices of last year';
  stage.add(agent({ id: 'stopped', name: `1 ${name}`, state: 'stopped', stateReason: 'stopped_by_user' }));
  stage.add(agent({ id: 'failed', name: `2 ${name}`, state: 'error', stateReason: 'failed', stateText: 'Overloaded' }));
  stage.add(agent({ id: 'ready', name: `3 ${name}` }));
  const { page } = await stage.open('/');
  const height = async (name: string) => (await page.getByRole('article', { name }).boundingBox())!.height;
  await page.getByRole('article', { name: '3 Fix' }).waitFor();
  for (const start of ['1 Fix', '2 Fix']) {
    assert.ok(await height(start) <= 60, `${start}: ${await height(start)} px`);
    assert.match(await page.getByRole('article', { name: start }).innerText(), /(Stopped|Failed)[^]*min[^]*Fix the/);
  }
  assert.ok(await height('3 Fix') > 100);
  assert.is(await tooWide(page), 0);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByText('Overloaded').waitFor();
  assert.ok(await height('1 Fix') > 100);
  await page.context().close();
});

test('a folder that is longer than its field shows its end, unless one is typing it', async () => {
  const { page } = await stage.open('/new');
  const field = page.locator('input[list=directories]');
  const seen = () => field.evaluate((input: HTMLInputElement) => input.scrollLeft + input.clientWidth);
  const width = () => field.evaluate((input: HTMLInputElement) => input.scrollWidth);
  await field.fill('/home/someone/with/a/long/way/to/the/projects/shop-of-the-customer');
  await page.getByLabel('Name').first().focus();
  await page.waitForTimeout(100);
  assert.ok(await width() > 390);
  assert.ok(await seen() >= await width() - 1);
  await field.focus();
  await page.keyboard.press('Home');
  await page.keyboard.type('/x');
  assert.is(await field.evaluate((input: HTMLInputElement) => input.scrollLeft), 0, 'where one types');
  await page.context().close();
});

test('one long word in a note stays in it', async () => {
  stage.mock.tasks = [task({ id: 'k', status: 'failed', error: `Cannot open /${'x'.repeat(400)}` })];
  const { page } = await stage.open('/tasks');
  await page.locator('.note').waitFor();
  assert.ok(await tooWide(page) <= 0);
  assert.ok((await place(page, '.note')).right <= 390);
  await page.context().close();
});

test('messages that wait leave room to read and to write', async () => {
  const queue = Array.from({ length: 30 }, (_, i) => ({ id: `q${i}`, text: `Message ${i}`, at: 1 }));
  stage.add(agent({ id: 'a', state: 'running', queue }), messages([text('hello')]));
  const { page } = await stage.open('/agents/a');
  await page.locator('.queue li').first().waitFor();
  assert.ok((await place(page, '.composer .send')).bottom <= 844);
  assert.ok((await place(page, '.queue')).height <= 844 * 0.22 + 1);
  assert.ok((await place(page, '.chat-view')).height > 300);
  await page.getByRole('button', { name: 'Withdraw this message' }).last().click();
  await page.context().close();
});

test('a long draft leaves Send above the keyboard', async () => {
  stage.add(agent({ id: 'a' }), messages([user('hello')]));
  for (const [viewport, left] of [[PHONE, 420], [{ width: 844, height: 390 }, 190]] as const) {
    const { page } = await stage.open('/agents/a', viewport);
    await page.getByRole('textbox', { name: 'Message' }).fill('A line of a long draft.\n'.repeat(40));
    await keyboard(page, left);
    assert.ok((await place(page, '.composer .send')).bottom <= left, `${viewport.width}`);
    assert.ok((await place(page, '.chat-view')).height >= 20);
    await page.context().close();
  }
});

test('what points to a request does not lie over its buttons', async () => {
  const list = messages([...Array.from({ length: 40 }, (_, i) => text(`Line ${i}`)), permission()]);
  const pending = [list.at(-1)!.id];
  stage.add(agent({ id: 'a', state: 'waiting_input', stateReason: 'permission', pending }), list);
  const { page } = await stage.open('/agents/a', { width: 390, height: 420 });
  const pill = page.getByRole('button', { name: 'Needs your answer' });
  await page.locator('.request-card').waitFor();
  const scroll = (by: number) => page.locator('.chat-scroll').evaluate((box, by) => box.scrollTop += by, by);
  await scroll(-100);
  await page.waitForTimeout(200);
  assert.is(await pill.count(), 0);
  await scroll(-900);
  await pill.click();
  await pressAnswer(page.getByRole('button', { name: 'Allow once' }));
  await page.locator('.request-card').waitFor({ state: 'detached' });
  await page.context().close();
});

test("a task's menu lies over the next card and above the bottom bar", async () => {
  stage.mock.tasks = ['skipped', 'blocked', 'skipped', 'skipped'].map((status, i) =>
    task({ id: `k${i}`, order: i, status: status as 'skipped' })
  );
  const { page } = await stage.open('/tasks');
  const triggers = page.locator('.task .menu > button');
  await triggers.nth(3).waitFor();
  for (let i = 0; i < 4; i++) {
    await triggers.nth(i).scrollIntoViewIfNeeded();
    await triggers.nth(i).click();
    await page.waitForTimeout(200); // the list drops in
    const hidden = await page.locator('.menu-list [role=menuitem]').evaluateAll((items) =>
      items.filter((item) => {
        const { left, top, width, height } = item.getBoundingClientRect();
        return [0.1, 0.9].some((part) =>
          !item.contains(document.elementFromPoint(left + width / 2, top + height * part))
        );
      }).map((item) => item.textContent)
    );
    assert.equal(hidden, [], `task ${i}`);
    await page.keyboard.press('Escape');
  }
  await page.context().close();
});

test('the end of a menu is reached where the page does not scroll', async () => {
  stage.add(agent({ id: 'a' }), messages([user('hello')]));
  const { page } = await stage.open('/agents/a', { width: 844, height: 220 });
  await page.locator('.agent-head .menu > button').click();
  await page.waitForTimeout(200); // it drops in
  assert.ok((await place(page, '.menu-list')).bottom <= 220);
  const last = page.getByRole('menuitem').last();
  await last.scrollIntoViewIfNeeded();
  const box = (await last.boundingBox())!;
  assert.ok(box.y + box.height <= 220 && box.height >= 40);
  await page.context().close();
});

test('no page is wider than a small phone', async () => {
  for (let i = 0; i < 3; i++) stage.add(agent({ id: `a${i}`, state: 'running' }));
  stage.mock.tasks = [task({ id: 'k' })];
  for (const width of [320, 360, 390]) {
    const { page } = await stage.open('/', { width, height: 640 });
    for (const path of ['/', '/tasks', '/templates', '/new', '/sessions', '/settings', '/terminals']) {
      await page.goto(`${stage.mock.url}/#${path}`);
      await page.locator('.page h1').first().waitFor();
      assert.ok(await tooWide(page) <= 0, `${path} at ${width}: ${await tooWide(page)}`);
      const outside = await page.locator('.page-head .button').evaluateAll((all) =>
        all.filter((entry) => entry.getBoundingClientRect().right > innerWidth).length
      );
      assert.is(outside, 0, `${path} at ${width}`);
    }
    await page.context().close();
  }
});

test('a text is laid out in the direction of its language', async () => {
  const hebrew = 'שלום, זה סוכן.';
  stage.add(
    agent({ id: 'a', name: hebrew }),
    messages([user(hebrew), text(`${hebrew}\n\n- ${hebrew}\n\n> ${hebrew}\n\nEnglish`)]),
  );
  const { page } = await stage.open('/agents/a');
  await page.getByRole('textbox', { name: 'Message' }).fill(hebrew);
  const direction = (selector: string) =>
    page.locator(selector).first().evaluate((element) => getComputedStyle(element).direction);
  for (const selector of ['h1', '.bubble-text', '.markdown p', '.markdown ul', '.markdown blockquote', 'textarea']) {
    assert.is(await direction(selector), 'rtl', selector);
  }
  assert.is(await direction('.markdown > p:last-child'), 'ltr');
  await page.context().close();
});

test('with letters of twice the size nothing is cut or leaves its card', async () => {
  stage.add(
    agent({ id: 'a', state: 'waiting_input', stateReason: 'permission', pending: ['m1'] }),
    messages([permission({ title: 'ls', input: { command: 'ls' } })]),
  );
  stage.add(agent({ id: 'b', state: 'running' }));
  const { page } = await stage.open('/');
  await page.evaluate(() => document.documentElement.style.fontSize = '32px');
  for (const path of ['/', '/new']) {
    await page.goto(`${stage.mock.url}/#${path}`);
    await page.locator(path === '/' ? '.ask-buttons' : 'form').waitFor();
    assert.ok(await tooWide(page) <= 0, path);
    assert.ok((await place(page, '.skip')).bottom <= 0);
    const outside = await page.locator('main .button:visible').evaluateAll((all) =>
      all.filter((single) => {
        const { left, right } = single.getBoundingClientRect();
        const card = single.closest('.ask')?.getBoundingClientRect();
        return left < (card?.left ?? 0) || right > (card?.right ?? innerWidth) ||
          single.scrollWidth > single.clientWidth + 1;
      }).map((single) => single.textContent || single.ariaLabel)
    );
    assert.equal(outside, [], path);
    const words = await page.locator('.bottom-bar a > span:first-of-type').evaluateAll((all) =>
      all.map((single) => single.getBoundingClientRect()).map(({ left, right }) => ({ left, right }))
    );
    words.forEach(({ left }, i) => assert.ok(i === 0 || left - words[i - 1]!.right >= 4));
  }
  await page.keyboard.press('Tab');
  await page.context().close();
});

test('the command that the arrow keys chose is in view', async () => {
  stage.add(agent({ id: 'a' }), messages([user('hello')]));
  const { page } = await stage.open('/agents/a', { width: 844, height: 220 });
  await page.getByRole('textbox', { name: 'Message' }).fill('/');
  await page.getByRole('option').first().waitFor();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp']) {
    await page.keyboard.press(key);
    const list = await place(page, '.commands');
    const chosen = await place(page, '.commands [aria-selected=true]');
    assert.ok(chosen.y >= list.y && chosen.bottom <= list.bottom, key);
  }
  await page.context().close();
});

test('a message that is only a picture says so while it waits', async () => {
  const drafts = [{
    ...user(''),
    status: 'queued' as const,
    images: [1, 2].map((size) => ({ mediaType: 'image/png', size })),
  }];
  stage.add(
    agent({ id: 'a', state: 'running', queue: [{ id: 'm1', text: '', at: 1 }, { id: 'm9', text: '', at: 1 }] }),
    messages(drafts as Parameters<typeof messages>[0]),
  );
  const { page } = await stage.open('/agents/a');
  await page.locator('.queue li').first().getByText('2 pictures').waitFor({ timeout: 5000 });
  assert.match(await page.locator('.queue li').last().innerText(), /1 picture\b/);
  const release = stage.mock.hold();
  await page.locator('input[type=file]').setInputFiles({
    name: 'dot.png',
    mimeType: 'image/png',
    buffer: Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    ),
  });
  await page.locator('.thumb').waitFor();
  const cross = await place(page, '.thumb .button');
  const hit = await page.evaluate(([x, y]) => document.elementFromPoint(x!, y!)?.closest('.thumb .button') !== null, [
    cross.x - 6,
    cross.bottom + 6,
  ]);
  assert.ok(hit, 'a finger beside the cross takes the picture away');
  await page.locator('.composer .send').click();
  await page.locator('.bubble.pending').getByText('1 picture').waitFor();
  release();
  await page.context().close();
});

test('before its first script the page has its name, and is as dark as it will be', async () => {
  const background = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await stage.open('/', PHONE);
    await page.emulateMedia({ colorScheme });
    await page.getByRole('heading', { name: 'Agents', exact: true }).waitFor();
    const later = await background(page);
    await page.context().route(/\.js$/, (route) => route.abort());
    await page.reload();
    await page.getByText('Agent Monitor', { exact: true }).waitFor();
    assert.is(await page.evaluate(() => document.documentElement.dataset.theme), undefined, 'no script has run');
    assert.is(await background(page), later);
    await page.context().close();
  }
});

test.run();

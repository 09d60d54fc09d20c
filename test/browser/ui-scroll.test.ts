/** Where the reader of a conversation stands while it grows at both ends. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { Message } from '../../core/api/messages.ts';
import { agent, messages, text, user } from '../support/fakes/ui-data.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

const position = (page: Page) =>
  page.evaluate(() => {
    const box = document.querySelector('.chat-scroll')!;
    return { top: box.scrollTop, rest: box.scrollHeight - box.scrollTop - box.clientHeight };
  });

test('a streaming answer stays in view only while the reader is at the end', async () => {
  const long = messages(Array.from({ length: 30 }, (_, i) => text(`Paragraph ${i}.\n\n${'words '.repeat(60)}`)));
  const last = messages([text('', false)], 31)[0]!;
  stage.add(agent({ id: 'a', state: 'running' }), [...long, last]);
  const { page } = await stage.open('/agents/a');
  await page.getByText('Paragraph 29').waitFor();
  let length = 0;
  const stream = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const part = `streamed line ${i}\n\n`;
      stage.mock.publish({ type: 'delta', agent: 'a', id: last.id, field: 'text', offset: length, text: part });
      length += part.length;
      await page.waitForTimeout(5);
    }
    await page.waitForTimeout(150);
  };
  await stream(40);
  assert.ok((await position(page)).rest < 5, 'it follows');
  await page.mouse.move(200, 400);
  await page.mouse.wheel(0, -1500);
  await page.waitForTimeout(200);
  const before = await position(page);
  await stream(40);
  assert.ok(Math.abs((await position(page)).top - before.top) < 5, 'it stays where the reader is');
  stage.mock.say('a', messages([user('another')], 32)[0]!);
  await page.getByRole('button', { name: 'New messages' }).click();
  await page.waitForTimeout(150);
  assert.ok((await position(page)).rest < 5);
  await page.context().close();
});

for (const after of [40, 300]) {
  test(`what the user said last is found again from below ${after} messages`, async () => {
    const list = Array.from({ length: after }, (_, i) => text(`Paragraph ${i}.\n\n${'words '.repeat(60)}`));
    stage.add(agent({ id: 'a' }), messages([user('an earlier one'), text('Yes.'), user('the last one'), ...list]));
    const { page, problems } = await stage.open('/agents/a');
    const own = page.getByRole('button', { name: 'My last message' });
    await page.getByText(`Paragraph ${after - 1}.`).waitFor();
    assert.is(await own.count(), 0, 'nothing lies on the end');
    await page.mouse.move(200, 400);
    await page.mouse.wheel(0, -1500);
    await own.click();
    await page.waitForFunction(() => {
      const bubble = [...document.querySelectorAll('.bubble')].find((each) =>
        each.textContent!.includes('the last one')
      );
      const { top, bottom } = bubble?.getBoundingClientRect() ?? { top: -1, bottom: 0 };
      return top > 60 && bottom < innerHeight - 100;
    });
    await own.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Latest' }).click();
    assert.ok((await position(page)).rest < 5);
    assert.equal(problems, []);
    await page.context().close();
  });
}

/** What is seen is what was painted: between two pictures the page may measure what nobody sees. */
const painted = (page: Page) =>
  page.evaluate(() => new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0))));

test('older messages come in front without moving what is read', async () => {
  const list: Message[] = messages(
    Array.from({ length: 400 }, (_, i) => text(`Message ${i + 1}\n\n${'x '.repeat((i * 37) % 200)}`)),
  );
  stage.add(agent({ id: 'a' }), list);
  const { page } = await stage.open('/agents/a');
  await page.getByText('Message 400', { exact: true }).waitFor();
  const jumps: string[] = [];
  for (let i = 0; i < 150; i++) {
    await painted(page);
    const seen = await page.evaluate(() => {
      const box = document.querySelector('.chat-scroll')!;
      const middle = box.getBoundingClientRect().top + 200;
      // What the browser has not painted yet has no place of its own.
      const shown = [...document.querySelectorAll('.message')].find((e) =>
        e.checkVisibility({ contentVisibilityAuto: true }) && e.getBoundingClientRect().bottom > middle
      )!;
      return { id: shown.getAttribute('data-id')!, top: shown.getBoundingClientRect().top };
    });
    await page.waitForTimeout(60);
    await painted(page);
    const now = await page.evaluate(
      (id) => document.querySelector(`[data-id="${id}"]`)!.getBoundingClientRect().top,
      seen.id,
    );
    if (Math.abs(now - seen.top) > 2) jumps.push(`${seen.id}: ${seen.top} to ${now}`);
    await page.evaluate(() => document.querySelector('.chat-scroll')!.scrollTop -= 700);
    if (await page.getByText('Message 1', { exact: true }).count()) break;
  }
  assert.is(await page.getByText('Message 1', { exact: true }).count(), 1);
  const ids = await page.evaluate(() =>
    [...document.querySelectorAll('.message')].map((e) => e.getAttribute('data-id'))
  );
  assert.equal(ids, list.map(({ id }) => id), 'every message once, in order');
  assert.equal(jumps, []);
  await page.context().close();
});

test('10,000 messages that arrived while the page was open stay smooth and bounded', async () => {
  stage.add(agent({ id: 'a', state: 'running' }), messages([text('the beginning')]));
  const { page } = await stage.open('/agents/a');
  await page.getByText('the beginning').waitFor();
  const all = messages(Array.from({ length: 10_000 }, (_, i) => text(`Message **${i}** with \`code\``)), 2);
  const started = Date.now();
  for (const [i, message] of all.entries()) {
    stage.mock.say('a', message);
    if (i % 500 === 0) await page.waitForTimeout(1);
  }
  await page.getByText('Message 9999 with code').waitFor();
  const took = Date.now() - started;
  await page.waitForFunction(() => document.querySelectorAll('.message').length <= 600);
  assert.ok(took < 20_000, `${took} ms`);
  // A frame while scrolling through what is there.
  const worst = await page.evaluate(async () => {
    const box = document.querySelector('.chat-scroll')!;
    let slowest = 0;
    let before = performance.now();
    for (let i = 0; i < 150; i++) {
      box.scrollTop -= 200;
      await new Promise(requestAnimationFrame);
      slowest = Math.max(slowest, performance.now() - before);
      before = performance.now();
    }
    return slowest;
  });
  assert.ok(worst < 400, `slowest frame ${worst} ms`);
  await page.context().close();
});

test.run();

/** Whoever was away sees everything, once: a line that died, a relay that moved, and a gap that is longer than what is retained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_RETAINED_LENGTH } from '../../agent/live/event-log.ts';
import {
  arrive,
  bar,
  call,
  caughtUp,
  comeBack,
  create,
  goAway,
  idle,
  move,
  phoneWay,
  product,
  say,
  setUpAway,
  shown,
  signIn,
  texts,
  visit,
} from '../support/harness/away.ts';

setUpAway();

test('the line goes dead without a word: conversation and terminal go on where they were, nothing is typed twice', async () => {
  const { id } = await create();
  const { page } = await visit(id);
  const result = await call('POST', '/api/terminals', { directory: join(product.directory, 'project') });
  const terminal = await page.context().newPage();
  await terminal.goto(`http://127.0.0.1:${phoneWay.port}/#/terminals/${result.id}`);
  const screen = terminal.locator('.xterm-rows');
  await terminal.locator('.terminal-head .dot.up').waitFor();
  await terminal.keyboard.type('echo before-$((1+1))\n');
  await screen.getByText('before-2').waitFor();
  phoneWay.abandon();
  await terminal.keyboard.type('echo meanwhile-$((2+2)) | tee -a typed.txt\n');
  await say(id, 'into the silence');
  const dead = Date.now();
  await screen.getByText('meanwhile-4').waitFor({ timeout: 25_000 });
  await page.locator('.message.is-user').getByText('into the silence').waitFor({ timeout: 25_000 });
  console.log(`${Date.now() - dead} ms after the silence began both were there`);
  await caughtUp(page, id);
  await terminal.keyboard.type('echo after-$((3+3))\n');
  await screen.getByText('after-6').waitFor();
  assert.is(readFileSync(join(product.directory, 'project/typed.txt'), 'utf8'), 'meanwhile-4\n');
  await page.context().close();
});

test('N08: the relay moves, with its state: nobody signs in again, nothing is missing', async () => {
  const { id } = await create();
  const { page, heard } = await visit(id);
  await move({});
  await say(id, 'while it moved');
  await page.getByText('Relay unreachable').waitFor();
  await arrive();
  await bar(page).waitFor({ state: 'detached', timeout: 20_000 });
  await caughtUp(page, id);
  const welcomes = heard.filter((message) => message.type === 'welcome');
  assert.ok(welcomes.length >= 2 && welcomes.at(-1)!.resumed, 'the agent server is the same: nothing is sent twice');
  await page.context().close();
});

test('N08: the relay moves without its state: the page asks for the password and goes on', async () => {
  const { id } = await create();
  const { page } = await visit(id);
  await move({ RELAY_STATE: join(product.directory, 'another-state.json') });
  await say(id, 'while it moved');
  await arrive();
  await signIn(page);
  await page.locator('.message.is-user').first().waitFor();
  await bar(page).waitFor({ state: 'detached', timeout: 20_000 });
  await caughtUp(page, id);
  await page.context().close();
});

test('N08: a gap that is longer than what is kept: everything is sent anew, and nothing is missing', async () => {
  const { id } = await create();
  const { page, heard } = await visit(id);
  await goAway(page);
  let said = 0;
  for (let i = 0; said < MAX_RETAINED_LENGTH * 1.2; i++) {
    const text = `${i} ${'x'.repeat(90_000)}`;
    said += text.length;
    await say(id, text);
  }
  // Each of them has a turn of its own.
  await idle(id, 60_000);
  await say(id, 'the last');
  await idle(id);
  const from = heard.length;
  await comeBack(page);
  await page.locator('.message.is-user').getByText('the last', { exact: true }).waitFor();
  const since = heard.slice(from);
  assert.is(since.find((message) => message.type === 'welcome')?.resumed, false);
  assert.ok(since.some(({ type }) => type === 'snapshot'));
  // The newest are there without a gap; what is older is behind the button that loads it.
  const all = await texts(id);
  const now = (await shown(page)).map((text) => text.trim().slice(0, 20));
  assert.equal(now, all.map((text) => text.slice(0, 20)).slice(-now.length));
  assert.ok(now.length < all.length, 'the page holds no more than it asked for');
  await page.context().close();
});

test.run();

/** Whoever was away sees everything, once, and soon: a server that was killed, and a page without a network. With times. */
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bar,
  caughtUp,
  comeBack,
  create,
  deskWay,
  goAway,
  idle,
  product,
  say,
  setUpAway,
  shown,
  visit,
} from '../support/harness/away.ts';
import { until } from '../support/harness/product.ts';

/** More than every deadline of the page, and several of its retries. Two minutes: AWAY_MS=120000. */
const AWAY_MS = Number(process.env.AWAY_MS ?? 12_000);

setUpAway();

test('N04: the agent server is killed: relay and pages say so within a second, and all is there when it is back', async () => {
  const { id } = await create();
  const { page, heard } = await visit(id);
  await product.login();
  const events = await product.fetch('/api/relay/events');
  const reader = events.body!.getReader();
  let sent = '';
  const listening = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 0;
      sent = new TextDecoder().decode(value);
      if (/"tunnelConnected":false/.test(sent)) return Date.now();
    }
  })();
  await until('the first word', () => /tunnelConnected/.test(sent));

  const killed = Date.now();
  const gone = product.agent!.kill('SIGKILL');
  const [refusedAt, publishedAt, barAt] = await Promise.all([
    until('a refusal', async () => {
      const response = await product.fetch('/api/agents');
      await response.body?.cancel();
      return response.status === 502 ? Date.now() : null;
    }),
    listening,
    page.getByText('Machine not connected').waitFor().then(() => Date.now()),
  ]);
  await reader.cancel();
  await gone;
  const after = { refused: refusedAt - killed, told: publishedAt - killed, bar: barAt - killed };
  console.log(`after the kill: ${JSON.stringify(after)} ms`);
  for (const [what, ms] of Object.entries(after)) assert.ok(ms >= 0 && ms < 1000, `${what}: ${ms} ms`);

  await product.startAgent();
  await say(id, 'said to the new server');
  await bar(page).waitFor({ state: 'detached', timeout: 15_000 });
  await caughtUp(page, id);
  const welcomes = heard.filter((message) => message.type === 'welcome');
  assert.is(welcomes.at(-1)!.resumed, false, 'another life of the server is another epoch');
  await page.context().close();
});

test('N08: a page without a network beside one with: it says so, and catches up from where it was', async () => {
  const { id } = await create();
  const away = await visit(id);
  const there = await visit(id, deskWay);
  await goAway(away.page);
  for (let i = 0; i < 20; i++) await say(id, `meanwhile ${i}`);
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  for (let i = 20; i < 40; i++) await say(id, `meanwhile ${i}`);
  await idle(id);
  await caughtUp(there.page, id);
  assert.is((await shown(away.page)).length, 1);
  const from = away.heard.length;
  const back = Date.now();
  await comeBack(away.page);
  await caughtUp(away.page, id);
  console.log(`caught up ${Date.now() - back} ms after the network was back`);
  assert.ok(Date.now() - back < 3000);
  const since = away.heard.slice(from);
  assert.ok(since.some((message) => message.type === 'welcome' && message.resumed));
  assert.not(since.some(({ type }) => type === 'snapshot'));
  for (const { page } of [away, there]) await page.context().close();
});

test.run();

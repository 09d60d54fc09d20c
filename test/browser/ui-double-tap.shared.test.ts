/** Two presses never answer two agents: at every interval up to a second, by finger, mouse and key. */
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { DecisionBody, Message } from '../../core/api/messages.ts';
import { agent, messages, permission, user } from '../support/fakes/ui-data.ts';
import { readyAnswer } from '../support/harness/answers.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

/** ms between the presses: every 100, or with TAP_INTERVALS=20 every 50. */
const COUNT = Number(process.env.TAP_INTERVALS ?? 10);
const INTERVALS = [50, ...Array.from({ length: COUNT }, (_, i) => Math.round(1000 / COUNT) * (i + 1))];
const LISTS = [1, 2, 3, 4, 5];
/** Longer than an answer and its reply take. */
const REPLY_MS = 150;

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** Takes the agents of the round before away, on a page that is open too. */
function empty(stage: Stage): void {
  for (const id of stage.mock.agents.keys()) stage.mock.publish({ type: 'agent.removed', id });
  stage.clear();
}

function addLive(stage: Stage, info: AgentInfo, list: Message[]): void {
  stage.add(info, list);
  stage.mock.publish({ type: 'agent', agent: stage.mock.agents.get(info.id)! });
}

/** `count` agents that wait for leave, each with a command of its own. */
function fill(stage: Stage, count: number, round: number): void {
  empty(stage);
  for (let i = 0; i < count; i++) {
    const id = `r${round}a${i}`;
    const command = `npm run step-${i}`;
    const list = messages([user('go on'), permission({ title: command, input: { command } })]);
    list.at(-1)!.id = `${id}q`;
    const state = { state: 'waiting_input', stateReason: 'permission', stateSince: 1000 + i } as const;
    addLive(stage, agent({ id, ...state, pending: [`${id}q`] }), list);
  }
}

/** Answers as the server got them: agent and decision. */
const decisions = (stage: Stage) =>
  stage.mock.received.filter(({ path }) => path.includes('/permissions/')).map(({ path, body }) =>
    `${path.split('/')[3]} ${(body as DecisionBody).decision}`
  );

type Press = (page: Page, x: number, y: number) => Promise<void>;
const BY: Record<string, Press> = {
  finger: (page, x, y) => page.touchscreen.tap(x, y),
  mouse: (page, x, y) => page.mouse.click(x, y),
};

const firstAllow = (page: Page) =>
  page.locator('.agent-card, .request-card').first().getByRole('button', { name: 'Allow once' });

/** Presses "Allow once" of the first card, and the same place again. @returns what the server was told */
async function pressTwice(stage: Stage, page: Page, press: Press, interval: number): Promise<string[]> {
  const { x, y } = await readyAnswer(firstAllow(page));
  const start = performance.now();
  await press(page, x, y);
  await wait(interval - (performance.now() - start));
  await press(page, x, y);
  await wait(REPLY_MS);
  return decisions(stage);
}

/** Every interval on a list of `count` agents. */
async function tapAtEveryInterval(count: number, name: string, press: Press): Promise<void> {
  const stage = await openStage();
  try {
    const { page, problems } = await stage.open('/', name === 'finger' ? PHONE : DESKTOP);
    for (const [round, interval] of INTERVALS.entries()) {
      fill(stage, count, round);
      await page.locator(`.agent-card .cover[href*="r${round}a0"]`).waitFor();
      const reported = await pressTwice(stage, page, press, interval);
      assert.equal(reported, [`r${round}a0 allow`], `${count} waiting, second press after ${interval} ms`);
    }
    assert.equal(problems, []);
  } finally {
    await stage.close();
  }
}

for (const [name, press] of Object.entries(BY)) {
  test(`by ${name}: of 1 to 5 waiting agents the second press approves nobody else, whenever it comes`, async () => {
    await Promise.all(LISTS.map((count) => tapAtEveryInterval(count, name, press)));
  });
}

test('two requests of one agent, in its conversation: the second press answers neither the other nor the same again', async () => {
  const stage = await openStage();
  try {
    const { page } = await stage.open('/', PHONE);
    for (const [round, interval] of INTERVALS.entries()) {
      empty(stage);
      const id = `r${round}`;
      const drafts = ['npm run a', 'npm run b', 'npm run c'].map((command) =>
        permission({ title: command, input: { command } })
      );
      const list = messages([user('go on'), ...drafts]);
      const pending = list.slice(1).map(({ id }) => id);
      addLive(stage, agent({ id, state: 'waiting_input', stateReason: 'permission', pending }), list);
      await page.goto(`${stage.mock.url}/#/agents/${id}`);
      assert.equal(await pressTwice(stage, page, BY.finger!, interval), [`${id} allow`], `after ${interval} ms`);
    }
  } finally {
    await stage.close();
  }
});

test('keys: Enter pressed on and on answers one agent', async () => {
  const stage = await openStage();
  try {
    const { page } = await stage.open('/', DESKTOP);
    for (const [round, interval] of [50, 200, 400, 600, 800, 1000].entries()) {
      fill(stage, 3, round);
      await page.locator(`.agent-card .cover[href*="r${round}a0"]`).waitFor();
      await readyAnswer(firstAllow(page));
      await firstAllow(page).focus();
      for (let i = 0; i < 3; i++) {
        await page.keyboard.press('Enter');
        await wait(interval);
      }
      assert.equal(decisions(stage), [`r${round}a0 allow`]);
    }
  } finally {
    await stage.close();
  }
});

test('an answered card stays for a second with its outcome, and the list keeps its order', async () => {
  const stage = await openStage();
  try {
    fill(stage, 3, 0);
    const { page } = await stage.open('/', PHONE);
    const { x, y } = await readyAnswer(firstAllow(page));
    const names = () => page.locator('.agent-card h2').allTextContents();
    const before = await names();
    const top = () => page.locator('.agent-card').nth(1).evaluate((card) => card.getBoundingClientRect().top);
    const second = await top();
    await page.touchscreen.tap(x, y);
    const start = performance.now();
    await page.locator('.agent-card').first().getByText('Allowed once').waitFor();
    for (;;) {
      const [order, place] = [await names(), await top()];
      const outcomes = await page.locator('.agent-card').first().getByText('Allowed once').count();
      // What was read later may be of the time after the second.
      if (performance.now() - start >= 900) break;
      assert.equal(order, before);
      assert.is(place, second, 'the next card stands where it stood');
      assert.is(outcomes, 1);
    }
    await page.waitForFunction(() => document.querySelectorAll('.ask').length === 2);
    assert.equal(await names(), [before[1], before[2], before[0]]);
  } finally {
    await stage.close();
  }
});

test('nothing moves while a finger is down, however long it stays', async () => {
  const stage = await openStage();
  try {
    fill(stage, 3, 0);
    const { page } = await stage.open('/', DESKTOP);
    await readyAnswer(firstAllow(page));
    const names = () => page.locator('.agent-card h2').allTextContents();
    const before = await names();
    await page.mouse.move(700, 850);
    await page.mouse.down();
    stage.mock.patch('r0a0', { pending: [], state: 'running', stateReason: 'turn' });
    await wait(1500);
    assert.equal(await names(), before);
    assert.is(await page.locator('.agent-card').first().getByRole('button', { name: 'Allow once' }).count(), 0);
    await page.mouse.up();
    await page.waitForFunction((first) => document.querySelector('.agent-card h2')?.textContent !== first, before[0]);
  } finally {
    await stage.close();
  }
});

test('offline: an answer that waits can be undone, and is not sent then', async () => {
  const stage = await openStage();
  try {
    fill(stage, 2, 0);
    const { page } = await stage.open('/', PHONE);
    await readyAnswer(firstAllow(page));
    await page.context().setOffline(true);
    stage.mock.cut();
    await page.waitForTimeout(1000); // the bar about the connection moves the cards
    const { x, y } = await readyAnswer(firstAllow(page));
    await page.touchscreen.tap(x, y);
    await page.waitForTimeout(1200);
    await page.getByRole('button', { name: 'Undo' }).tap();
    await page.waitForFunction(() => document.querySelectorAll('.answer').length === 4);
    await page.context().setOffline(false);
    await page.waitForTimeout(1500);
    assert.equal(decisions(stage), []);
  } finally {
    await stage.close();
  }
});

test.run();

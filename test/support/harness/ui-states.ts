/** Every page of the dashboard and every state that it may be in: for tests that look at all of them. */
import type { Page } from 'playwright-core';
import { beginsWith, type Texts } from './ui-texts.ts';

export interface State {
  path: string;
  /** Brings the page into the state; returns when it is there. */
  show(page: Page, t: Texts): Promise<unknown>;
}

type Words = (t: Texts) => string | RegExp;

const seeData = (words: string) => (page: Page) => page.getByText(words).filter({ visible: true }).first().waitFor();
const see = (words: Words) => (page: Page, t: Texts) =>
  page.getByText(words(t)).filter({ visible: true }).first().waitFor();
const press = (name: Words) => (page: Page, t: Texts) => page.getByRole('button', { name: name(t) }).first().click();
const pressData = (name: RegExp) => (page: Page) => page.getByRole('button', { name }).first().click();

function pressAfter(words: string, name: (t: Texts) => string) {
  return async (page: Page, t: Texts) => {
    await seeData(words)(page);
    await page.getByRole('main').getByRole('button', { name: name(t), exact: true }).last().click();
  };
}
/** Writes a comment on a line; `isDone`: closes its box and opens the list. */
function comment(isDone: boolean) {
  return async (page: Page, t: Texts) => {
    await pressData(/a\.ts/)(page);
    await press(({ review }) => beginsWith(review.comment('1')))(page, t);
    await page.getByRole('textbox', { name: t.review.comment('1') }).fill('Why?');
    if (!isDone) return;
    await page.getByRole('button', { name: t.review.done, exact: true }).click();
    await page.getByRole('button', { name: t.review.count(1) }).first().click();
    await page.getByText('a.ts:1').waitFor();
  };
}
/** The dialog of a commit, with the hunks of a file. */
async function commitHunks(page: Page, t: Texts): Promise<void> {
  await press(({ changes }) => changes.commit)(page, t);
  await page.locator('.commit-file button[aria-expanded]').first().click();
  await page.locator('.hunk-choice').or(page.getByText(t.changes.wholeOnly)).first().waitFor();
}
async function pullRequest(page: Page, t: Texts): Promise<void> {
  await pressAfter('a.ts', ({ changes }) => changes.menu)(page, t);
  await page.getByRole('menuitem', { name: t.remote.pullRequest }).click();
  await page.getByText(t.remote.draft).waitFor();
}
/** Messages wait behind a turn; `isEditing`: one is being changed. */
function waiting(isEditing: boolean) {
  return async (page: Page, t: Texts) => {
    await page.locator('.queue li').last().waitFor();
    if (isEditing) await page.getByRole('button', { name: t.chat.editQueued }).click();
  };
}
/** What leads back to the last message; `item`: chosen from it. */
function past(item: (t: Texts) => string) {
  return async (page: Page, t: Texts) => {
    await page.getByRole('button', { name: t.past.menu }).last().click();
    await page.getByRole('menu').waitFor();
    if (!item(t)) return;
    await page.getByRole('menuitem', { name: item(t) }).click();
    await page.getByRole('dialog').waitFor();
    if (item(t) === t.past.rewind) await page.getByRole('dialog').getByText('src/checkout/totals.ts').waitFor();
  };
}
function search(words: string, kind: (t: Texts) => string, found: (t: Texts) => string) {
  return async (page: Page, t: Texts) => {
    await page.getByLabel(t.files.search).fill(words);
    await page.getByRole('radio', { name: kind(t) }).click();
    await page.locator(found(t)).first().waitFor();
  };
}

/** Conversations and requests, of a scripted server. */
export const CONVERSATIONS: readonly State[] = [
  { path: '/', show: seeData('Asks bash') },
  { path: '/', show: press((t) => t.common.more) },
  { path: '/', show: press((t) => beginsWith(`${t.connection.title}:`)) },
  { path: '/agents/talk', show: seeData('The cause is') },
  {
    path: '/agents/talk',
    show: async (page) => {
      await page.getByText('The cause is').waitFor();
      await page.evaluate(() =>
        document.querySelectorAll<HTMLElement>('.tool-head, .fold').forEach((head) => head.click())
      );
      await page.locator('.tool-body').first().waitFor({ state: 'attached' });
    },
  },
  {
    path: '/agents/talk',
    show: async (page, t) => {
      await page.getByRole('textbox', { name: t.composer.label }).fill('/');
      await page.getByRole('listbox').waitFor();
    },
  },
  {
    path: '/agents/talk',
    show: async (page, t) => {
      await page.getByRole('textbox', { name: t.composer.label }).fill('/help');
      await page.getByRole('button', { name: t.composer.queue }).click();
      await page.getByText(t.commands.ofDashboard).waitFor();
    },
  },
  { path: '/agents/waits', show: waiting(false) },
  { path: '/agents/waits', show: waiting(true) },
  { path: '/agents/old', show: see((t) => t.agent.archived) },
  { path: '/agents/past', show: past(() => '') },
  { path: '/agents/past', show: past((t) => t.past.fork) },
  { path: '/agents/past', show: past((t) => t.past.rewind) },
  { path: '/agents/talk', show: press((t) => t.common.more) },
  { path: '/agents/bash', show: see((t) => t.request.title.permission) },
  { path: '/agents/bash', show: press((t) => t.request.denyReason) },
  { path: '/agents/bash', show: press((t) => t.request.edit) },
  { path: '/agents/edit', show: see((t) => t.request.title.permission) },
  { path: '/agents/question', show: see((t) => t.request.title.question) },
  { path: '/agents/plan', show: see((t) => t.request.title.plan) },
  { path: '/agents/cut', show: see((t) => t.agent.continue) },
  { path: '/agents/bad', show: see((t) => t.common.retry) },
  { path: '/agents/nobody', show: see((t) => t.agent.gone) },
  { path: '/nowhere', show: see((t) => t.notFound.title) },
  {
    path: '/',
    show: async (page, t) => {
      await page.getByText('Asks bash').waitFor();
      await page.evaluate(() => location.hash = '#/pair/abc');
      await page.getByText(t.nav.paired).waitFor();
    },
  },
  { path: '/answer/bash/m1', show: see((t) => t.answer.open) },
  { path: '/', show: see((t) => t.handoff.title) },
  { path: '/desk/asks', show: see((t) => t.handoff.readOnly) },
  { path: '/desk/behind', show: see((t) => t.handoff.readOnlyBackground) },
  {
    path: '/desk/works',
    show: async (page, t) => {
      await press((words) => words.handoff.takeOver)(page, t);
      await page.getByText(t.handoff.take.atWork).waitFor();
    },
  },
  {
    path: '/agents/talk',
    show: async (page, t) => {
      await press((words) => words.common.more)(page, t);
      await page.getByRole('menuitem', { name: t.agent.giveBack }).click();
      await page.getByText(t.handoff.giveBack.explained).waitFor();
    },
  },
  { path: '/desk/nobody', show: see((t) => t.handoff.gone) },
  { path: '/sessions', show: see((t) => t.sessions.empty) },
  { path: '/search', show: see((t) => t.search.begin) },
  { path: '/search/zeppelin', show: see((t) => t.common.loadFailed) },
  { path: '/usage', show: see((t) => t.usage.reached) },
];

/** Of a real server. */
export const PAGES: readonly State[] = [
  { path: '/new', show: press((t) => t.create.more) },
  { path: '/new', show: press((t) => t.directory.browse) },
  { path: '/tasks', show: seeData('First') },
  { path: '/tasks', show: press((t) => beginsWith(t.tasks.addShort)) },
  { path: '/templates', show: seeData('Rules') },
  { path: '/templates', show: press((t) => t.templates.add) },
  { path: '/terminals', show: see((t) => t.terminal.create) },
  { path: '/settings', show: see((t) => t.settings.retention) },
  { path: '/devices', show: see((t) => t.devices.none) },
  { path: '/usage', show: see((t) => t.usage.perDay) },
  { path: '/schedule', show: see((t) => t.schedule.none) },
  { path: '/schedule', show: press((t) => t.schedule.add) },
  { path: '/search/picture', show: seeData('Draws') },
  { path: '/search/nowhere%20at%20all', show: see((t) => t.search.none) },
  { path: '/agents/:draws/chat/1', show: seeData('I have seen it.') },
  { path: '/agents/:work/changes', show: pressData(/a\.ts/) },
  { path: '/agents/:work/changes', show: comment(false) },
  { path: '/agents/:work/changes', show: comment(true) },
  { path: '/agents/:draws', show: seeData('I have seen it.') },
  { path: '/agents/:draws', show: press((t) => beginsWith(t.user.image('').match(/^\p{L}+/u)![0])) },
  { path: '/agents/:work/changes', show: press((t) => t.changes.commit) },
  { path: '/agents/:work/changes', show: commitHunks },
  { path: '/agents/:work/changes', show: pressAfter('a.ts', (t) => t.changes.menu) },
  { path: '/agents/:work/changes', show: pullRequest },
  { path: '/agents/:work/terminals', show: see((t) => t.terminal.shell) },
  { path: '/agents/:work/instructions', show: seeData('CLAUDE.md') },
  { path: '/agents/:work/details', show: see((t) => t.details.input) },
];

/** What a file is, and the ways to it. */
export const FILES: readonly State[] = [
  { path: '/agents/:work/files', show: seeData('notes.md') },
  { path: '/agents/:work/files', show: pressAfter('notes.md', (t) => t.files.menu) },
  { path: '/agents/:work/files/src%2F', show: seeData('data.bin') },
  { path: '/agents/:work/files/a.ts', show: seeData('two') },
  { path: '/agents/:work/files/a.ts/1', show: seeData('two') },
  { path: '/agents/:work/files/a.ts', show: pressAfter('two', (t) => t.files.edit) },
  { path: '/agents/:work/files/notes.md', show: seeData('Notes') },
  { path: '/agents/:work/files/src%2Fdata.bin', show: seeData('00 01 02') },
  { path: '/agents/:work/files/gone.ts', show: see((t) => t.common.loadFailed) },
  { path: '/agents/:work/files', show: search('a.ts', (t) => t.files.inNames, () => '.found-row') },
  { path: '/agents/:work/files', show: search('two', (t) => t.files.inText, () => '.found-row') },
  {
    path: '/agents/:work/files',
    show: search('nowhere at all', (t) => t.files.inNames, (t) => `text=${t.files.noMatch}`),
  },
];

/** Of a relay with two machines. */
export const MACHINES: readonly State[] = [
  { path: '/', show: see((t) => t.dashboard.empty) },
  { path: '/machines', show: seeData('desktop') },
  { path: '/machines', show: press((t) => beginsWith(`${t.machines.rename}: `)) },
  { path: '/machines', show: press((t) => beginsWith(`${t.machines.remove}: `)) },
  {
    path: '/machines',
    show: async (page, t) => {
      await page.getByRole('button', { name: t.machines.add }).click();
      await page.getByText('agent-monitor join').waitFor();
    },
  },
];

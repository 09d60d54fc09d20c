/**
 * What axe-core finds on every page and in every state, on a phone and on a desk, in both themes: nothing, of any impact. The
 * rule about labels that say something else than the button is among them, although axe counts it as experimental.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { DESKTOP, openPage, PHONE } from '../support/harness/browser.ts';
import { startFleet, type TestFleet } from '../support/harness/fleet.ts';
import { commitAll, makeRepository, writeFiles } from '../support/harness/git.ts';
import { ROOT } from '../support/harness/product.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';
import {
  agent,
  conversation,
  diff,
  messages,
  permission,
  plan,
  question,
  text,
  user,
} from '../support/fakes/ui-data.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OPTIONS = { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: true } } };

interface State {
  path: string;
  /** Brings the page into the state; returns when it is there. */
  show(page: Page): Promise<unknown>;
}

let stage: Stage;
let browser: Browser;
let bench: Bench;
let work: AgentInfo;
let draws: AgentInfo;
let fleet: TestFleet;
test.before(async () => {
  stage = await openStage();
  browser = stage.browser;
  bench = await startBench({ TERMINAL: 'on' });
  await fillBench();
  fleet = await startFleet(['desktop', 'lab']);
});
test.after(async () => {
  await stage?.close();
  await bench?.close();
  await fleet?.close();
});

/** A real server with one of everything that is not a conversation. */
async function fillBench(): Promise<void> {
  const repo = makeRepository(join(bench.directory, 'shop'), { 'a.ts': 'one\n' });
  work = await bench.create(undefined, { name: 'Count in cents', directory: repo, claudeMd: 'Test first.' });
  writeFiles(work.worktree!.path, { 'a.ts': 'two\n' });
  commitAll(work.worktree!.path, 'Two');
  writeFiles(work.worktree!.path, { 'b.ts': 'new\n', 'notes.md': '# Notes\n\n- one\n', 'src/data.bin': '\0\x01\x02' });
  const picture = join(bench.directory, 'picture.png');
  writeFileSync(picture, readFileSync(join(ROOT, 'ui/public/icon-192.png')));
  draws = await bench.create(`picture ${picture}`, { name: 'Draws' });
  await bench.call('POST', '/api/templates', { name: 'Rules', content: 'Test first.' });
  for (const [order, name] of ['First', 'Second'].entries()) {
    await bench.call('POST', '/api/tasks', { name, prompt: 'long 2 1', directory: repo, order });
  }
}

function fillStage(): void {
  stage.clear();
  const asking = (id: string, request: ReturnType<typeof permission>) =>
    stage.add(
      agent({ id, name: `Asks ${id}`, state: 'waiting_input', stateReason: 'permission', pending: ['m1'] }),
      messages([request]),
    );
  asking('bash', permission());
  asking('edit', permission({ tool: 'Edit', title: diff.path, input: { file_path: diff.path }, diffs: [diff] }));
  asking('question', question());
  asking('plan', plan());
  stage.add(agent({ id: 'talk', name: 'Talks', state: 'running', stateReason: 'turn' }), conversation());
  const queue = ['m1', 'm2'].map((id, i) => ({ id, text: id, at: 1, ...(i ? {} : { handed: true }) }));
  stage.add(
    agent({ id: 'waits', name: 'Waits', state: 'running', stateReason: 'turn', queue }),
    messages(queue.map((entry) => user(entry.text))),
  );
  stage.add(agent({ id: 'old', name: 'Old', archivedAt: 1 }), messages([text('x')]));
  stage.add(agent({ id: 'cut', name: 'Cut off', state: 'stopped', stateReason: 'interrupted' }), messages([text('x')]));
  stage.add(agent({ id: 'cut2', name: 'Cut too', state: 'stopped', stateReason: 'interrupted' }), []);
  stage.add(agent({ id: 'bad', name: 'Failed', state: 'error', stateText: 'API Error: 529' }), messages([text('x')]));
}

const see = (words: string | RegExp) => (page: Page) =>
  page.getByText(words).filter({ visible: true }).first().waitFor();
const press = (name: string | RegExp) => (page: Page) => page.getByRole('button', { name }).first().click();

function pressAfter(words: string, name: string) {
  return async (page: Page) => {
    await see(words)(page);
    await page.getByRole('main').getByRole('button', { name, exact: true }).last().click();
  };
}
/** Writes a comment on a line; `isDone`: closes its box and opens the list. */
function comment(isDone: boolean) {
  return async (page: Page) => {
    await press(/a\.ts/)(page);
    await press(/^Comment on line 1/)(page);
    await page.getByRole('textbox', { name: 'Comment on line 1' }).fill('Why?');
    if (!isDone) return;
    await press('Done')(page);
    await press('1 comment')(page);
    await page.getByText('a.ts:1').waitFor();
  };
}
function search(words: string, kind: string, found: string) {
  return async (page: Page) => {
    await page.getByLabel('Search files').fill(words);
    await page.getByRole('radio', { name: kind }).click();
    await page.locator(found).first().waitFor();
  };
}

/** Messages wait behind a turn; `isEditing`: one is being changed. */
function waiting(isEditing: boolean) {
  return async (page: Page) => {
    await page.locator('.queue li').last().waitFor();
    if (isEditing) await page.getByRole('button', { name: 'Edit this message' }).click();
  };
}

const STATES: State[] = [
  { path: '/', show: see('Asks bash') },
  { path: '/', show: press('More actions') },
  { path: '/', show: press(/^Connection:/) },
  { path: '/agents/talk', show: see('The cause is') },
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
    show: async (page) => {
      await page.getByRole('textbox', { name: 'Message' }).fill('/');
      await page.getByRole('listbox').waitFor();
    },
  },
  {
    path: '/agents/talk',
    show: async (page) => {
      await page.getByRole('textbox', { name: 'Message' }).fill('/help');
      await page.getByRole('button', { name: 'Queue this message' }).click();
      await page.getByText('Of the dashboard').waitFor();
    },
  },
  { path: '/agents/waits', show: waiting(false) },
  { path: '/agents/waits', show: waiting(true) },
  { path: '/agents/old', show: see('This agent is archived') },
  { path: '/agents/talk', show: press('More actions') },
  { path: '/agents/bash', show: see('Permission needed') },
  { path: '/agents/bash', show: press('Deny with a reason') },
  { path: '/agents/bash', show: press('Edit before allowing') },
  { path: '/agents/edit', show: see('Permission needed') },
  { path: '/agents/question', show: see('A question for you') },
  { path: '/agents/plan', show: see('Plan to approve') },
  { path: '/agents/cut', show: see('Continue') },
  { path: '/agents/bad', show: see('Try again') },
  { path: '/agents/nobody', show: see('Agent not found') },
  { path: '/nowhere', show: see('Page not found') },
  {
    path: '/',
    show: async (page) => {
      await page.getByText('Asks bash').waitFor();
      await page.evaluate(() => location.hash = '#/pair/abc');
      await page.getByText('signed in already').waitFor();
    },
  },
  { path: '/answer/bash/m1', show: see('Open the agent') },
  { path: '/sessions', show: see('No sessions found') },
  { path: '/search', show: see('Find a conversation') },
  { path: '/search/zeppelin', show: see('could not be loaded') },
];

const REAL: State[] = [
  { path: '/new', show: press('More settings') },
  { path: '/new', show: press('Browse folders') },
  { path: '/tasks', show: see('First') },
  { path: '/tasks', show: press(/^Add/) },
  { path: '/templates', show: see('Rules') },
  { path: '/templates', show: press('New template') },
  { path: '/terminals', show: see('New terminal') },
  { path: '/settings', show: see('Archive unused') },
  { path: '/devices', show: see('No logins') },
  { path: '/search/picture', show: see('Draws') },
  { path: '/search/nowhere%20at%20all', show: see('Nothing found') },
  { path: '/agents/:draws/chat/1', show: see('I have seen it.') },
  { path: '/agents/:work/changes', show: press(/a\.ts/) },
  { path: '/agents/:work/changes', show: comment(false) },
  { path: '/agents/:work/changes', show: comment(true) },
  { path: '/agents/:draws', show: see('I have seen it.') },
  { path: '/agents/:draws', show: press(/^Picture, /) },
  { path: '/agents/:work/changes', show: press('Commit') },
  { path: '/agents/:work/terminals', show: see('Open a shell here') },
  { path: '/agents/:work/instructions', show: see('CLAUDE.md') },
  { path: '/agents/:work/details', show: see('Input tokens') },
];

/** What a file is, and the ways to it. */
const FILES: State[] = [
  { path: '/agents/:work/files', show: see('notes.md') },
  { path: '/agents/:work/files', show: pressAfter('notes.md', 'More') },
  { path: '/agents/:work/files/src%2F', show: see('data.bin') },
  { path: '/agents/:work/files/a.ts', show: see('two') },
  { path: '/agents/:work/files/a.ts/1', show: see('two') },
  { path: '/agents/:work/files/a.ts', show: pressAfter('two', 'Edit') },
  { path: '/agents/:work/files/notes.md', show: see('Notes') },
  { path: '/agents/:work/files/src%2Fdata.bin', show: see('00 01 02') },
  { path: '/agents/:work/files/gone.ts', show: see('could not be loaded') },
  { path: '/agents/:work/files', show: search('a.ts', 'Names', '.found-row') },
  { path: '/agents/:work/files', show: search('two', 'Text', '.found-row') },
  { path: '/agents/:work/files', show: search('nowhere at all', 'Names', 'text=Nothing found.') },
];

const MACHINES: State[] = [
  { path: '/', show: see('No agents yet') },
  { path: '/machines', show: see('desktop') },
  { path: '/machines', show: press(/^Rename: /) },
  { path: '/machines', show: press(/^Revoke: /) },
  {
    path: '/machines',
    show: async (page) => {
      await page.getByRole('button', { name: 'Add a machine' }).click();
      await page.getByText('agent-monitor join').waitFor();
    },
  },
];

interface Finding {
  id: string;
  impact: string;
  nodes: { target: string[]; failureSummary: string }[];
}

const IS_WHOLE = process.env.AXE === 'all';
/** Each theme where it is looked at most; with AXE=all both on both. */
const themes = ({ width }: typeof PHONE) =>
  IS_WHOLE ? ['light', 'dark'] as const : width < 600 ? ['light'] as const : ['dark'] as const;

/** What axe finds on the page as it is. */
async function findings(page: Page, name: string): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of themes(page.viewportSize()!)) {
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, colorScheme);
    const violations = await page.evaluate(
      async (options) => (await (globalThis as any).axe.run(document, options)).violations,
      OPTIONS,
    ) as Finding[];
    for (const { id, impact, nodes } of violations) {
      found.push(`${name} ${colorScheme}: ${id} (${impact}) ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
    }
  }
  return found;
}

/** @param cookie of a login */
async function walk(url: string, states: readonly State[], viewport: typeof PHONE, cookie = ''): Promise<string[]> {
  const { page } = await openPage(browser, viewport);
  const [name, ...value] = cookie.split('=');
  if (name) await page.context().addCookies([{ name, value: value.join('='), url }]);
  page.setDefaultTimeout(30_000);
  await page.addInitScript({ content: AXE });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const found: string[] = [];
  for (const [i, { path, show }] of states.entries()) {
    const address = path.replace(':work', work.id).replace(':draws', draws.id);
    // A page of its own: nothing of the state before is open, and a draft is not what is looked at.
    await page.goto(`${url}/?${i}#${address}`);
    await show(page);
    found.push(...await findings(page, `${i} ${path}`));
    await page.evaluate(() => localStorage.clear());
  }
  await page.context().close();
  return found;
}

for (const [name, viewport] of [['a phone', PHONE], ['a desk', DESKTOP]] as const) {
  test(`conversations and requests on ${name}`, async () => {
    fillStage();
    assert.equal(await walk(stage.mock.url, STATES, viewport), []);
  });

  test(`all other pages on ${name}`, async () => {
    assert.equal(await walk(bench.url, REAL, viewport), []);
  });

  test(`an agent's files on ${name}`, async () => {
    assert.equal(await walk(bench.url, FILES, viewport), []);
  });

  test(`machines on ${name}`, async () => {
    const { relayUrl } = fleet.product;
    assert.equal(await walk(relayUrl, MACHINES, viewport, await fleet.product.login()), []);
  });

  test(`offline, signed out and empty on ${name}`, async () => {
    fillStage();
    stage.mock.relay = true;
    const { page } = await openPage(browser, viewport);
    await page.addInitScript({ content: AXE });
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.goto(`${stage.mock.url}/#/`);
    await page.getByText('Asks bash').waitFor();
    stage.mock.setTunnel(false);
    await page.getByText('Machine not connected').waitFor();
    const found = await findings(page, 'offline /');
    await page.goto(`${stage.mock.url}/#/agents/bash`);
    await page.getByText('Machine not connected').waitFor();
    await page.locator('h1').waitFor({ state: 'attached' }); // The page's own part is loaded when it is wanted first.
    found.push(...await findings(page, 'offline chat'));
    stage.clear();
    await page.goto(`${stage.mock.url}/?empty#/`);
    await page.getByText('No agents yet').waitFor();
    found.push(...await findings(page, 'empty'));
    stage.mock.password = 'secret';
    await page.goto(`${stage.mock.url}/?login#/`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Enter the password.').waitFor();
    found.push(...await findings(page, 'login'));
    await page.context().close();
    assert.equal(found, []);
  });
}

test.run();

/** What stands behind the pages of ui-states.ts: a scripted server, a real one, a relay with two machines. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { deskChat } from '../../../core/api/handoff.ts';
import { DESK } from '../fakes/desk-data.ts';
import { agent, conversation, diff, messages, permission, plan, question, text, turn, user } from '../fakes/ui-data.ts';
import { USAGE } from '../fakes/usage-data.ts';
import { type Bench, startBench } from './agent-server.ts';
import { openPage, type PHONE } from './browser.ts';
import { startFleet, type TestFleet } from './fleet.ts';
import { commitAll, makeRepository, writeFiles } from './git.ts';
import { ROOT } from './product.ts';
import { openStage, type Stage } from './ui-page.ts';
import { CONVERSATIONS, FILES, MACHINES, PAGES, type State } from './ui-states.ts';
import { ENGLISH, type Texts } from './ui-texts.ts';

export interface WalkOptions {
  viewport: typeof PHONE;
  /** The language that the page is in. */
  texts?: Texts;
  /** Before the page is loaded. */
  prepare?(page: Page): Promise<unknown>;
}

/** What is found on the page as it is. */
export type Look = (page: Page, name: string) => Promise<string[]>;

/** Parts of the dashboard that are walked by themselves, so that a test says where it fails. */
export const PARTS = ['conversations', 'pages', 'files', 'machines', 'outages'] as const;
export type Part = (typeof PARTS)[number];

export interface UiWorld {
  readonly browser: Browser;
  /** Of the real server. */
  readonly url: string;
  walk(part: Part, look: Look, options: WalkOptions): Promise<string[]>;
  close(): Promise<void>;
}

export async function openUiWorld(): Promise<UiWorld> {
  const stage = await openStage();
  const { browser } = stage;
  const bench = await startBench({ TERMINAL: 'on' });
  const { work, draws } = await fillBench(bench);
  const fleet = await startFleet(['desktop', 'lab']);
  const ids = { ':work': work.id, ':draws': draws.id };
  const walkOf: Record<Part, (look: Look, options: WalkOptions) => Promise<string[]>> = {
    conversations: (look, options) => {
      fillStage(stage);
      return walk(browser, stage.mock.url, CONVERSATIONS, look, options);
    },
    pages: (look, options) => walk(browser, bench.url, PAGES, look, options, ids),
    files: (look, options) => walk(browser, bench.url, FILES, look, options, ids),
    machines: (look, options) => walkFleet(browser, fleet, look, options),
    outages: (look, options) => walkOutages(stage, look, options),
  };
  return {
    browser,
    url: bench.url,
    walk: (part, look, options) => walkOf[part](look, options),
    async close() {
      await stage.close();
      await bench.close();
      await fleet.close();
    },
  };
}

/** A real server with one of everything that is not a conversation. */
export async function fillBench(bench: Bench): Promise<{ work: AgentInfo; draws: AgentInfo }> {
  const repo = makeRepository(join(bench.directory, 'shop'), { 'a.ts': 'one\n' });
  const work = await bench.create(undefined, { name: 'Count in cents', directory: repo, claudeMd: 'Test first.' });
  writeFiles(work.worktree!.path, { 'a.ts': 'two\n' });
  commitAll(work.worktree!.path, 'Two');
  writeFiles(work.worktree!.path, { 'b.ts': 'new\n', 'notes.md': '# Notes\n\n- one\n', 'src/data.bin': '\0\x01\x02' });
  const picture = join(bench.directory, 'picture.png');
  writeFileSync(picture, readFileSync(join(ROOT, 'ui/public/icon-192.png')));
  const draws = await bench.create(`picture ${picture}`, { name: 'Draws' });
  await bench.call('POST', '/api/templates', { name: 'Rules', content: 'Test first.' });
  for (const [order, name] of ['First', 'Second'].entries()) {
    await bench.call('POST', '/api/tasks', { name, prompt: 'long 2 1', directory: repo, order });
  }
  return { work, draws };
}

/** Conversations and requests of every kind. */
export function fillStage(stage: Stage): void {
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
  stage.add(agent({ id: 'past', name: 'Has a past' }), messages([user('one'), text('x'), turn('p1'), user('two')]));
  stage.mock.usage = USAGE;
  stage.mock.desk = DESK;
  for (const { id } of DESK) stage.mock.messages.set(deskChat(id), conversation());
  stage.add(agent({ id: 'cut', name: 'Cut off', state: 'stopped', stateReason: 'interrupted' }), messages([text('x')]));
  stage.add(agent({ id: 'cut2', name: 'Cut too', state: 'stopped', stateReason: 'interrupted' }), []);
  stage.add(agent({ id: 'bad', name: 'Failed', state: 'error', stateText: 'API Error: 529' }), messages([text('x')]));
}

async function openWalk(browser: Browser, { viewport, prepare }: WalkOptions): Promise<Page> {
  const { page } = await openPage(browser, viewport);
  page.setDefaultTimeout(30_000);
  await prepare?.(page);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  return page;
}

async function walk(
  browser: Browser,
  url: string,
  states: readonly State[],
  look: Look,
  options: WalkOptions,
  ids: Record<string, string> = {},
  cookie = '',
): Promise<string[]> {
  const page = await openWalk(browser, options);
  const [name, ...value] = cookie.split('=');
  if (name) await page.context().addCookies([{ name, value: value.join('='), url }]);
  const found: string[] = [];
  for (const [i, { path, show }] of states.entries()) {
    const address = path.replace(/:work|:draws/, (id) => ids[id]!);
    // A page of its own: nothing of the state before is open, and a draft is not what is looked at.
    await page.goto(`${url}/?${i}#${address}`);
    await show(page, options.texts ?? ENGLISH);
    found.push(...await look(page, `${i} ${path}`));
    await page.evaluate(() => localStorage.clear());
  }
  await page.context().close();
  return found;
}

async function walkFleet(
  browser: Browser,
  { product }: TestFleet,
  look: Look,
  options: WalkOptions,
): Promise<string[]> {
  return await walk(browser, product.relayUrl, MACHINES, look, options, {}, await product.login());
}

/** Offline, empty and signed out. */
async function walkOutages(stage: Stage, look: Look, options: WalkOptions): Promise<string[]> {
  const { texts: t = ENGLISH } = options;
  const { mock } = stage;
  const found: string[] = [];
  fillStage(stage);
  mock.relay = true;
  const page = await openWalk(stage.browser, options);
  await page.goto(`${mock.url}/#/`);
  await page.getByText('Asks bash').waitFor();
  mock.setTunnel(false);
  await page.getByText(t.connection.trouble.machine).waitFor();
  found.push(...await look(page, 'offline /'));
  await page.goto(`${mock.url}/#/agents/bash`);
  await page.getByText(t.connection.trouble.machine).waitFor();
  await page.locator('h1').waitFor({ state: 'attached' }); // The page's own part is loaded when it is wanted first.
  found.push(...await look(page, 'offline chat'));
  await page.context().close();
  return [...found, ...await walkFirstVisit(stage, look, options)];
}

/** By a browser that has seen nothing yet: no agents, and a login. */
async function walkFirstVisit(stage: Stage, look: Look, options: WalkOptions): Promise<string[]> {
  const { texts: t = ENGLISH } = options;
  const { mock } = stage;
  const found: string[] = [];
  stage.clear();
  const page = await openWalk(stage.browser, options);
  await page.goto(`${mock.url}/#/`);
  await page.getByText(t.dashboard.empty).waitFor();
  found.push(...await look(page, 'empty'));
  mock.password = 'secret';
  await page.goto(`${mock.url}/?login#/`);
  await page.getByRole('button', { name: t.login.submit, exact: true }).click();
  await page.getByText(t.login.empty).waitFor();
  found.push(...await look(page, 'login'));
  await page.context().close();
  return found;
}

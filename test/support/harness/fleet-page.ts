/** Several machines on one page of the dashboard: their cards, an answer and a terminal on each, one that goes away. */
import * as assert from 'uvu/assert';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { pressAnswer } from './answers.ts';
import { openPage, type PHONE } from './browser.ts';
import type { FleetMachine, TestFleet } from './fleet.ts';
import { until } from './product.ts';

export const WAIT = { timeout: 30_000 };
const FILE = 'hello-from-the-demo.md';
/** Until the relay has noticed a line that was cut, and until the machine has dialled again. */
const AWAY_MS = 90_000;
/** A folder for pictures of the pages, to be looked at. */
const PICTURES = process.env.MACHINES_PICTURES;

export async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(PICTURES, `${name}-${page.viewportSize()!.width}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

export async function signedIn(fleet: TestFleet, browser: Browser, viewport: typeof PHONE) {
  const opened = await openPage(browser, viewport);
  await opened.page.goto(fleet.product.relayUrl);
  await opened.page.getByRole('textbox', { name: 'Password' }).fill(fleet.product.password);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  await opened.page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor(WAIT);
  return opened;
}

export const card = (page: Page, name: string) =>
  page.locator('.agent-card').filter({ has: page.getByRole('link', { name, exact: true }) });

/** What the agent on the machine has written; empty: nothing. */
function fileOf(machine: FleetMachine): string {
  const path = join(machine.directory, FILE);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** All agents are on the page, each says its machine; each is allowed what it asks. */
export async function answerOnEach(page: Page, agents: Map<FleetMachine, string>): Promise<void> {
  for (const [machine, name] of agents) {
    await card(page, name).locator('.machine-line').filter({ hasText: machine.name }).waitFor(WAIT);
  }
  await picture(page, 'home');
  for (const [machine, name] of agents) {
    assert.not.ok(existsSync(join(machine.directory, FILE)));
    await pressAnswer(card(page, name).getByRole('button', { name: 'Allow once' }));
    // It is there before it has its text.
    await until(`the file of ${name} on ${machine.name}`, () => fileOf(machine).includes(`for ${name}`));
  }
}

/** A terminal is opened on each, and answers from there. */
export async function terminalOnEach(fleet: TestFleet, page: Page): Promise<void> {
  for (const machine of fleet.machines) {
    await page.goto(`${fleet.product.relayUrl}/#/terminals`);
    await page.getByRole('combobox', { name: 'Machine' }).selectOption({ label: machine.name });
    await page.waitForURL(`**/#/m/${machine.id}/terminals`);
    await picture(page, 'terminals');
    await page.getByRole('button', { name: /terminal/i }).first().click();
    await page.getByRole('dialog').getByLabel(/^Folder/).fill(machine.directory);
    await page.getByRole('dialog').getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('img', { name: 'Connected' }).waitFor(WAIT);
    assert.match(page.url(), `/#/m/${machine.id}/terminals/`);
    await page.locator('.xterm-helper-textarea').focus();
    await page.keyboard.insertText('pwd');
    await page.keyboard.press('Enter');
    const shown = async () =>
      (await page.locator('.xterm-rows').innerText()).replace(/\s/g, '').includes(machine.directory);
    await until(`${machine.directory} in the terminal`, shown, WAIT.timeout);
  }
}

/** Makes agents that ask on all machines, opens the page, and answers, and uses a terminal, on each. */
export async function useEach(fleet: TestFleet, browser: Browser, viewport: typeof PHONE): Promise<void> {
  const agents = new Map<FleetMachine, string>();
  for (const machine of fleet.machines) agents.set(machine, `${viewport.width} on ${machine.name}`);
  for (const [machine, name] of agents) await machine.ask(name);
  const { page, problems } = await signedIn(fleet, browser, viewport);
  await answerOnEach(page, agents);
  await terminalOnEach(fleet, page);
  assert.equal(problems, []);
  await page.context().close();
  await settle(fleet);
}

/** Nothing asks any more, and no file tells of an answer. */
async function settle(fleet: TestFleet): Promise<void> {
  for (const { directory, fetch } of fleet.machines) {
    await fetch('/api/agents/actions/stop-all', { method: 'POST' });
    rmSync(join(directory, FILE), { force: true });
  }
}

/** One way in which a machine goes away, and how it comes back. */
export interface Outage {
  /** Of its kind, for the names of its agents. */
  name: string;
  machine: FleetMachine;
  begin(): Promise<void>;
  end(): void;
}

/**
 * Its cards say so at once after the relay's word, those of the others do not change; an answer waits for it, and arrives once.
 * @returns ms from the relay's word to the card
 */
export async function outage(
  fleet: TestFleet,
  browser: Browser,
  viewport: typeof PHONE,
  { name: kind, machine: lost, begin, end }: Outage,
): Promise<number> {
  const agents = new Map<FleetMachine, string>();
  for (const machine of fleet.machines) agents.set(machine, `${viewport.width} ${kind} on ${machine.name}`);
  const asked = await lost.ask(agents.get(lost)!);
  for (const [machine, name] of agents) if (machine !== lost) await machine.ask(name);
  const { page, problems } = await signedIn(fleet, browser, viewport);
  for (const name of agents.values()) await card(page, name).getByRole('button', { name: 'Allow once' }).waitFor(WAIT);
  await watchOthers(page, lost.name);
  await heardAway(page, lost.id);
  await begin();
  const away = card(page, agents.get(lost)!).getByText('Away', { exact: true });
  await away.waitFor({ timeout: AWAY_MS });
  // The page may have heard it sooner than the test's own feed.
  await page.waitForFunction(() => 'heard' in (globalThis as unknown as Noted).away, null, WAIT);
  const { heard, shown } = await page.evaluate(() => (globalThis as unknown as Noted).away);
  assert.ok(shown - heard < 1000, `said ${shown - heard} ms after the relay`);
  await card(page, agents.get(lost)!).getByText(/^as of /).waitFor(WAIT);
  await pressAnswer(card(page, agents.get(lost)!).getByRole('button', { name: 'Allow once' }));
  await card(page, agents.get(lost)!).getByText('1 waits to be sent').waitFor(WAIT);
  await picture(page, 'away');
  assert.equal(
    await page.evaluate(() => (globalThis as unknown as Noted).changes),
    [],
    'cards of the other machines changed',
  );
  const answers = recordAnswers(page);
  await page.reload();
  await card(page, agents.get(lost)!).getByText('1 waits to be sent').waitFor(WAIT);
  assert.is(await page.locator('.connection-bar').count(), 0, 'the bar speaks of all machines');
  assert.is((await fleet.list()).find(({ id }) => id === lost.id)?.connected, false);

  end();
  await until(
    'the machine back',
    async () => (await fleet.list()).every(({ connected }) => connected) || null,
    AWAY_MS,
  );
  await away.waitFor({ state: 'detached', timeout: 30_000 });
  await until(
    'an empty outbox',
    () => page.evaluate(() => !Object.keys(localStorage).some((key) => key.startsWith('outbox'))),
  );
  const arrived = answers.filter(({ status }) => status < 500);
  const address = `/m/${lost.id}/api/agents/${asked.id}/permissions/`;
  assert.is(arrived.length, 1, JSON.stringify(answers));
  assert.ok(arrived[0]!.path.startsWith(address), arrived[0]!.path);
  assert.is((await lost.agent(asked.id)).pending.length, 0);
  for (const machine of fleet.machines.filter((other) => other !== lost)) {
    assert.not.ok(existsSync(join(machine.directory, FILE)), `an answer for ${lost.name} reached ${machine.name}`);
  }
  assert.equal(problems, []);
  await page.context().close();
  await settle(fleet);
  return shown - heard;
}

/** Where the page sent answers of the user, and what each was answered. */
function recordAnswers(page: Page): { path: string; status: number }[] {
  const answers: { path: string; status: number }[] = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.includes('/permissions/')) answers.push({ path: pathname, status: response.status() });
  });
  return answers;
}

/** What a page notes for the test. */
interface Noted {
  changes: string[];
  away: { heard: number; shown: number };
}

/** Notes every change of the cards of the other machines. @param name of the machine that changes */
const watchOthers = (page: Page, name: string): Promise<void> =>
  page.evaluate((name) => {
    const changes: string[] = (globalThis as unknown as Noted).changes = [];
    for (const card of document.querySelectorAll('.agent-card')) {
      if (card.querySelector('.machine-line')!.textContent!.includes(name)) continue;
      // All but the time that it is in its state.
      const strip = () => [...card.children].slice(1).map((part) => part.textContent).join(' ');
      let before = strip();
      new MutationObserver(() => {
        if (strip() !== before) changes.push(`${before} → ${strip()}`);
        before = strip();
      }).observe(card, { subtree: true, childList: true, characterData: true });
    }
  }, name);

/** Notes when the relay says that the machine is away, and when its card does. */
const heardAway = (page: Page, id: string): Promise<void> =>
  page.evaluate((id) => {
    const times: Partial<Noted['away']> = {};
    Object.assign(globalThis, { away: times });
    const events = new EventSource('/api/relay/events?machines=1');
    events.addEventListener('machine', ({ data }) => {
      const { machine } = JSON.parse(data);
      if (machine.id === id && !machine.connected) times.heard ??= performance.now();
    });
    const look = () => {
      if (document.querySelector('.machine-line.is-away')) times.shown ??= performance.now();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    return new Promise<void>((resolve) => events.onopen = () => resolve());
  }, id);

/** Three machines at one relay, on one page: all agents, an answer and a terminal on each, one that dies and comes back. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { pressAnswer } from '../support/harness/answers.ts';
import { DESKTOP, launchBrowser, openPage, PHONE } from '../support/harness/browser.ts';
import { type FleetMachine, startFleet, type TestFleet } from '../support/harness/fleet.ts';
import { ROOT, until } from '../support/harness/product.ts';

const WAIT = { timeout: 30_000 };
const FILE = 'hello-from-the-demo.md';
/** A folder for pictures of the pages, to be looked at. */
const PICTURES = process.env.MACHINES_PICTURES;

let fleet: TestFleet;
let browser: Browser;

test.before(async () => {
  browser = await launchBrowser();
  fleet = await startFleet(['desktop', 'lab', 'vm']).catch((error) => {
    console.log(error);
    throw error;
  });
});
test.after(async () => {
  await browser?.close();
  await fleet?.close();
});

async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(PICTURES, `${name}-${page.viewportSize()!.width}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

async function signedIn(viewport: typeof PHONE) {
  const opened = await openPage(browser, viewport);
  await opened.page.goto(fleet.product.relayUrl);
  await opened.page.getByRole('textbox', { name: 'Password' }).fill(fleet.product.password);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  await opened.page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor(WAIT);
  return opened;
}

const card = (page: Page, name: string) =>
  page.locator('.agent-card').filter({ has: page.getByRole('link', { name, exact: true }) });

/** What the agent on the machine has written; empty: nothing. */
function fileOf(machine: FleetMachine): string {
  const path = join(machine.directory, FILE);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

async function answerOnEach(page: Page, agents: Map<FleetMachine, string>): Promise<void> {
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

async function terminalOnEach(page: Page): Promise<void> {
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

for (const [place, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  test(`on a ${place}: all agents on one page, an answer and a terminal on each machine`, async () => {
    const agents = new Map<FleetMachine, string>();
    for (const machine of fleet.machines) agents.set(machine, `${place} on ${machine.name}`);
    for (const [machine, name] of agents) await machine.ask(name);
    const { page, problems } = await signedIn(viewport);
    await answerOnEach(page, agents);
    await terminalOnEach(page);
    for (const machine of fleet.machines) await machine.fetch('/api/agents/actions/stop-all', { method: 'POST' });
    assert.equal(problems, []);
    await page.context().close();
    for (const { directory } of fleet.machines) rmSync(join(directory, FILE), { force: true });
  });
}

test('a picture among the files of each machine is shown, and downloaded from there', async () => {
  const png = readFileSync(join(ROOT, 'ui/public/icon-192.png'));
  const { page, problems } = await signedIn(DESKTOP);
  for (const machine of fleet.machines) {
    writeFileSync(join(machine.directory, 'drawing.png'), png);
    const { id } = await machine.ask(`files on ${machine.name}`);
    await page.goto(`${fleet.product.relayUrl}/#/m/${machine.id}/agents/${id}/files/drawing.png`);
    await page.locator('.picture img').waitFor(WAIT);
    const isDrawn = () =>
      page.locator('.picture img').evaluate((image) => (image as HTMLImageElement).naturalWidth > 0);
    await until(`the picture of ${machine.name}`, isDrawn, WAIT.timeout);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    assert.ok(readFileSync(await file.path()).equals(png));
    await machine.fetch('/api/agents/actions/stop-all', { method: 'POST' });
  }
  assert.equal(problems, []);
  await page.context().close();
});

test('a machine that is killed is away on its cards at once, the others stay; its queued answer arrives once', async () => {
  const [, lab] = fleet.machines;
  const agents = new Map<FleetMachine, string>();
  for (const machine of fleet.machines) agents.set(machine, `kept on ${machine.name}`);
  const asked = await lab!.ask(agents.get(lab!)!);
  for (const [machine, name] of agents) if (machine !== lab) await machine.ask(name);
  const { page, problems } = await signedIn(PHONE);
  for (const name of agents.values()) await card(page, name).getByRole('button', { name: 'Allow once' }).waitFor(WAIT);
  await watchOthers(page, lab!.name);
  await heardAway(page, lab!.id);
  await lab!.program.kill('SIGKILL');
  const away = card(page, agents.get(lab!)!).getByText('Away', { exact: true });
  await away.waitFor({ timeout: 20_000 });
  const { heard, shown } = await page.evaluate(() => (globalThis as unknown as Noted).away);
  assert.ok(shown - heard < 1000, `said ${shown - heard} ms after the relay`);
  console.log(`away on the card ${Math.round(shown - heard)} ms after the relay's word`);
  await card(page, agents.get(lab!)!).getByText(/^as of /).waitFor(WAIT);
  await pressAnswer(card(page, agents.get(lab!)!).getByRole('button', { name: 'Allow once' }));
  await card(page, agents.get(lab!)!).getByText('1 waits to be sent').waitFor(WAIT);
  await picture(page, 'away');
  assert.equal(
    await page.evaluate(() => (globalThis as unknown as Noted).changes),
    [],
    'cards of the other machines changed',
  );
  const answers = recordAnswers(page);
  await page.reload();
  await card(page, agents.get(lab!)!).getByText('1 waits to be sent').waitFor(WAIT);
  assert.is(await page.locator('.connection-bar').count(), 0, 'the bar speaks of all machines');
  assert.is((await fleet.list()).find(({ id }) => id === lab!.id)?.connected, false);

  lab!.start();
  await until('the machine back', async () => (await fleet.list()).every(({ connected }) => connected) || null, 60_000);
  await away.waitFor({ state: 'detached', timeout: 30_000 });
  await until(
    'an empty outbox',
    () => page.evaluate(() => !Object.keys(localStorage).some((key) => key.startsWith('outbox'))),
  );
  const arrived = answers.filter(({ status }) => status < 500);
  const address = `/m/${lab!.id}/api/agents/${asked.id}/permissions/`;
  assert.is(arrived.length, 1, JSON.stringify(answers));
  assert.ok(arrived[0]!.path.startsWith(address), arrived[0]!.path);
  assert.is((await lab!.agent(asked.id)).pending.length, 0);
  for (const machine of fleet.machines.filter((other) => other !== lab)) {
    assert.not.ok(existsSync(join(machine.directory, FILE)), `an answer for lab reached ${machine.name}`);
  }
  assert.equal(problems, []);
  await page.context().close();
});

/** Where the page sent answers of the user, and what each was answered. */
function recordAnswers(page: Page): { path: string; status: number }[] {
  const answers: { path: string; status: number }[] = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.includes('/permissions/')) answers.push({ path: pathname, status: response.status() });
  });
  return answers;
}

test('machines are listed, named, added by a line, and revoked', async () => {
  const { page, problems } = await signedIn(PHONE);
  await page.getByRole('link', { name: 'Machines' }).first().click();
  await page.getByRole('heading', { name: 'Machines', level: 1 }).waitFor(WAIT);
  const entry = (name: string) => page.locator('.devices li').filter({ has: page.getByText(name, { exact: true }) });
  await entry('vm').getByText('Connected', { exact: true }).waitFor(WAIT);
  await picture(page, 'machines');
  await entry('vm').getByRole('button', { name: /^Rename/ }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('guest');
  await page.getByRole('button', { name: 'Save' }).click();
  await entry('guest').waitFor(WAIT);

  // The device's clock may be wrong: what is counted down is the relay's time.
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 3600_000;
  });
  await page.getByRole('button', { name: 'Add a machine' }).click();
  await page.getByRole('img', { name: /QR code/ }).waitFor(WAIT);
  const line = await page.locator('.pair-link').textContent();
  assert.ok(line!.startsWith(`agent-monitor join ${fleet.product.relayUrl}/#`), line!);
  await page.getByText(/Valid for (10|9) ?min/).waitFor(WAIT);
  await picture(page, 'join');
  await page.keyboard.press('Escape');

  await page.goto(`${fleet.product.relayUrl}/#/m/${fleet.machines[0]!.id}/settings`);
  await page.getByRole('button', { name: 'Copy to guest' }).waitFor(WAIT);
  await page.getByRole('heading', { name: 'Copy settings' }).scrollIntoViewIfNeeded();
  await picture(page, 'settings');
  await page.getByRole('button', { name: 'Copy to guest' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Copy' }).click();
  await page.getByText('Copied to guest.').waitFor(WAIT);

  await page.goto(`${fleet.product.relayUrl}/#/machines`);
  await entry('guest').getByRole('button', { name: /^Revoke/ }).click();
  await page.getByRole('dialog').getByText(/RELAY_TOKEN/).waitFor(WAIT);
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('guest is revoked.').waitFor(WAIT);
  await page.goto(`${fleet.product.relayUrl}/#/m/${'a'.repeat(20)}/agents/x`);
  await page.getByText('Page not found').first().waitFor(WAIT);
  assert.equal(problems, []);
  await page.context().close();
});

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

test.run();

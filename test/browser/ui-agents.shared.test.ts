/** The dashboard, the create form and past sessions, as a user on a phone and at a desk meets them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CreateAgentBody } from '../../core/api/agents.ts';
import type { DecisionBody } from '../../core/api/messages.ts';
import { agent, conversation, messages, permission, question, text } from '../support/fakes/ui-data.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

test('an empty dashboard says what to do', async () => {
  const { page } = await stage.open('/');
  await page.getByText('No agents yet').waitFor();
  await page.getByRole('link', { name: 'New agent' }).first().click();
  await page.getByRole('heading', { name: 'New agent' }).waitFor();
  await page.context().close();
});

test('who needs the user is first, and is answered on its card', async () => {
  stage.add(agent({ id: 'idle', name: 'Idle one' }));
  stage.add(
    agent({ id: 'asks', name: 'Asking one', state: 'waiting_input', stateReason: 'permission', pending: ['m1'] }),
    messages([permission()]),
  );
  const { page, problems } = await stage.open('/');
  const first = page.locator('.agent-card').first();
  await first.getByText('Needs permission').waitFor();
  assert.match(await first.innerText(), /Asking one/);
  assert.is(await page.title(), '(1) Agent Monitor');
  await first.getByText('npm test -- --runInBand').waitFor();
  await first.getByRole('button', { name: 'Allow once' }).dblclick();
  await page.getByText('Working').first().waitFor();
  assert.equal(stage.bodies<DecisionBody>(/permissions\/m1/).map(({ decision }) => decision), ['allow']);
  await page.waitForFunction(() => document.title === 'Agent Monitor');
  assert.equal(problems, []);
  await page.context().close();
});

test('stop all asks before', async () => {
  stage.add(agent({ id: 'a', state: 'running', stateReason: 'turn' }));
  const { page } = await stage.open('/', DESKTOP);
  const stopAll = async () => {
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Stop all' }).click();
  };
  await stopAll();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(stage.bodies(/stop-all/), []);
  await stopAll();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop all' }).click();
  await page.locator('[data-state=stopped]').waitFor();
  assert.is(stage.bodies(/stop-all/).length, 1);
  await page.context().close();
});

test('filters and search', async () => {
  for (let i = 0; i < 7; i++) stage.add(agent({ id: `a${i}`, name: `Agent ${i}`, state: i < 2 ? 'running' : 'idle' }));
  const { page } = await stage.open('/');
  await page.getByRole('radio', { name: 'Working 2' }).click();
  assert.is(await page.locator('.agent-card').count(), 2);
  await page.getByRole('searchbox').fill('agent 6');
  await page.getByText('No agent matches').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  assert.is(await page.locator('.agent-card').count(), 7);
  await page.context().close();
});

test('the form names what is wrong at its field, keeps the draft, and makes one agent', async () => {
  const { page, problems } = await stage.open('/new');
  await page.getByRole('button', { name: 'Start agent' }).click();
  const directory = page.getByLabel('Folder', { exact: true });
  await page.getByText('Choose a folder for the agent.').waitFor();
  assert.is(await directory.getAttribute('aria-invalid'), 'true');
  await directory.fill('/srv/missing');
  await page.getByLabel('What should it do?').fill('Make it work');
  await page.getByRole('button', { name: 'Start agent' }).click();
  await page.getByText('must be a folder that exists').waitFor();
  assert.ok(await directory.evaluate((input) => input === document.activeElement));
  await page.reload();
  assert.is(await page.getByLabel('What should it do?').inputValue(), 'Make it work');
  await page.getByLabel('Folder', { exact: true }).fill('/srv/there');
  await page.getByRole('button', { name: 'More settings' }).click();
  await page.getByLabel('From a template').selectOption('House rules');
  assert.is(await page.getByLabel('Instructions for this agent').inputValue(), 'Write tests first.');
  await page.getByLabel('Allowed tools').fill('Read, -x');
  await page.getByRole('button', { name: 'Start agent' }).click();
  await page.getByText(/^Must .*"-"/).waitFor();
  await page.getByLabel('Allowed tools').fill('Read, Bash(git log:*)');
  await page.getByRole('button', { name: 'Start agent' }).click();
  await page.locator('.agent-page').waitFor();
  const [, result] = stage.bodies<CreateAgentBody>(/POST \/api\/agents$/);
  assert.equal(result!.flags!.allowedTools, ['Read', 'Bash(git log:*)']);
  assert.is(result!.claudeMd, 'Write tests first.');
  await page.goto(`${stage.mock.url}/#/new`);
  assert.is(await page.getByLabel('What should it do?').inputValue(), '');
  assert.equal(problems, []);
  await page.context().close();
});

test('a provider that cannot be started says why and cannot be chosen', async () => {
  const { page } = await stage.open('/new');
  await page.getByText('Codex cannot be started: Codex is not installed').waitFor();
  assert.ok(await page.getByRole('radio', { name: 'Codex' }).isDisabled());
  await page.context().close();
});

test('past sessions are continued; one in use only as a copy, one that is shared with the desk as it is', async () => {
  const session = {
    provider: 'claude' as const,
    directory: '/srv/x',
    createdAt: 1,
    updatedAt: 2,
    costUsd: 0.5,
    agentId: null,
  };
  stage.mock.sessions = [
    { ...session, id: 's1', title: 'From the terminal', inUse: false },
    { ...session, id: 's2', title: 'Open elsewhere', inUse: true },
    { ...session, id: 's3', title: 'Shared', provider: 'codex' as const, inUse: false, live: true },
  ];
  const { page } = await stage.open('/sessions');
  await page.getByText('Another program has it open').waitFor();
  await page.getByRole('button', { name: 'Continue a copy' }).click();
  await page.locator('.agent-page').waitFor();
  await page.goto(`${stage.mock.url}/#/sessions`);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await page.locator('.agent-page').waitFor();
  await page.goto(`${stage.mock.url}/#/sessions`);
  await page.getByText('A terminal has it open.').waitFor();
  await page.getByRole('button', { name: 'Open here too' }).click();
  await page.locator('.agent-page').waitFor();
  const flags = stage.bodies<CreateAgentBody>(/POST \/api\/agents$/).map((body) => body.flags);
  assert.equal(flags.map((f) => [f!.resume, f!.forkSession ?? false]), [['s2', true], ['s1', false], ['s3', false]]);
  await page.context().close();
});

test('demo agents are labelled on the card and on their page', async () => {
  stage.add(agent({ id: 'a', demo: true }), messages([text('hello')]));
  const { page } = await stage.open('/');
  await page.locator('.agent-card').getByText('Demo: scripted, no AI').waitFor();
  await page.goto(`${stage.mock.url}/#/agents/a`);
  await page.locator('.agent-head').getByText('Demo: scripted, no AI').waitFor();
  await page.context().close();
});

test('on a phone nothing is wider than the screen and every control can be hit with a thumb', async () => {
  const list = conversation();
  stage.add(
    agent({
      id: 'a',
      name: 'A rather long name of an agent that does not fit on one line of a phone',
      directory: '/home/someone/a-very-long-folder-name-without-any-space/and-another-one-below-it/src',
      state: 'waiting_input',
      pending: ['ask'],
      demo: true,
      preview: 'averyveryverylongwordthatdoesnotbreakanywhere'.repeat(4),
      queue: [{ id: 'q', text: 'a queued message that is long enough to be cut', at: 1 }],
    }),
    [...list, ...messages([{ ...permission(), id: 'ask' }], list.length + 1)],
  );
  const asked = messages([question()]);
  stage.add(agent({ id: 'b', state: 'waiting_input', stateReason: 'question', pending: ['m1'] }), asked);
  const { page } = await stage.open('/');
  for (const path of ['/', '/new', '/sessions', '/agents/a', '/agents/b', '/agents/a/details']) {
    await page.goto(`${stage.mock.url}/#${path}`);
    await page.waitForTimeout(500);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= PHONE.width, `${path} is ${width} px wide`);
    const small = await page.evaluate(smallControls);
    assert.equal(small, [], path);
  }
  await page.context().close();
});

/** Runs in the page: controls that are smaller than a thumb. Counted is what an ::after lays over the surroundings too. */
function smallControls(): string[] {
  const controls = 'button, a[href], select, textarea, input:not([type=checkbox]):not([type=radio])';
  return [...document.querySelectorAll<HTMLElement>(controls)]
    .filter((element) => element.checkVisibility() && !element.closest('.markdown, .cover'))
    .map((element) => {
      const { width, height } = element.getBoundingClientRect();
      const after = getComputedStyle(element, '::after');
      const isOver = after.content !== 'none' && after.position === 'absolute';
      const [x, y] = isOver ? [-parseFloat(after.left) || 0, -parseFloat(after.top) || 0] : [0, 0];
      const name = element.ariaLabel || element.innerText || element.className;
      return { name, width: width + 2 * x, height: height + 2 * y };
    })
    .filter(({ width, height }) => width < 40 || height < 43)
    .map(({ name, width, height }) => `${name}: ${width}×${height}`);
}

test('the theme follows the system and can be chosen', async () => {
  const { page } = await stage.open('/', DESKTOP);
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await page.getByRole('radio', { name: 'Auto' }).waitFor();
  assert.is(await theme(), 'light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await page.getByRole('radio', { name: 'Light' }).click();
  assert.is(await theme(), 'light');
  await page.reload();
  await page.getByRole('radio', { name: 'Light' }).waitFor();
  assert.is(await theme(), 'light');
  await page.context().close();
});

test.run();

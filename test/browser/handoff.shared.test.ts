/** Sessions at the desk in a real browser: listed, read along, gone. */
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deskChat } from '../../core/api/handoff.ts';
import type { Message } from '../../core/api/messages.ts';
import { DESK, deskSession } from '../support/fakes/desk-data.ts';
import { agent, conversation, messages, permission, text } from '../support/fakes/ui-data.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

/** A folder for pictures of the pages, to be looked at. */
const SCREENSHOTS = process.env.HANDOFF_SCREENSHOTS;

let stage: Stage;
test.before(async () => {
  stage = await openStage();
});
test.after(() => stage?.close());
test.before.each(() => stage.clear());

test('the first page lists them, who waits first, and shows nothing where there are none', async () => {
  stage.mock.desk = [];
  const { page, problems } = await stage.open('/');
  await page.getByText('No agents yet').waitFor();
  assert.is(await page.locator('.desk-sessions').count(), 0);
  stage.mock.publish({ type: 'handoff', session: deskSession({ id: 'new', name: 'Just begun' }) });
  await page.getByText('Just begun').waitFor();
  for (const session of DESK) stage.mock.publish({ type: 'handoff', session });
  await page.getByText('Waits at the desk: a permission').waitFor();
  assert.match(await page.locator('.desk-session').first().innerText(), /fix-rounding/);
  for (const id of ['new', ...DESK.map((session) => session.id)]) stage.mock.publish({ type: 'handoff.removed', id });
  await page.locator('.desk-sessions').waitFor({ state: 'detached' });
  assert.equal(problems, []);
  await page.context().close();
});

test('a session is read along, says that it is read-only, and goes on by events', async () => {
  stage.mock.desk = DESK;
  for (const { id } of DESK) stage.mock.messages.set(deskChat(id), conversation());
  for (const [name, viewport] of [['phone', PHONE], ['desk', DESKTOP]] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, problems } = await stage.open('/', viewport);
      await page.emulateMedia({ colorScheme });
      await page.getByText('Waits at the desk').waitFor();
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `handoff-list-${name}-${colorScheme}.png`) });
      await page.locator('.desk-session', { hasText: 'fix-rounding' }).getByRole('link').click();
      await page.getByText('Read-only: this session runs in a terminal.').waitFor();
      await page.getByText('The cause is').first().waitFor();
      await page.getByText('Another program has the same session open').waitFor();
      const chat = deskChat('asks');
      const last = stage.mock.messages.get(chat)!.at(-1)!.seq;
      const words = `Goes on ${name} ${colorScheme}`;
      stage.mock.say(chat, messages([{ ...text(words), id: words }], last + 1)[0]!);
      await page.getByText(words).waitFor();
      assert.is(await page.getByRole('textbox').count(), 0, 'nothing can be written');
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `handoff-read-${name}-${colorScheme}.png`) });
      assert.equal(problems, []);
      await page.context().close();
    }
  }
});

test('what a session asks is answered on the first page: the card is there, counted, and gone', async () => {
  const session = deskSession({ id: 'asks', status: 'waiting', waitingFor: 'permission prompt', pending: ['r1'] });
  stage.mock.desk = [session];
  const ask = permission({ title: 'npm test', input: { command: 'npm test' }, toolId: null });
  stage.mock.messages.set(deskChat('asks'), messages([{ ...ask, id: 'r1' }]));
  const { page, problems } = await stage.open('/', PHONE);
  const row = page.locator('.desk-session');
  await row.getByText('npm test').waitFor();
  assert.is(await page.title(), '(1) Agent Monitor');
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'handoff-ask-phone.png') });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.is(width, PHONE.width, 'nothing is wider than the phone');
  const answered = page.waitForRequest((request) => /permissions/.test(request.url()));
  await page.waitForTimeout(800); // an answer counts only when the button has stood for a while
  await row.getByRole('button', { name: 'Allow once' }).click();
  const request = await answered;
  assert.match(request.url(), /\/api\/agents\/desk-asks\/permissions\/r1$/);
  assert.is(JSON.parse(request.postData()!).decision, 'allow');
  await row.locator('.ask').waitFor({ state: 'detached' });
  assert.is(await page.title(), 'Agent Monitor');
  assert.equal(problems, []);
  await page.context().close();
});

test('the page of a session shows what it asks; answered at the desk, it goes and says so', async () => {
  const session = deskSession({ id: 'asks', status: 'waiting', waitingFor: 'permission prompt', pending: ['r1'] });
  stage.mock.desk = [session];
  const [ask] = messages([{
    ...permission({ title: 'npm test', input: { command: 'npm test' }, toolId: null }),
    id: 'r1',
  }]);
  stage.mock.messages.set(deskChat('asks'), [ask!]);
  const { page, problems } = await stage.open('/agents/desk-asks', PHONE);
  await page.waitForURL(/#\/desk\/asks$/);
  const card = page.locator('.desk-request');
  await card.getByRole('button', { name: 'Allow once' }).waitFor();
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'handoff-page-ask-phone.png') });
  const decision = { decision: 'answer', clientId: '', by: 'the desk', at: Date.now() };
  stage.mock.messages.set(deskChat('asks'), [{ ...ask!, status: 'answered', decision } as Message]);
  stage.mock.publish({ type: 'handoff', session: { ...session, status: 'busy', waitingFor: '', pending: undefined } });
  await card.waitFor({ state: 'detached' });
  assert.equal(problems, []);
  await page.context().close();
});

test('a session that ends while one reads stays readable; one that is not there says so', async () => {
  stage.mock.desk = DESK;
  stage.mock.messages.set(deskChat('works'), conversation());
  const { page } = await stage.open('/desk/works');
  await page.getByText('The cause is').first().waitFor();
  stage.mock.publish({ type: 'handoff.removed', id: 'works' });
  await page.getByText('This session has ended').waitFor();
  assert.is(await page.getByText('The cause is').first().isVisible(), true);
  await page.context().close();
  const other = await stage.open('/desk/nobody');
  await other.page.getByText('It no longer runs in a terminal.').waitFor();
  await other.page.context().close();
});

test('taking over says what happens, waits for the end of a turn, or interrupts it', async () => {
  stage.mock.desk = [
    deskSession({ id: 'idle', name: 'Idle' }),
    deskSession({ id: 'busy', name: 'Busy', status: 'busy' }),
  ];
  for (const { id } of stage.mock.desk) stage.mock.messages.set(deskChat(id), conversation());
  const { page, problems } = await stage.open('/desk/idle', PHONE);
  await page.getByRole('button', { name: 'Take over' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('The program in the terminal is ended').waitFor();
  assert.is(await dialog.getByRole('button', { name: 'Interrupt and take over' }).count(), 0);
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'handoff-take-phone.png') });
  await dialog.getByRole('button', { name: 'Take over' }).click();
  await page.waitForURL(/agents\/taken-idle/);
  await page.context().close();

  const other = await stage.open('/desk/busy', DESKTOP);
  await other.page.getByRole('button', { name: 'Take over' }).click();
  await other.page.getByRole('button', { name: 'Wait and take over' }).click();
  await other.page.getByText('Waiting until it is ready.').waitFor();
  if (SCREENSHOTS) await other.page.screenshot({ path: join(SCREENSHOTS, 'handoff-wait-desk.png') });
  await other.page.getByRole('button', { name: 'Interrupt and take over' }).click();
  await other.page.waitForURL(/agents\/taken-busy/);
  assert.equal([problems, other.problems.filter((text) => !/409/.test(text))], [[], []]);
  await other.page.context().close();
});

test('giving back shows the line to type; an agent whose session is at the desk says so', async () => {
  stage.add(agent({ id: 'mine', name: 'Mine', sessionId: 'here' }), conversation());
  const { page, problems } = await stage.open('/agents/mine', PHONE);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Give back to a terminal' }).click();
  await page.getByRole('button', { name: 'Give back', exact: true }).click();
  await page.getByText("cd '/home/dev/my shop' && claude").waitFor();
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'handoff-back-phone.png') });
  await page.getByRole('button', { name: 'Close' }).last().click();
  stage.mock.publish({ type: 'handoff', session: deskSession({ id: 'here' }) });
  await page.getByText('This session is open in a terminal.').waitFor();
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'handoff-note-phone.png') });
  assert.equal(problems, []);
  await page.context().close();
});

test.run();

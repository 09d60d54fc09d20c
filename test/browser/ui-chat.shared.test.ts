/** The conversation: requests, messages, streaming and scrolling. */
import { Buffer } from 'node:buffer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { DecisionBody, Message, SendMessageBody } from '../../core/api/messages.ts';
import { agent, conversation, messages, permission, plan, question, text, user } from '../support/fakes/ui-data.ts';
import { pressAnswer } from '../support/harness/answers.ts';
import { DESKTOP, PHONE } from '../support/harness/browser.ts';
import { until } from '../support/harness/product.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

/** The messages, when so many have arrived: the page shows each before it sends it. */
async function sentMessages(count: number): Promise<SendMessageBody[]> {
  await until(`${count} messages`, () => stage.bodies(/message$/).length >= count);
  return stage.bodies<SendMessageBody>(/message$/);
}
const decisions = () => stage.bodies<DecisionBody>(/permissions/).map(({ clientId: _, ...rest }) => rest);

async function asked(draft: Parameters<typeof messages>[0][number], open: (page: Page) => Promise<void>) {
  stage.add(
    agent({ id: 'a', state: 'waiting_input', stateReason: 'permission', pending: ['m2'] }),
    messages([user('do it'), draft]),
  );
  const { page, problems } = await stage.open('/agents/a');
  await page.locator('.request-card').waitFor();
  await open(page);
  await page.locator('.request-card').waitFor({ state: 'detached' });
  assert.equal(problems, []);
  await page.context().close();
}

test('a rule is one choice with what it does', () =>
  asked(permission(), async (page) => {
    await page.getByRole('button', { name: /Always allow Bash\(npm test:\*\)\s*Written to/ }).click();
    await page.locator('.decided').getByText('Always allow').waitFor();
    assert.equal(decisions(), [{ decision: 'rule:0' }]);
  }));

test('deny with a reason', () =>
  asked(permission(), async (page) => {
    await page.getByRole('button', { name: 'Deny with a reason' }).click();
    await page.getByLabel('Why not?').fill('Use pnpm here');
    await pressAnswer(page.getByRole('button', { name: 'Deny', exact: true }));
    await page.getByText('“Use pnpm here”').waitFor();
    assert.equal(decisions(), [{ decision: 'deny', message: 'Use pnpm here' }]);
  }));

test('a command is edited as such', () =>
  asked(permission(), async (page) => {
    await page.getByRole('button', { name: 'Edit before allowing' }).click();
    const area = page.getByLabel('Command', { exact: true });
    assert.is(await area.inputValue(), 'npm test -- --runInBand');
    await area.fill('npm run "unit tests"');
    await page.getByRole('button', { name: 'Allow as edited' }).click();
    await page.getByText('Allowed as edited').waitFor();
    const input = { command: 'npm run "unit tests"', description: 'Run the tests' };
    assert.equal(decisions(), [{ decision: 'allow', input }]);
  }));

test('any other input can be edited, and must be JSON', () =>
  asked(permission({ tool: 'WebFetch', input: { url: 'https://example.org' } }), async (page) => {
    await page.getByRole('button', { name: 'Edit before allowing' }).click();
    const area = page.getByLabel('Input as JSON');
    await area.fill('{ "command": ');
    await page.getByRole('button', { name: 'Allow as edited' }).click();
    await page.getByText('This is not valid JSON').waitFor();
    await area.fill('{ "command": "npm test" }');
    await page.getByRole('button', { name: 'Allow as edited' }).click();
    await page.getByText('Allowed as edited').waitFor();
    assert.equal(decisions(), [{ decision: 'allow', input: { command: 'npm test' } }]);
  }));

test("questions: one choice, several, or words of one's own", () =>
  asked(question(), async (page) => {
    const send = page.getByRole('button', { name: 'Send answers' });
    assert.ok(await send.isDisabled());
    await page.getByRole('radio', { name: 'Something else' }).check();
    await page.getByRole('textbox', { name: 'Your answer' }).fill('MariaDB');
    await page.getByRole('checkbox', { name: 'Backups' }).check();
    await page.getByRole('checkbox', { name: /Metrics/ }).check();
    await send.click();
    await page.locator('.decided').getByText('Answered').waitFor();
    assert.equal(decisions(), [{ decision: 'answer', answers: { q0: ['MariaDB'], q1: ['Backups', 'Metrics'] } }]);
  }));

test('a plan is rendered and approved with a mode, or sent back with feedback', async () => {
  await asked(plan(), async (page) => {
    await page.locator('.plan-text strong').getByText('cents').waitFor();
    await pressAnswer(page.getByRole('button', { name: /Approve and accept edits/ }));
  });
  assert.equal(decisions(), [{ decision: 'allow', mode: 'acceptEdits' }]);
  stage.clear();
  await asked(plan(), async (page) => {
    await page.getByRole('button', { name: 'Keep planning with feedback' }).click();
    await page.getByLabel('What should change?').fill('Smaller steps');
    await pressAnswer(page.getByRole('button', { name: 'Send feedback' }));
  });
  assert.equal(decisions(), [{ decision: 'deny', message: 'Smaller steps' }]);
});

test('everything in a conversation is shown: thoughts, tools with results and diffs, subagents, to-dos, turns', async () => {
  stage.add(agent({ id: 'a' }), conversation());
  const { page, problems } = await stage.open('/agents/a', DESKTOP);
  await page.getByRole('button', { name: 'Thought' }).click();
  await page.getByText('Probably floating point').waitFor();
  await page.getByRole('button', { name: /Ran\s*npm run lint/ }).click();
  await page.getByText('Exit code 1').waitFor();
  await page.getByText('Unexpected any').waitFor();
  await page.getByRole('button', { name: /Edited\s*src\/checkout/ }).click();
  await page.locator('.diff tr.add').first().waitFor();
  await page.getByRole('button', { name: '1 step of the subagent' }).click();
  await page.locator('.subagent').getByText('Searched').waitFor();
  await page.getByRole('region', { name: 'To do' }).getByText('1/3').waitFor();
  await page.locator('.markdown table').waitFor();
  await page.getByText('48 s · $0.31').waitFor();
  await page.getByText('by Safari on iPhone').waitFor();
  assert.equal(problems, []);
  await page.context().close();
});

test('the composer: draft kept, Enter sends at a desk, Shift+Enter is a line, commands complete', async () => {
  stage.add(agent({ id: 'a' }), messages([text('hello')]));
  const { page } = await stage.open('/agents/a', DESKTOP);
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.fill('a draft');
  await page.reload();
  assert.is(await box.inputValue(), 'a draft');
  await box.fill('');
  await box.pressSequentially('/co');
  await page.getByRole('option', { name: /compact/ }).waitFor();
  await page.keyboard.press('Enter');
  assert.is(await box.inputValue(), '/compact ');
  await box.pressSequentially('the tests');
  await page.keyboard.press('Shift+Enter');
  await box.pressSequentially('please');
  await page.keyboard.press('Enter');
  await page.locator('.bubble').getByText('/compact the tests').waitFor();
  assert.equal((await sentMessages(1)).map((body) => body.text), ['/compact the tests\nplease']);
  assert.is(await box.inputValue(), '');
  await page.context().close();
});

test('on a phone Enter is a new line', async () => {
  stage.add(agent({ id: 'a' }), messages([text('hello')]));
  const { page } = await stage.open('/agents/a');
  const pointer = await page.evaluate(() => matchMedia('(pointer: fine)').matches);
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.fill('one');
  await page.keyboard.press('Enter');
  if (pointer) assert.is((await sentMessages(1)).length, 1);
  else assert.is(await box.inputValue(), 'one\n');
  await page.context().close();
});

test('the composer stays above the soft keyboard', async () => {
  stage.add(agent({ id: 'a' }), messages(Array.from({ length: 40 }, (_, i) => text(`Message ${i}`))));
  const { page } = await stage.open('/agents/a');
  await page.getByText('Message 39').waitFor();
  await page.getByRole('textbox', { name: 'Message' }).focus();
  await page.setViewportSize({ width: PHONE.width, height: 480 });
  await page.waitForFunction(() => document.documentElement.classList.contains('keyboard'));
  const box = (await page.locator('.composer').boundingBox())!;
  assert.ok(box.y + box.height <= 480, `ends at ${box.y + box.height}`);
  assert.ok((await page.getByText('Message 39').boundingBox())!.y < box.y, 'the last message is still in view');
  await page.goto(`${stage.mock.url}/#/new`);
  await page.setViewportSize(PHONE);
  await page.getByLabel('What should it do?').focus();
  await page.setViewportSize({ width: PHONE.width, height: 480 });
  await page.locator('.bottom-bar').waitFor({ state: 'hidden' });
  await page.context().close();
});

test('pictures, answers and a reason that are not sent yet survive a look at another tab', async () => {
  stage.add(agent({ id: 'a', state: 'waiting_input', pending: ['m1'] }), messages([question()]));
  stage.add(agent({ id: 'b', state: 'waiting_input', pending: ['m1'] }), messages([permission()]));
  const { page } = await stage.open('/agents/a');
  const look = async () => {
    const tabs = page.getByRole('navigation', { name: 'Parts of this agent' });
    await tabs.getByRole('link', { name: 'Details' }).click();
    await page.locator('.request-card').waitFor({ state: 'detached' });
    await tabs.getByRole('link', { name: 'Chat' }).click();
    await page.locator('.request-card').waitFor();
  };
  await page.getByRole('radio', { name: 'SQLite' }).check();
  const png = await page.evaluate(() => document.createElement('canvas').toDataURL('image/png').split(',')[1]!);
  const buffer = Buffer.from(png, 'base64');
  await page.locator('input[type=file]').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer });
  await page.getByAltText('Attached picture').waitFor();
  await look();
  assert.ok(await page.getByRole('radio', { name: 'SQLite' }).isChecked());
  await page.getByAltText('Attached picture').waitFor();
  await page.goto(`${stage.mock.url}/#/agents/b`);
  await page.getByRole('button', { name: 'Deny with a reason' }).click();
  assert.is(await page.getByAltText('Attached picture').count(), 0);
  await page.getByLabel('Why not?').fill('Not now');
  await look();
  assert.is(await page.getByLabel('Why not?').inputValue(), 'Not now');
  await page.context().close();
});

test('a picture is made small, shown, and sent', async () => {
  stage.add(agent({ id: 'a' }), messages([text('hello')]));
  const { page, problems } = await stage.open('/agents/a');
  await page.getByText('hello').waitFor();
  const png = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 3000, height: 1000 });
    canvas.getContext('2d')!.fillRect(0, 0, 3000, 1000);
    return canvas.toDataURL('image/png').split(',')[1]!;
  });
  await page.locator('input[type=file]').setInputFiles({
    name: 'a.png',
    mimeType: 'image/png',
    buffer: Buffer.from(png, 'base64'),
  });
  await page.getByAltText('Attached picture').waitFor();
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.bubble-image').waitFor();
  const [body] = await sentMessages(1);
  assert.is(body!.images![0]!.mediaType, 'image/jpeg');
  const width = await page.evaluate((data) =>
    new Promise<number>((resolve) => {
      const image = new Image();
      image.onload = () => resolve(image.width);
      image.src = `data:image/jpeg;base64,${data}`;
    }), body!.images![0]!.data);
  assert.is(width, 1568);
  assert.equal(problems, []);
  await page.context().close();
});

test('a message that was not delivered is sent again, once, with what the machine has of it', async () => {
  const id = 'aaaaaaaa-bbbb-4ccc-8ddd-00000000ffff';
  const [failed] = messages([user('look at this')]);
  stage.add(agent({ id: 'a' }), [{ ...failed, id, status: 'failed', error: 'It ended.' } as Message]);
  const { page, problems } = await stage.open('/agents/a');
  await page.getByText('Not delivered: It ended.').waitFor();
  const again = page.getByRole('button', { name: 'Send again' });
  await again.click();
  await again.waitFor({ state: 'detached' });
  const sent = await sentMessages(1);
  assert.equal(sent, [{ text: 'look at this', again: id, clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-000000010000' }]);
  await page.reload();
  await page.getByText('Not delivered: It ended.').waitFor();
  assert.is(await again.count(), 0);
  assert.equal(problems, []);
  await page.context().close();
});

test('queue, interrupt, mode, model, rename, stop, delete', async () => {
  stage.add(
    agent({
      id: 'a',
      name: 'Old name',
      state: 'running',
      stateReason: 'turn',
      queue: [{ id: 'q1', text: 'later', at: 1 }],
    }),
    messages([text('hello')]),
  );
  const { page } = await stage.open('/agents/a', DESKTOP);
  await page.getByRole('button', { name: 'Withdraw this message' }).click();
  await page.locator('.queue').waitFor({ state: 'detached' });
  await page.getByLabel('Mode', { exact: true }).selectOption('Plan only');
  await page.getByLabel('Model').selectOption('Opus');
  await page.getByLabel('Effort').selectOption('Max');
  await page.getByRole('button', { name: 'Interrupt' }).click();
  await page.getByText('Interrupted').first().waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByLabel('Name', { exact: true }).fill('New name');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'New name' }).waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  assert.ok(await page.getByRole('button', { name: 'More actions' }).evaluate((e) => e === document.activeElement));
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No agents yet').waitFor();
  const commands = stage.mock.received.map(({ path }) => path).filter((path) => !path.endsWith('/marks'));
  assert.equal(commands, [
    'DELETE /api/agents/a/messages/q1',
    'PUT /api/agents/a/mode',
    'PUT /api/agents/a/model',
    'PUT /api/agents/a/effort',
    'POST /api/agents/a/interrupt',
    'PUT /api/agents/a/rename',
    'DELETE /api/agents/a',
  ]);
  await page.context().close();
});

test.run();

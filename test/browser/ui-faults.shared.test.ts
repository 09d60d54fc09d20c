/** What the dashboard says and does when something on the way is broken. */
import { test } from 'uvu';
import { pressAnswer } from '../support/harness/answers.ts';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import type { DecisionBody, SendMessageBody } from '../../core/api/messages.ts';
import { agent, messages, permission, text, user } from '../support/fakes/ui-data.ts';
import { openStage, type Stage } from '../support/harness/ui-page.ts';

let stage: Stage;
test.before(async () => void (stage = await openStage()));
test.after(() => stage?.close());
test.after.each(() => stage.clear());

const send = async (page: Page, words: string) => {
  await page.getByRole('textbox', { name: 'Message' }).fill(words);
  await page.getByRole('button', { name: 'Send' }).click();
};

test('login: a wrong password, too many tries with the time left, the right one', async () => {
  stage.mock.password = 'secret';
  stage.add(agent({ id: 'a', name: 'Alpha' }));
  const { page } = await stage.open('/');
  const password = page.getByRole('textbox', { name: 'Password' });
  const submit = page.getByRole('button', { name: 'Sign in' });
  await submit.click();
  await page.getByText('Enter the password.').waitFor();
  await password.fill('wrong');
  await submit.click();
  await page.getByText('Wrong password.').waitFor();
  assert.ok(
    await password.evaluate((input) =>
      input === document.activeElement && input.getAttribute('aria-invalid') === 'true'
    ),
  );
  await password.fill('secret');
  await submit.click();
  await page.getByText('Alpha').waitFor();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  for (let i = 0; i < 4; i++) {
    await password.fill('wrong');
    await submit.click();
    await page.waitForTimeout(100);
  }
  await page.getByText(/Too many attempts. Try again in (1 min|90 s)/).waitFor();
  assert.ok(await submit.isDisabled());
  await page.context().close();
});

test('login: the relay cannot be reached', async () => {
  stage.mock.password = 'secret';
  const { page } = await stage.open('/');
  await page.getByRole('textbox', { name: 'Password' }).fill('secret');
  await page.route('**/api/auth/login', (route) => route.abort());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The relay cannot be reached.').waitFor();
  await page.context().close();
});

test('a session that ends shows the login page, and the feed stops', async () => {
  stage.mock.password = 'secret';
  stage.add(agent({ id: 'a', name: 'Alpha', state: 'waiting_input', pending: ['m1'] }));
  const { page } = await stage.open('/');
  await page.getByRole('textbox', { name: 'Password' }).fill('secret');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Alpha').waitFor();
  assert.is(await page.title(), '(1) Agent Monitor');
  await page.context().clearCookies();
  await page.goto(`${stage.mock.url}/#/sessions`);
  await page.getByRole('textbox', { name: 'Password' }).waitFor();
  await page.waitForFunction(() => document.title === 'Sign in · Agent Monitor');
  assert.is(await page.getByText('Alpha').count(), 0);
  await page.context().close();
});

test('a feed that is refused because the session ended shows the login page, without a click', async () => {
  stage.mock.password = 'secret';
  stage.add(agent({ id: 'a', name: 'Alpha' }));
  const { page } = await stage.open('/');
  await page.getByRole('textbox', { name: 'Password' }).fill('secret');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Alpha').waitFor();
  await page.context().clearCookies();
  stage.mock.cut();
  await page.getByRole('textbox', { name: 'Password' }).waitFor();
  await page.context().close();
});

test('the machine is gone: the bar says so with its time, what is shown is dimmed, and all comes back', async () => {
  stage.mock.relay = true;
  stage.add(agent({ id: 'a', name: 'Alpha' }));
  const { page } = await stage.open('/');
  await page.getByText('Alpha').waitFor();
  assert.is(await page.locator('.connection-bar').count(), 0);
  await page.waitForTimeout(300);
  stage.mock.setTunnel(false);
  await page.getByText('Machine not connected').waitFor();
  await page.getByText(/retrying (in \d+ s|now)/).waitFor();
  assert.ok(await page.locator('.shell.stale').count());
  await page.getByRole('button', { name: /^Connection:/ }).first().click();
  // Not innerText: before the dialog's first frame it has no spaces.
  const hops = await page.locator('.hops').textContent() ?? '';
  assert.match(hops, /This device to the relay\s*Connected/);
  assert.match(hops, /Relay to your machine\s*Not connected/);
  await page.keyboard.press('Escape');
  const began = Date.now();
  stage.mock.setTunnel(true);
  await page.locator('.connection-bar').waitFor({ state: 'detached' });
  assert.ok(Date.now() - began < 3000, 'told by the relay, not by the next retry');
  await page.context().close();
});

test('the relay is gone: a message waits visibly, is sent once when it is back, with the same id', async () => {
  stage.mock.relay = true;
  stage.add(agent({ id: 'a' }), messages([user('hi'), text('hello')]));
  const { page } = await stage.open('/agents/a');
  await page.getByText('hello').waitFor();
  await stage.mock.shut();
  await page.locator('.connection-bar').waitFor();
  await send(page, 'while you were away');
  await page.getByText('Sent when you are back online').waitFor();
  await page.getByText('1 message queued').waitFor();
  await page.getByText('Relay unreachable').waitFor();
  const stored = await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('outbox.')));
  assert.is(stored.length, 1);
  await stage.mock.open();
  await page.locator('.message.is-user').getByText('while you were away').waitFor();
  await page.locator('.bubble.pending').waitFor({ state: 'detached', timeout: 20_000 });
  const sent = stage.bodies(/message$/) as SendMessageBody[];
  assert.equal(sent.map(({ text, clientId }) => [text, `outbox.${clientId}`]), [['while you were away', stored[0]]]);
  assert.is(await page.locator('.message.is-user').count(), 2);
  await page.context().close();
});

test('what waits survives closing the page, and can be taken back', async () => {
  stage.add(agent({ id: 'a' }), messages([text('hello')]));
  const { page } = await stage.open('/agents/a');
  await page.getByText('hello').waitFor();
  await page.route('**/api/agents/a/message', (route) => route.abort());
  await send(page, 'kept');
  await page.getByText('Trying again in a moment').waitFor();
  await page.reload();
  await page.locator('.bubble').getByText('kept').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('.bubble').waitFor({ state: 'detached' });
  assert.is(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('outbox.')).length), 0);
  assert.equal(stage.bodies(/message$/), []);
  await page.context().close();
});

test('a decision on its way is shown as such; its answer lost, it is repeated with the same id', async () => {
  const list = messages([permission()]);
  stage.add(agent({ id: 'a', state: 'waiting_input', stateReason: 'permission', pending: ['m1'] }), list);
  const { page } = await stage.open('/agents/a');
  const release = stage.mock.hold();
  await pressAnswer(page.getByRole('button', { name: 'Allow once' }));
  await page.getByText('Sending…').waitFor();
  assert.is(await page.getByRole('button', { name: 'Allow once' }).count(), 0);
  // The command arrived; its answer is lost with everything else.
  stage.mock.cut();
  await page.context().setOffline(true);
  await page.context().setOffline(false);
  release();
  await page.locator('.decided').getByText('Allowed once').waitFor();
  const sent = stage.bodies(/permissions/) as DecisionBody[];
  assert.ok(sent.length >= 1);
  assert.is(new Set(sent.map(({ clientId }) => clientId)).size, 1);
  await page.context().close();
});

test('someone else was first: the card says who, and nothing is left waiting', async () => {
  const list = messages([permission()]);
  stage.add(agent({ id: 'a', state: 'waiting_input', stateReason: 'permission', pending: ['m1'] }), list);
  const { page } = await stage.open('/agents/a');
  const allow = page.getByRole('button', { name: 'Allow once' });
  await allow.waitFor();
  const release = stage.mock.hold();
  await allow.click();
  const decision = { decision: 'deny', clientId: 'other', by: 'Firefox on Linux', at: Date.now() };
  stage.mock.say('a', { ...list[0]!, status: 'decided', decision } as (typeof list)[0]);
  release();
  await page.locator('.decided').getByText('Denied').waitFor();
  await page.getByText('by Firefox on Linux').waitFor();
  await page.getByText('Already decided').waitFor();
  assert.is(await page.locator('.outgoing').count(), 0);
  await page.context().close();
});

test('a feed that was cut goes on where it was: no loss, no double', async () => {
  stage.add(agent({ id: 'a', state: 'running' }), messages([text('', false)]));
  const { page } = await stage.open('/agents/a');
  await page.locator('.message.is-text').waitFor();
  let said = '';
  for (let i = 0; i < 60; i++) {
    const part = `w${i} `;
    const list = stage.mock.messages.get('a')!;
    list[0] = { ...list[0]!, text: said + part } as (typeof list)[0];
    stage.mock.publish({ type: 'delta', agent: 'a', id: 'm1', field: 'text', offset: said.length, text: part });
    said += part;
    if (i % 20 === 10) stage.mock.cut();
    await page.waitForTimeout(15);
  }
  await page.getByText('w59').waitFor();
  assert.is((await page.locator('.message.is-text .markdown').innerText()).trim(), said.trim());
  await page.context().close();
});

test.run();

/** Telegram's two buttons: who may press them, what counts, and that a press is counted once, over a restart too. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Failure } from '../../../core/api/errors.ts';
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { Notice, SendError } from '../../../agent/notify/sender.ts';
import { type Decide, Telegram } from '../../../agent/notify/telegram.ts';
import { DecidedError } from '../../../agent/session/requests.ts';
import { startTelegram, type TelegramStandIn } from '../../support/fakes/telegram-stand-in.ts';
import { type TestContext, testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { until } from '../../support/harness/product.ts';

const TOKEN = '123:SECRET';
const NOTICE: Notice = {
  event: 'needs_input',
  title: 'Fix asks for permission',
  text: 'Bash: npm te…',
  link: 'https://relay.example/#/agents/a1',
  agent: 'a1',
  request: 'r1',
  approval: 'Bash: npm test',
};

interface Place {
  there: TelegramStandIn;
  telegram: Telegram;
  context: TestContext;
  decided: (DecisionBody & { request: string; by: string })[];
  decide: Decide;
}

/** The machine: the first decision of a request wins, the same id again is answered as before. */
async function withTelegram(use: (place: Place) => Promise<void>): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const there = await startTelegram(TOKEN);
  const config = { telegram: { token: TOKEN, address: there.url }, allowPrivateAddresses: true };
  const context = testContext({ dataDir: join(path, 'data'), config });
  const decided: Place['decided'] = [];
  const decide: Decide = (_agent, request, body, by) => {
    if (request === 'gone') return Promise.reject(new Failure('request_gone', 'x'));
    const first = decided.find((entry) => entry.request === request);
    if (first && first.clientId !== body.clientId) return Promise.reject(new DecidedError({ ...first, at: 0 }));
    if (!first) decided.push({ ...body, request, by });
    return Promise.resolve({ decision: { ...body, by, at: 0 } });
  };
  const telegram = new Telegram(context, decide);
  try {
    await use({ there, telegram, context, decided, decide });
  } finally {
    await telegram.close();
    await there.close();
    remove();
  }
}

const answerOf = (there: TelegramStandIn, id: string) =>
  until('the answer', () => there.answers.find((answer) => answer.id === id)?.text);

test('a permission has two buttons under all of its text; a press decides once; then the message says what became of it', () =>
  withTelegram(async ({ there, telegram, decided }) => {
    await telegram.send('42', NOTICE);
    const [message] = there.messages;
    assert.equal([message!.chat, message!.buttons.length], ['42', 2]);
    assert.is(message!.text, `${NOTICE.title}\n\n${NOTICE.approval}\n\n${NOTICE.link}`);
    assert.is(await answerOf(there, there.press(message!, 0)), 'Allowed.');
    assert.is(await answerOf(there, there.press(message!, 0)), 'Allowed.');
    assert.equal(decided.map(({ decision, by }) => [decision, by]), [['allow', 'Telegram']]);
    telegram.settled('a1', 'r1', 'Allowed by Telegram');
    await until('the buttons to go', () => message!.buttons.length === 0);
    assert.match(message!.text, /Allowed by Telegram$/);
    assert.equal(telegram.shown(), []);
  }));

test('answered elsewhere, gone, and pressed after all is over', () =>
  withTelegram(async ({ there, telegram, decided }) => {
    decided.push({ request: 'r1', decision: 'deny', clientId: 'other', by: 'laptop' });
    await telegram.send('42', NOTICE);
    assert.is(await answerOf(there, there.press(there.messages[0]!, 0)), 'Already denied by laptop.');
    await telegram.send('42', { ...NOTICE, request: 'gone' });
    assert.match(await answerOf(there, there.press(there.messages[1]!, 1)), /^Too late/);
    const late = { ...there.messages[0]!, buttons: ['allow unknown', 'deny unknown'] };
    assert.match(await answerOf(there, there.press(late, 0)), /^Too late/);
    assert.is(decided.length, 1);
  }));

test('only the person whose chat it is may press; a group has no buttons, nor has what is not seen whole', () =>
  withTelegram(async ({ there, telegram, decided, context }) => {
    await telegram.send('42', NOTICE);
    assert.match(await answerOf(there, there.press(there.messages[0]!, 0, '43')), /^Too late/);
    assert.match(context.lines.join(), /somebody else/);
    const elsewhere = { ...there.messages[0]!, chat: '44' };
    assert.match(await answerOf(there, there.press(elsewhere, 0, '42')), /^Too late/);
    assert.equal(decided, []);
    await telegram.send('-100', NOTICE);
    const { approval: _, ...unseen } = NOTICE;
    await telegram.send('42', unseen);
    await telegram.send('42', { ...NOTICE, approval: 'x'.repeat(5000) });
    assert.equal(there.messages.slice(1).map(({ buttons }) => buttons.length), [0, 0, 0]);
  }));

test('a press while the machine was away counts after its start, once although Telegram tells it twice', () =>
  withTelegram(async ({ there, telegram, context, decided, decide }) => {
    await telegram.send('42', NOTICE);
    await telegram.close();
    const press = there.press(there.messages[0]!, 1);
    const cut = new Telegram(context, async (...args) => {
      await decide(...args);
      throw new Error('the machine ends here');
    });
    await until('the decision', () => decided.length === 1);
    await cut.close();
    const again = new Telegram(context, decide);
    await until('the answer', () => there.answers.filter(({ id }) => id === press).length > 0);
    assert.equal(decided.map(({ decision }) => decision), ['deny']);
    assert.equal(again.shown(), [{ agent: 'a1', request: 'r1' }]);
    await again.close();
  }));

test('it asks for news only while there are buttons, and no line or file for others holds the token', () =>
  withTelegram(async ({ there, telegram, context }) => {
    await telegram.send('42', { ...NOTICE, event: 'failed', request: 'x' } as Notice);
    telegram.settled('a1', 'x', 'Done');
    await until('the end of the buttons', () => telegram.shown().length === 0);
    const press = there.press({ ...there.messages[0]!, buttons: ['allow none'] }, 0);
    await answerOf(there, press).catch(() => {});
    const { polls } = there;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(there.polls <= polls + 1);
    there.faults.push({ status: 401, body: { ok: false } }, {
      status: 429,
      body: { ok: false, parameters: { retry_after: 7 } },
    });
    there.faults.push({ status: 403, body: { ok: false, description: TOKEN } }, { status: 500, body: {} });
    const errors: SendError[] = [];
    for (let i = 0; i < 4; i++) {
      errors.push(await telegram.send('42', NOTICE).then(() => assert.unreachable(), (e) => e));
    }
    assert.equal(errors.map(({ isFinal }) => isFinal), [true, false, true, false]);
    assert.is(errors[1]!.retryAfterMs, 7000);
    const said = [
      ...errors.map(({ message }) => message),
      ...context.lines,
      readFileSync(join(context.config.dataDir, 'telegram.json'), 'utf8'),
    ];
    assert.not.match(said.join('\n'), /SECRET/);
  }));

test.run();

/** The same command several times at once while the disk refuses: it has one effect at most, and no answer says more. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import type { DecisionBody, DecisionRecord, Message, RequestMessage, UserMessage } from '../../../core/api/messages.ts';
import { Decisions } from '../../../agent/session/decisions.ts';
import { MessageLog } from '../../../agent/session/message-log.ts';
import { PromptQueue } from '../../../agent/session/prompt-queue.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

const ID = '11111111-1111-4111-8111-111111111111';

/** A log whose next `failures` commits are refused. */
class FlakyLog extends MessageLog {
  failures = 0;
  override async commit(): Promise<void> {
    const isRefused = this.failures-- > 0;
    await new Promise((resolve) => setImmediate(resolve));
    if (isRefused) throw new Error('ENOSPC');
    await super.commit();
  }
}

async function withLog(run: (log: FlakyLog) => Promise<void>): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const log = new FlakyLog({
    agentId: 'a',
    path: join(path, 'journal.jsonl'),
    clock: fakeClock(),
    publish: () => {},
    warn: () => {},
  });
  try {
    await run(log);
  } finally {
    await log.close();
    remove();
  }
}

const NO_PICTURES = {
  open: () => Promise.reject(new Error('none')),
  retain: () => null,
  settled: () => Promise.resolve(),
};

const NO_ATTACHMENTS = {
  use: () => Promise.reject(new Error('none')),
  outgoing: (): never => {
    throw new Error('there is none');
  },
};

const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => '', (error: Failure) => error.code);

test('a clientId that is the id of something else is refused, and gives nothing to the agent', () =>
  withLog(async (log) => {
    log.add({ ...request(), id: ID } as never);
    const queue = new PromptQueue({
      log: () => log,
      pictures: NO_PICTURES,
      attachments: NO_ATTACHMENTS,
      refusing: () => null,
      prepare: () => Promise.resolve(),
      onAccepted: () => assert.unreachable('it was accepted'),
    });
    const refused = await queue.send({ text: 'pay', clientId: ID }, 'test').catch((error: Failure) => error) as Failure;
    assert.is(refused.code, 'bad_request');
    assert.match(refused.message, /"clientId" is already used/);
    assert.is(log.get(ID)?.kind, 'request', 'what has the id stays');
    const sent: string[] = [];
    queue.deliverNext({ send: ({ id }: { id: string }) => sent.push(id) } as never);
    assert.equal(sent, []);
  }));

test('a message that is too old to be kept is gone, and nothing reaches the agent a second time', () =>
  withLog(async (log) => {
    log.wasRemoved = (id) => id === ID;
    const queue = new PromptQueue({
      log: () => log,
      pictures: NO_PICTURES,
      attachments: NO_ATTACHMENTS,
      refusing: () => null,
      prepare: () => Promise.resolve(),
      onAccepted: () => assert.unreachable('it was accepted'),
    });
    assert.is(await codeOf(queue.send({ text: 'pay', clientId: ID }, 'test')), 'message_gone');
    const sent: string[] = [];
    queue.deliverNext({ send: ({ id }: { id: string }) => sent.push(id) } as never);
    assert.equal(sent, []);
  }));

/** A message that waits, and what a CLI is handed of it. */
async function waitingMessage(log: FlakyLog) {
  const queue = new PromptQueue({
    log: () => log,
    pictures: NO_PICTURES,
    attachments: NO_ATTACHMENTS,
    refusing: () => null,
    prepare: () => Promise.resolve(),
    onAccepted: () => {},
  });
  await queue.send({ text: 'first', clientId: ID }, 'test');
  const sent: string[] = [];
  const hand = () => queue.deliverNext({ send: ({ text }: { text: string }) => sent.push(text) } as never);
  return { queue, sent, hand, text: () => (log.get(ID) as UserMessage).text };
}

for (const failures of [[1, 0], [1, 1], [0, 1]] as const) {
  test(`two changes of a waiting message, ${failures} refused by the disk: it says what was saved last`, () =>
    withLog(async (log) => {
      const { queue, sent, hand, text } = await waitingMessage(log);
      const texts = ['second', 'third'];
      const codes = [];
      for (const [i, failure] of failures.entries()) {
        log.failures = failure;
        codes.push(await codeOf(queue.edit(ID, texts[i]!)));
      }
      assert.equal(codes, failures.map((failure) => failure ? 'not_saved' : ''));
      const saved = ['first', ...texts.filter((_, i) => !failures[i])].at(-1)!;
      assert.is(text(), saved);
      hand();
      assert.equal(sent, [saved]);
    }));
}

test('a message that is handed over while its change is being saved: the CLI has what it says, once', () =>
  withLog(async (log) => {
    const { queue, sent, hand, text } = await waitingMessage(log);
    log.failures = 1;
    const change = codeOf(queue.edit(ID, 'changed'));
    while (text() !== 'changed') await Promise.resolve();
    hand();
    await change;
    assert.equal([sent, text()], [['changed'], 'changed']);
    assert.is(await codeOf(queue.edit(ID, 'again')), 'already_sent');
    hand();
    assert.equal(sent, ['changed']);
  }));

for (const failures of [0, 1, 2, 3, 5]) {
  for (const count of [2, 3, 6]) {
    test(`one message ${count} times, ${failures} saves refused: handed over once at most`, () =>
      withLog(async (log) => {
        log.failures = failures;
        const queue = new PromptQueue({
          log: () => log,
          pictures: NO_PICTURES,
          attachments: NO_ATTACHMENTS,
          refusing: () => null,
          prepare: () => Promise.resolve(),
          onAccepted: () => {},
        });
        const send = () => codeOf(queue.send({ text: 'pay', clientId: ID }, 'test'));
        const codes = await Promise.all(Array.from({ length: count }, send));
        assert.equal(
          codes,
          Array.from({ length: count }, (_, i) => i < failures ? 'not_saved' : ''),
          'each waits for the one before it',
        );
        const sent: string[] = [];
        queue.deliverNext({ send: ({ id }: { id: string }) => sent.push(id) } as never);
        assert.equal(sent, failures < count ? [ID] : []);
        const { status } = log.get(ID) as UserMessage;
        assert.is(status, failures < count ? 'accepted' : 'failed');
      }));

    test(`one decision ${count} times, ${failures} saves refused: given once, and 200 only when it is on disk`, () =>
      withLog(async (log) => {
        log.add({ ...request(), id: 'r' } as never);
        log.failures = failures;
        const taken: DecisionRecord[] = [];
        const decisions = new Decisions({
          log: () => log,
          now: () => 1,
          deliver: (_, decision) => taken.push(decision) > 0,
          onChange: () => {},
        });
        const decide = () => codeOf(decisions.decide('r', { decision: 'allow', clientId: ID }, 'test'));
        const codes = await Promise.all(Array.from({ length: count }, decide));
        assert.equal(codes, Array.from({ length: count }, (_, i) => i < failures ? 'not_saved' : ''));
        assert.is(taken.length, failures < count ? 1 : 0);
        assert.is((log.get('r') as RequestMessage).status, failures < count ? 'decided' : 'pending');
      }));
  }
}

test('two decisions at once, the first is refused by the disk: the second one is taken', () =>
  withLog(async (log) => {
    log.add({ ...request(), id: 'r' } as never);
    log.failures = 1;
    const taken: string[] = [];
    const decisions = new Decisions({
      log: () => log,
      now: () => 1,
      deliver: (_, { decision }) => taken.push(decision) > 0,
      onChange: () => {},
    });
    const decide = (decision: string, clientId: string) =>
      codeOf(decisions.decide('r', { decision, clientId } as DecisionBody, 'test'));
    const codes = await Promise.all([decide('allow', 'one'), decide('deny', 'two'), decide('allow', 'three')]);
    assert.equal(codes, ['not_saved', '', 'already_decided']);
    assert.equal(taken, ['deny']);
  }));

const request = (): Partial<Message> => ({
  kind: 'request',
  request: 'permission',
  toolId: null,
  tool: 'Bash',
  title: 'ls',
  description: '',
  input: { command: 'ls' },
  diffs: [],
  choices: [
    { id: 'allow', label: 'Allow once', detail: '', tone: 'allow' },
    { id: 'deny', label: 'Deny', detail: '', tone: 'deny' },
  ],
  questions: [],
  plan: '',
  status: 'pending',
  decision: null,
});

test.run();

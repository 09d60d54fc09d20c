/** Requests that the CLI withdraws while a decision is being saved; answers that nothing may keep. */
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import type { DecisionRecord, Message, RequestMessage } from '../../../core/api/messages.ts';
import type { ProviderEvent, ProviderRequest } from '../../../agent/provider/provider.ts';
import { Decisions } from '../../../agent/session/decisions.ts';
import { MessageLog } from '../../../agent/session/message-log.ts';
import { SECRET_ANSWER } from '../../../agent/session/requests.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { DONE, READY, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

const ID = '11111111-1111-4111-8111-111111111111';
const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => '', (error: Failure) => error.code);

const questions = ['user', 'password', 'token'].map((id) => ({
  ...{ id, header: '', question: `${id}?`, options: [], multiSelect: false, other: true },
  secret: id !== 'user',
}));
const asked = (request: 'permission' | 'question'): ProviderRequest => ({
  ...{ requestId: 'r', request, toolId: null, tool: 'Bash', title: 'ls', description: '', input: {}, diffs: [] },
  choices: request === 'question' ? [] : [{ id: 'allow', label: 'Allow', detail: '', tone: 'allow' }],
  questions: request === 'question' ? questions : [],
  plan: '',
});

/** What the CLI does to a request while its decision is being saved → how the request ends. */
const WITHDRAWALS: [RequestMessage['status'], RequestMessage['status']][] = [
  ['cancelled', 'cancelled'],
  ['answered', 'cancelled'], // settled by the CLI itself: our decision never reached it
  ['expired', 'expired'],
];

for (const [during, end] of WITHDRAWALS) {
  for (const isSaved of [true, false]) {
    test(`${during} while its decision is saved, and the save ${isSaved ? 'succeeds' : 'fails'}: never pending again`, async () => {
      const { path, remove } = temporaryDirectory();
      const options = { agentId: 'a', path: `${path}/j`, clock: fakeClock(), publish: () => {}, warn: () => {} };
      const log = new MessageLog(options);
      log.add({ kind: 'request', id: 'r', ...asked('permission'), status: 'pending', decision: null } as never);
      log.commit = async () => {
        await Promise.resolve();
        log.patch('r', { status: during });
        if (!isSaved) throw new Error('ENOSPC');
      };
      const seen: string[] = [];
      const decisions = new Decisions({
        log: () => log,
        now: () => 1,
        deliver: () => seen.push('delivered') > 0,
        onChange: () => seen.push('changed'),
      });
      const decide = (clientId: string) => codeOf(decisions.decide('r', { decision: 'allow', clientId }, 'test'));
      assert.is(await decide(ID), 'request_gone');
      const { status, decision } = log.get('r') as RequestMessage;
      assert.equal([status, decision], [end, null]);
      assert.equal(seen, ['changed'], 'the card is taken from the list, and the CLI gets nothing');
      assert.is(await decide(ID), 'request_gone', 'the same again');
      await log.close();
      remove();
    });
  }
}

test('a CLI that ends while the decision cannot be saved leaves no request that waits', () =>
  withScriptedAgents(async ({ agents, create, session, refuseWrites }) => {
    const { id } = await create();
    session().emit(...READY, { type: 'turn.start' });
    await settle();
    const mend = refuseWrites(id);
    session().emit({ type: 'request', request: asked('permission') });
    const deciding = codeOf(agents.decide(id, 'r', { decision: 'allow', clientId: ID }, 'test'));
    while ((agents.message(id, 'r') as RequestMessage).status === 'pending') await Promise.resolve();
    session().emit({ type: 'request.cancelled', requestId: 'r' } as ProviderEvent, DONE);
    assert.is(await deciding, 'request_gone');
    assert.is((agents.message(id, 'r') as RequestMessage).status, 'cancelled');
    assert.equal([agents.info(id).pending, agents.info(id).state], [[], 'idle']);
    mend();
  }));

test('answers to secret questions reach the CLI alone: not the journal, the dashboards or the reply', () =>
  withScriptedAgents(async ({ agents, create, session, file, context }) => {
    const { id } = await create('log in');
    session().emit(...READY, { type: 'turn.start' }, { type: 'request', request: asked('question') });
    const received: DecisionRecord[] = [];
    session().decide = (_, decision) => received.push(decision as DecisionRecord) > 0;
    const answers = { user: ['anna'], password: ['hunter2'], token: ['t0ken', 'hunter2'] };
    const body = { decision: 'answer', clientId: ID, answers };
    const replies = [await agents.decide(id, 'r', body, 'test')];
    session().emit({ type: 'request.resolved', requestId: 'r' });
    replies.push(await agents.decide(id, 'r', body, 'test'));
    assert.equal(replies.map(({ duplicate }) => duplicate), [false, true]);
    assert.equal(received[0]!.answers, answers);
    const retained = { user: ['anna'], password: [SECRET_ANSWER], token: [SECRET_ANSWER, SECRET_ANSWER] };
    for (const { decision } of replies) assert.equal(decision.answers, retained);
    await settle();
    const everywhere = [readFileSync(file(id, 'journal.jsonl'), 'utf8'), JSON.stringify(context.published)].join();
    assert.match(everywhere, 'anna');
    assert.not.match(everywhere, /hunter2|t0ken/);
  }));

test('an answer that an earlier version retained is taken out of the journal', async () => {
  const { path, remove } = temporaryDirectory();
  const decision = {
    decision: 'answer',
    clientId: ID,
    by: 'test',
    at: 1,
    answers: { password: ['hunter2'], user: ['a'] },
  };
  const message = { kind: 'request', id: 'r', seq: 1, at: 1, ...asked('question'), status: 'answered', decision };
  writeFileSync(`${path}/j`, `${JSON.stringify({ m: message as unknown as Message })}\n`);
  const log = new MessageLog({
    agentId: 'a',
    path: `${path}/j`,
    clock: fakeClock(),
    publish: () => {},
    warn: () => {},
  });
  assert.equal((log.get('r') as RequestMessage).decision!.answers, { password: [SECRET_ANSWER], user: ['a'] });
  await log.close();
  assert.not.match(readFileSync(`${path}/j`, 'utf8'), 'hunter2');
  remove();
});

test.run();

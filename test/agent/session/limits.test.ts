/** Bounds of agents and of pages of messages, and what is not said after a user's own stop. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import { MAX_AGENT } from '../../../agent/session/creation.ts';
import { MAX_PAGE, MessageLog, PAGE_DEFAULT } from '../../../agent/session/message-log.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { DONE, READY, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

test(`there are at most ${MAX_AGENT} agents, also when they are made at once; a deleted one makes room`, () =>
  withScriptedAgents(async (place) => {
    const results = await Promise.allSettled(Array.from({ length: MAX_AGENT + 3 }, () => place.create()));
    const refused = results.flatMap((result) => result.status === 'rejected' ? [(result.reason as Failure).code] : []);
    assert.equal(refused, ['too_many_agents', 'too_many_agents', 'too_many_agents']);
    assert.is(place.agents.list().length, MAX_AGENT);
    await place.agents.remove(place.agents.list()[0]!.id, { discardWork: false }, 'test');
    await place.create();
    assert.is(await place.create().then(() => '', ({ code }: Failure) => code), 'too_many_agents');
  }));

test('a page has so many messages when nothing is asked, and at most so many', async () => {
  const { path, remove } = temporaryDirectory();
  const log = new MessageLog({
    ...{ agentId: 'a', path: `${path}/journal.jsonl`, clock: fakeClock() },
    publish: () => {},
    warn: () => {},
  });
  const count = MAX_PAGE + 200;
  for (let i = 1; i <= count; i++) log.add({ kind: 'text', id: `t${i}`, text: '', done: true });
  const seqs = (range: Parameters<MessageLog['page']>[0]) => {
    const { messages, more } = log.page(range);
    return [messages.length, messages[0]?.seq, messages.at(-1)?.seq, more];
  };
  assert.equal(seqs({}), [PAGE_DEFAULT, count - PAGE_DEFAULT + 1, count, true]);
  assert.equal(seqs({ limit: MAX_PAGE * 10 }), [MAX_PAGE, count - MAX_PAGE + 1, count, true]);
  assert.equal(seqs({ limit: 0 }), [1, count, count, true]);
  assert.equal(seqs({ limit: -5 }), [1, count, count, true]);
  assert.equal(seqs({ before: 11 }), [10, 1, 10, false]);
  assert.equal(seqs({ before: 1 }), [0, undefined, undefined, false]);
  assert.equal(seqs({ after: 0 }), [PAGE_DEFAULT, 1, PAGE_DEFAULT, false]);
  assert.equal(seqs({ after: count - 1 }), [1, count, count, true]);
  assert.equal(seqs({ after: count }), [0, undefined, undefined, true]);
  assert.equal(seqs({ after: count + 1000 }), [0, undefined, undefined, true]);
  await log.close();
  remove();
});

test("a user's own stop leaves no notice; an end that nobody asked for does", () =>
  withScriptedAgents(async (place) => {
    const { id } = await place.create('work');
    const notices = () =>
      place.agents.messages(id, {}).messages.flatMap((message) => message.kind === 'notice' ? [message.code] : []);
    place.session().emit(...READY, { type: 'turn.start' });
    await place.agents.stop(id, 'test');
    assert.equal([place.agents.info(id).stateReason, notices()], ['stopped_by_user', []]);
    await place.agents.send(id, { text: 'more' }, 'test');
    place.session().emit({ type: 'turn.start' }, DONE);
    place.session().emit({ type: 'exit', expected: true, code: 0, signal: null, text: '' });
    assert.equal(notices(), []);
    await place.agents.send(id, { text: 'more' }, 'test');
    place.session().emit({ type: 'exit', expected: false, code: 1, signal: null, text: 'It crashed.' });
    assert.equal(notices(), ['exit']);
  }));

test.run();

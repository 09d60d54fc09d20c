/** Messages behind a running turn: handed over one after another, changed, moved, sent at once, never twice. */
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isErrorCode } from '../../../core/api/errors.ts';
import type { Failure } from '../../../core/api/errors.ts';
import { inConversation, type Message, parseQueuedChange, type UserMessage } from '../../../core/api/messages.ts';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';
import { MAX_WAITING } from '../../../agent/session/waiting-messages.ts';
import { DONE, READY, type ScriptedAgents, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

const START: ProviderEvent = { type: 'turn.start' };
const sentStatus = (id: string): ProviderEvent => ({ type: 'message.status', id, status: 'sent' });
const code = (work: Promise<unknown>) => work.then(() => '', (failure: Failure) => failure.code);

/** An agent in the turn of its first message. */
async function busyAgent(place: ScriptedAgents, provider?: string): Promise<string> {
  const { id } = await place.create('work', undefined, provider);
  const prompt = place.agents.messages(id, {}).messages[0]!.id;
  place.session().emit(...READY, sentStatus(prompt), START);
  return id;
}

const say = async (place: ScriptedAgents, id: string, text: string) =>
  (await place.agents.send(id, { text }, 'test')).message.id;
const handed = ({ session }: ScriptedAgents) =>
  session().calls.filter(([method]) => method === 'send').map(([, entry]) => (entry as { text: string }).text);
const queue = ({ agents }: ScriptedAgents, id: string) => agents.info(id).queue.map(({ text }) => text);
const user = ({ agents }: ScriptedAgents, id: string, message: string) => agents.message(id, message) as UserMessage;

test('what is sent during a turn waits here, and is handed over one by one as turns end', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const [first, second] = [await say(place, id, 'one'), await say(place, id, 'two')];
    assert.equal([handed(place), queue(place, id)], [['work'], ['one', 'two']]);
    assert.equal([user(place, id, first).status, user(place, id, second).status], ['queued', 'queued']);
    place.session().emit(DONE);
    assert.equal(handed(place), ['work', 'one']);
    assert.is(place.agents.info(id).state, 'running', 'it goes on at once');
    assert.equal(place.agents.info(id).queue.map(({ handed }) => handed ?? false), [true, false]);
    place.session().emit(sentStatus(first));
    assert.equal([handed(place), queue(place, id)], [['work', 'one'], ['two']], 'begun with, but its turn is not over');
    place.session().emit(START, DONE);
    place.session().emit(sentStatus(second), START, DONE);
    assert.equal([handed(place), queue(place, id)], [['work', 'one', 'two'], []]);
    assert.is(place.agents.info(id).state, 'idle');
  }));

test('an idle agent works from the moment that its message is answered, and is never called idle before its turn has ended', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    place.session().emit(DONE);
    const state = () => place.agents.info(id).state;
    for (const end of ['done', 'interrupted', 'error'] as const) {
      place.context.published.length = 0;
      const message = await say(place, id, end);
      assert.is(state(), 'running', `behind a turn before it: ${end}`);
      place.session().emit(sentStatus(message), START);
      place.session().emit({ type: 'turn.end', outcome: end, text: '', durationMs: 1 });
      const states = place.context.published.flatMap((change) =>
        change.type === 'agent.patch' && change.patch.state ? [change.patch.state] : []
      );
      assert.equal(states, ['running', end === 'error' ? 'error' : 'idle']);
    }
    const refused = await say(place, id, 'no');
    assert.is(state(), 'running');
    place.session().emit({ type: 'message.status', id: refused, status: 'failed', error: 'no' });
    assert.is(state(), 'error');
    const withdrawn = await say(place, id, 'back');
    place.session().emit({ type: 'message.status', id: withdrawn, status: 'cancelled' });
    assert.is(state(), 'idle');
  }));

test('a waiting message is changed, moved and taken back; what is handed over is what was written last', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const [first, second, third] = [
      await say(place, id, 'one'),
      await say(place, id, 'two'),
      await say(place, id, 'three'),
    ];
    const changed = await place.agents.changeQueued(id, first, { text: 'first' });
    assert.equal([changed.text, user(place, id, first).text], ['first', 'first']);
    assert.match(readFileSync(place.file(id, 'journal.jsonl'), 'utf8'), '"text":"first"');
    await place.agents.changeQueued(id, third, { before: first });
    assert.equal(queue(place, id), ['three', 'first', 'two']);
    await place.agents.changeQueued(id, third, { before: '', text: 'last' });
    assert.equal(queue(place, id), ['first', 'two', 'last']);
    await place.agents.cancelQueued(id, second);
    for (const _ of [1, 2, 3]) place.session().emit(DONE);
    place.session().emit(sentStatus(first), START, DONE, sentStatus(third), START, DONE);
    assert.equal(handed(place), ['work', 'first', 'last']);
    assert.equal([first, second, third].map((message) => user(place, id, message).status), [
      'sent',
      'cancelled',
      'sent',
    ]);
    assert.not(place.session().calls.some(([method]) => method === 'cancelQueued'), 'the CLI never had it');
  }));

test('what the agent has is changed no more: 409, also for what was taken back or is not there', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const [first, second] = [await say(place, id, 'one'), await say(place, id, 'two')];
    place.session().emit(DONE); // it is handed "first", and has not said that it begins
    const refusals = async (message: string) => [
      await code(place.agents.changeQueued(id, message, { text: 'x' })),
      await code(place.agents.changeQueued(id, message, { before: '' })),
      await code(place.agents.sendNow(id, message, 'test')),
    ];
    assert.equal(await refusals(first), ['already_sent', 'already_sent', 'already_sent']);
    assert.is(user(place, id, first).text, 'one');
    await place.agents.cancelQueued(id, second);
    assert.equal(await refusals(second), ['already_sent', 'already_sent', 'already_sent']);
    assert.equal(await refusals('nobody'), ['not_found', 'not_found', 'not_found']);
    assert.ok(isErrorCode('already_sent'));
    const third = await say(place, id, 'three');
    assert.is(await code(place.agents.changeQueued(id, third, { text: '  ' })), 'bad_request');
    assert.throws(() => parseQueuedChange({}), /"text" or "before" is missing/);
  }));

test('sent now: into the running turn where the CLI reads it there, else the turn is interrupted and it comes first', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    await say(place, id, 'one');
    const second = await say(place, id, 'two');
    assert.equal(await place.agents.sendNow(id, second, 'test'), { steered: true });
    assert.equal([handed(place), queue(place, id)], [['work', 'two'], ['two', 'one']]);
    assert.is(await code(place.agents.sendNow(id, second, 'test')), 'already_sent', 'once');
    assert.not(place.session().calls.some(([method]) => method === 'interrupt'));
    // Taken up in the turn: that turn's end is the end of both.
    place.session().emit(sentStatus(second), DONE);
    assert.equal(handed(place), ['work', 'two', 'one']);

    const other = await busyAgent(place, 'gemini');
    const [third, fourth] = [await say(place, other, 'three'), await say(place, other, 'four')];
    assert.equal(await place.agents.sendNow(other, fourth, 'test'), { steered: false });
    assert.equal([handed(place), queue(place, other)], [['work'], ['four', 'three']]);
    assert.is(place.session().calls.filter(([method]) => method === 'interrupt').length, 1);
    place.session().emit({ ...DONE, outcome: 'interrupted' } as ProviderEvent);
    assert.equal(handed(place), ['work', 'four']);
    assert.is(user(place, other, third).status, 'queued');
  }));

test('a message that the CLI read too late for its turn keeps the next one waiting', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const first = await say(place, id, 'one');
    await say(place, id, 'two');
    await place.agents.sendNow(id, first, 'test');
    place.session().emit({ type: 'message.status', id: first, status: 'queued' }, DONE);
    assert.equal(handed(place), ['work', 'one'], 'the CLI still has one');
    place.session().emit(START, sentStatus(first));
    assert.equal(handed(place), ['work', 'one']);
    place.session().emit(DONE);
    assert.equal(handed(place), ['work', 'one', 'two']);
  }));

test('a message that the CLI refuses does not hold up the next', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const [first, second] = [await say(place, id, 'one'), await say(place, id, 'two')];
    place.session().emit(DONE, { type: 'message.status', id: first, status: 'failed', error: 'no' });
    assert.equal(handed(place), ['work', 'one', 'two']);
    place.session().emit({ type: 'message.status', id: second, status: 'failed', error: 'no again' });
    assert.equal([place.agents.info(id).state, queue(place, id)], ['error', []]);
  }));

test('a stop takes back what waits, and starts nothing; a message after it starts the CLI again', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const first = await say(place, id, 'one');
    await place.agents.stop(id, 'test');
    assert.equal([user(place, id, first).status, queue(place, id), place.provider.sessions.length], [
      'cancelled',
      [],
      1,
    ]);
    await say(place, id, 'two');
    assert.equal([handed(place), place.provider.sessions.length], [['two'], 2]);
  }));

test('a CLI that fails is not started again by what waited: it has failed, and can be sent again', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const first = await say(place, id, 'one');
    place.session().emit({ type: 'exit', expected: false, code: 1, signal: null, text: 'It crashed.' });
    assert.equal([user(place, id, first).status, user(place, id, first).error], ['failed', 'It crashed.']);
    assert.equal([queue(place, id), place.provider.sessions.length], [[], 1]);
    await place.agents.send(id, { text: '', again: first }, 'test');
    assert.equal(handed(place), ['one']);
  }));

test('killed while messages wait: none is replayed, each says that it failed', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const first = await say(place, id, 'one');
    await place.agents.changeQueued(id, first, { text: 'changed' });
    await settle();
    const files = ['agent.json', 'journal.jsonl'].map((name) => place.file(id, name));
    const retained = files.map((file) => readFileSync(file));
    await place.restart(() => files.forEach((file, i) => writeFileSync(file, retained[i]!)));
    const after = user(place, id, first);
    assert.equal([after.status, after.text, queue(place, id)], ['failed', 'changed', []]);
    assert.is(place.provider.sessions.length, 0);
  }));

test('it stands in the conversation where the agent began with it, also after a restart', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    const first = await say(place, id, 'one');
    place.session().emit(
      { type: 'text.end', id: 't', thinking: false, text: 'of the first turn' },
      DONE,
      sentStatus(first),
    );
    place.session().emit(START, { type: 'text.end', id: 'u', thinking: false, text: 'answer' }, DONE);
    const order = () =>
      inConversation(place.agents.messages(id, {}).messages).map((message) => 'text' in message ? message.text : '');
    const expected = ['work', 'of the first turn', '', 'one', 'answer', ''];
    assert.equal(order(), expected);
    await settle();
    await place.restart();
    assert.equal(order().slice(0, expected.length), expected);
    const plain = [{ kind: 'text', seq: 1 }, { kind: 'text', seq: 2 }] as Message[];
    assert.is(inConversation(plain), plain, 'nothing waited: nothing is made anew');
  }));

test('so many may wait, and no more', () =>
  withScriptedAgents(async (place) => {
    const id = await busyAgent(place);
    for (let i = 0; i < MAX_WAITING; i++) await say(place, id, `${i}`);
    assert.is(await code(place.agents.send(id, { text: 'one more' }, 'test')), 'too_many');
    place.session().emit(DONE);
    assert.is(await code(place.agents.send(id, { text: 'one more' }, 'test')), '');
  }));

test('what waited when the server was killed before its CLI had begun comes in its order, also what the record lacks', async () => {
  for (const isHanded of [false, true]) {
    await withScriptedAgents(async (place) => {
      const id = await busyAgent(place);
      const [first, second, third] = [
        await say(place, id, 'one'),
        await say(place, id, 'two'),
        await say(place, id, 'three'),
      ];
      await settle();
      const [record, journal] = ['agent.json', 'journal.jsonl'].map((name) => place.file(id, name));
      const saved = JSON.parse(readFileSync(record!, 'utf8'));
      const { state, stateReason, stateText, stateSince, usage } = saved.info;
      const run = { holder: 'h', offset: 0, info: { state, stateReason, stateText, stateSince, usage }, streams: [] };
      // The messages are on disk at once, the queue as it is shown a little later.
      const shown = [second, first].map((entry) => ({
        id: entry,
        text: '',
        at: 1,
        ...(isHanded ? { handed: true } : {}),
      }));
      const messages = readFileSync(journal!);
      await place.restart(() => {
        writeFileSync(record!, JSON.stringify({ ...saved, run, process: null, info: { ...saved.info, queue: shown } }));
        writeFileSync(journal!, messages);
      });
      await settle();
      for (const entry of [second, first, third]) place.session().emit(...READY, sentStatus(entry), START, DONE);
      assert.equal(handed(place), ['two', 'one', 'three']);
      assert.equal(queue(place, id), []);
    });
  }
});

test.run();

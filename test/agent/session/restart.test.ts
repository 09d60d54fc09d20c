/** The end of the server, by a crash or in order, and what the agents are called after it. */
import { Buffer } from 'node:buffer';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import { parseSendMessage } from '../../../core/api/messages.ts';
import { DeletedAgents, MAX_DELETED } from '../../../agent/session/deleted-agents.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { DONE, READY, type ScriptedAgents, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

/** The server is killed: its files are as they are at this moment. */
async function crash(place: ScriptedAgents, id: string): Promise<void> {
  await settle();
  const [record, journal] = [place.file(id, 'agent.json'), place.file(id, 'journal.jsonl')];
  const retained = [readFileSync(record), readFileSync(journal)];
  await place.restart(() => {
    writeFileSync(record, retained[0]!);
    writeFileSync(journal, retained[1]!);
  });
}

const ends = { crash, 'an end in order': (place: ScriptedAgents) => settle().then(() => place.restart()) };
const notices = ({ agents }: ScriptedAgents, id: string) =>
  agents.messages(id, {}).messages.flatMap((message) => message.kind === 'notice' ? [message.code] : []);

for (const [name, end] of Object.entries(ends)) {
  test(`${name}: an idle agent is not interrupted`, () =>
    withScriptedAgents(async (place) => {
      const { id } = await place.create('work');
      const prompt = place.agents.messages(id, {}).messages[0]!.id;
      place.session().emit(
        ...READY,
        { type: 'message.status', id: prompt, status: 'sent' },
        { type: 'turn.start' },
        DONE,
      );
      place.context.published.length = 0;
      await end(place, id);
      const { state, stateReason, cli, resumable } = place.agents.info(id);
      assert.equal([state, stateReason, cli.running, resumable], ['idle', 'reaped', false, true]);
      assert.not(notices(place, id).includes('interrupted'));
      await place.agents.send(id, { text: 'more' }, 'test');
      assert.is(place.session().options.resume, 's-1');
    }));

  const WORK: [string, (place: ScriptedAgents, prompt: string) => void][] = [
    ['a turn', ({ session }) => session().emit({ type: 'turn.start' })],
    ['work in the background', ({ session }) => {
      Object.assign(session(), { hasBackgroundWork: true });
      session().emit({ type: 'turn.start' }, DONE);
    }],
    [
      'a message that was not begun with',
      ({ session }, id) =>
        session().emit({ type: 'turn.start' }, DONE, { type: 'message.status', id, status: 'queued' }),
    ],
  ];
  for (const [what, work] of WORK) {
    test(`${name}: an agent with ${what} is interrupted, and told so`, () =>
      withScriptedAgents(async (place) => {
        const { id } = await place.create('work');
        const prompt = place.agents.messages(id, {}).messages[0]!.id;
        place.session().emit(...READY);
        work(place, prompt);
        await end(place, id);
        assert.equal([place.agents.info(id).state, place.agents.info(id).stateReason], ['stopped', 'interrupted']);
        assert.not(place.agents.info(id).background, 'nothing of it is at work any more');
        assert.ok(notices(place, id).includes('interrupted'));
      }));
  }
}

test('many agents with long conversations are recovered one after the other: the event loop is free between them', () =>
  withScriptedAgents(async (place) => {
    const COUNT = 12;
    const ids: string[] = [];
    for (let i = 0; i < COUNT; i++) {
      ids.push((await place.create('work')).id);
      place.session().emit(...READY, { type: 'turn.start' });
    }
    await settle();
    const records = ids.map((id) => readFileSync(place.file(id, 'agent.json')));
    const lines = Array.from(
      { length: 8000 },
      (_, i) =>
        JSON.stringify({ m: { kind: 'text', id: `t${i}`, text: 'x'.repeat(900), done: true, seq: i + 1, at: 1 } }),
    );
    const journal = `${lines.join('\n')}\n`;
    let [longest, at] = [0, 0];
    const timer = setInterval(() => [longest, at] = [Math.max(longest, performance.now() - at), performance.now()], 1);
    let began = 0;
    await place.restart(() => {
      ids.forEach((id, i) => {
        writeFileSync(place.file(id, 'agent.json'), records[i]!);
        writeFileSync(place.file(id, 'journal.jsonl'), journal);
      });
      began = at = performance.now();
      longest = 0;
    });
    const all = performance.now() - began;
    clearInterval(timer);
    console.log(`${COUNT} recovered in ${all.toFixed(0)} ms, the loop waited ${longest.toFixed(0)} ms at most`);
    // A journal is a twelfth of it, and read in steps (store/journal.test.ts).
    assert.ok(longest < all / 4, `${longest} of ${all} ms`);
    assert.equal(ids.map((id) => place.agents.info(id).stateReason), ids.map(() => 'interrupted'));
    assert.is(place.agents.messages(ids[0]!, {}).messages.at(-2)!.id, 't7999');
  }));

test('a create that was cut off before its first message, sent again: the same agent, with its prompt, once', () =>
  withScriptedAgents(async (place) => {
    const clientId = '22222222-2222-4222-8222-222222222222';
    const { id } = await place.create('fix the bug', clientId);
    await settle();
    const record = readFileSync(place.file(id, 'agent.json'));
    await place.restart(() => {
      writeFileSync(place.file(id, 'agent.json'), record);
      rmSync(place.file(id, 'journal.jsonl'));
    });
    for (let i = 0; i < 2; i++) assert.is((await place.create('fix the bug', clientId)).id, id);
    const said = place.agents.messages(id, {}).messages.filter(({ kind }) => kind === 'user');
    assert.equal(said.map((message) => 'text' in message && message.text), ['fix the bug']);
    assert.is(place.agents.list().length, 1);
  }));

test('a create that is sent again after its agent was deleted makes no second one, also after a restart', () =>
  withScriptedAgents(async (place) => {
    const clientId = '33333333-3333-4333-8333-333333333333';
    const { id } = await place.create('pay the bill', clientId);
    place.session().emit(...READY);
    await place.agents.remove(id, { discardWork: true }, 'test');
    const again = () => place.create('pay the bill', clientId).then(() => 'made', (error: Failure) => error.code);
    assert.is(await again(), 'agent_gone');
    await place.restart();
    assert.is(await again(), 'agent_gone');
    assert.equal([place.agents.list().length, place.provider.sessions.length], [0, 0]);
    await place.create('pay the bill', '44444444-4444-4444-8444-444444444444');
    assert.is(place.agents.list().length, 1);
  }));

test('commands of deleted agents are remembered up to a bound, the newest', async () => {
  const { path, remove } = temporaryDirectory();
  const context = testContext({ dataDir: path });
  const ids = Array.from({ length: Math.ceil(MAX_DELETED * 1.1) + 1 }, (_, i) => `${i}`);
  const first = new DeletedAgents(context);
  await Promise.all(ids.map((id) => first.add(id)));
  await first.close();
  const second = new DeletedAgents(context);
  assert.equal([second.has('0'), second.has(ids.at(-MAX_DELETED)!), second.has(ids.at(-1)!)], [false, true, true]);
  await second.close();
  remove();
});

const picture = (fill: number) => {
  const bytes = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(400, fill)]);
  return { mediaType: 'image/png', data: bytes.toString('base64') };
};
const IMAGES = [picture(1), picture(2)];
const code = (work: Promise<unknown>) => work.then(() => '', (failure: Failure) => failure.code);
const CLIENT = '11111111-2222-4333-8444-555555555555';

for (const [name, end] of Object.entries(ends)) {
  test(`${name}: a message with pictures that no CLI took is sent again as it was`, () =>
    withScriptedAgents(async (place) => {
      const { id } = await place.create('work');
      place.session().emit(...READY, { type: 'turn.start' });
      const { message } = await place.agents.send(id, { text: 'like this', images: IMAGES }, 'test');
      place.session().emit({ type: 'message.status', id: message.id, status: 'queued' });
      assert.is(await code(place.agents.send(id, { text: '', again: message.id }, 'test')), 'already_sent');
      await end(place, id);
      const failed = place.agents.message(id, message.id) as { status: string };
      assert.is(failed.status, 'failed');
      const again = { text: '', again: message.id, clientId: CLIENT };
      const results = await Promise.all([1, 2].map(() => place.agents.send(id, again, 'test')));
      assert.equal(results.map(({ duplicate }) => duplicate).sort(), [false, true]);
      const sent = place.session().calls.filter(([method]) => method === 'send').map(([, entry]) => entry);
      assert.equal(sent, [{ id: CLIENT, text: 'like this', images: IMAGES }]);
      assert.is((await place.agents.send(id, again, 'test')).duplicate, true);
    }));
}

test('what cannot be sent again as it was is refused: no such message, one whose pictures are gone', () =>
  withScriptedAgents(async (place) => {
    const { id } = await place.create('work');
    const { message } = await place.agents.send(id, { text: 'like this', images: IMAGES }, 'test');
    await crash(place, id);
    const again = (messageId: string) => code(place.agents.send(id, { text: '', again: messageId }, 'test'));
    assert.is(await again(CLIENT), 'not_found');
    rmSync(place.file(id, 'pictures'), { recursive: true });
    assert.is(await again(message.id), 'message_gone');
    assert.equal(parseSendMessage({ again: CLIENT }), { text: '', again: CLIENT });
    assert.throws(() => parseSendMessage({ again: '../x' }), /again/);
  }));

test.run();

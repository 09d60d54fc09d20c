/** A disk that is full for a while: what could not be saved is saved later by itself, and what was refused is not done. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { DONE, READY, type ScriptedAgents, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

const MINUTE_MS = 60_000;
const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => '', (error: Failure) => error.code);

async function pass(place: ScriptedAgents, minutes: number): Promise<void> {
  for (let i = 0; i < minutes * 6; i++) {
    place.clock.advance(MINUTE_MS / 6);
    await settle();
  }
}

test('full at the end of a turn, for a moment: the end is on disk soon, though nothing changes any more', () =>
  withScriptedAgents(async (place) => {
    const { id } = await place.create();
    place.session().emit(...READY, { type: 'turn.start' });
    await settle(); // the journal is opened by its first message
    const mend = place.refuseWrites(id);
    place.session().emit({ type: 'text.end', id: 't', text: 'the answer', thinking: false }, DONE);
    await settle();
    assert.match(place.context.warnings.get(`journal ${id}`)!, 'cannot be written');
    mend();
    await pass(place, 0.5);
    assert.match(readFileSync(place.file(id, 'journal.jsonl'), 'utf8'), 'the answer');
    assert.is(JSON.parse(readFileSync(place.file(id, 'agent.json'), 'utf8')).info.state, 'idle');
    assert.equal([...place.context.warnings.values()].filter(Boolean), []);
  }));

test('full for twenty minutes: nothing is dropped from memory before it is on disk', () =>
  withScriptedAgents(async (place) => {
    const { id } = await place.create();
    place.session().emit(...READY, { type: 'turn.start' });
    await settle(); // the journal is opened by its first message
    const mend = place.refuseWrites(id);
    place.session().emit({ type: 'text.end', id: 't', text: 'the answer', thinking: false }, DONE);
    await place.agents.stop(id, 'test');
    await settle();
    for (let i = 0; i < 45; i++) place.clock.advance(MINUTE_MS / 2);
    await settle();
    assert.match(JSON.stringify(place.agents.message(id, 't')), 'the answer');
    mend();
    await pass(place, 0.5);
    await place.restart();
    assert.match(JSON.stringify(place.agents.message(id, 't')), 'the answer');
    assert.is(place.agents.info(id).stateReason, 'stopped_by_user');
  }));

const CHANGES: [keyof AgentInfo, unknown, (place: ScriptedAgents, id: string) => Promise<unknown>][] = [
  ['name', 'new', ({ agents }, id) => agents.rename(id, 'new')],
  ['mode', 'plan', ({ agents }, id) => agents.setMode(id, 'plan')],
  ['model', 'opus', ({ agents }, id) => agents.setModel(id, 'opus')],
  ['effort', 'high', ({ agents }, id) => agents.setEffort(id, 'high')],
  ['pinned', true, ({ agents }, id) => agents.mark(id, { pinned: true })],
  ['merged', null, ({ agents }, id) => agents.noteMerge(id, { base: 'main', commits: 1, files: 1 })],
];

for (const isOpen of [true, false]) {
  for (const [field, value, change] of CHANGES) {
    test(`${field} that cannot be saved is refused and changes nothing (CLI ${isOpen ? 'open' : 'ended'})`, () =>
      withScriptedAgents(async (place) => {
        const { id } = await place.create('work');
        place.session().emit(...READY, { type: 'turn.start' }, DONE);
        if (!isOpen) await place.agents.stop(id, 'test');
        await place.agents.mark(id, {});
        await settle();
        const before = place.agents.info(id)[field];
        const published = place.context.published.length;
        const mend = place.refuseWrites(id);
        assert.is(await codeOf(change(place, id)), 'not_saved');
        assert.equal(place.agents.info(id)[field], before);
        const sent = place.context.published.slice(published);
        assert.not(sent.some((entry) => entry.type === 'agent.patch' && field in entry.patch), 'no dashboard saw it');
        assert.not(place.session().calls.some(([name]) => name.startsWith('set')), 'nor the CLI');
        mend();
        await pass(place, 0.5);
        assert.equal(JSON.parse(readFileSync(place.file(id, 'agent.json'), 'utf8')).info[field], before ?? undefined);
        await change(place, id);
        if (isOpen && field === 'mode') assert.ok(place.session().calls.some(([name]) => name === 'setMode'));
        else if (value !== null) assert.equal(place.agents.info(id)[field], value);
        await settle();
        assert.equal([...place.context.warnings.values()].filter(Boolean), []);
      }));
  }
}

test('two changes at once, one of which is refused: the other one stays', () =>
  withScriptedAgents(async (place) => {
    const { id } = await place.create();
    place.session().emit(...READY);
    await settle();
    const mend = place.refuseWrites(id);
    const refused = codeOf(place.agents.rename(id, 'first'));
    const taken = refused.then(() => mend()).then(() => place.agents.setModel(id, 'opus'));
    assert.is(await refused, 'not_saved');
    await taken;
    await place.restart();
    assert.equal([place.agents.info(id).name === 'first', place.agents.info(id).model], [false, 'opus']);
  }));

test.run();

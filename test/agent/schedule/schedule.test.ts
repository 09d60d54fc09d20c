/** Agents and the pipeline begin at their times: once, also over the end of a server; what passed without one is said. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CreateAgentBody } from '../../../core/api/agents.ts';
import { Failure } from '../../../core/api/errors.ts';
import { MAX_SCHEDULE, parseScheduleBody, type ScheduleEntry } from '../../../core/api/schedule.ts';
import { Schedule } from '../../../agent/schedule/schedule.ts';
import { type ScriptedAgents, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

interface Place {
  place: ScriptedAgents;
  schedule: Schedule;
  starts: number;
  created: CreateAgentBody[];
  /** What stands in the way of a new agent. */
  refusal: Failure | null;
  /** Agents of this name are not made before it resolves. */
  slow: { name: string; until: Promise<void> } | null;
  reopen(): Promise<void>;
  pass(ms: number): Promise<void>;
}

const withSchedule = (use: (it: Place) => Promise<void>) => () =>
  withScriptedAgents(async (place) => {
    const open = () =>
      new Schedule({
        context: place.context,
        agents: {
          async create(body, by) {
            it.created.push(body);
            if (it.slow && body.name === it.slow.name) await it.slow.until;
            if (it.refusal) throw it.refusal;
            return await place.agents.create(body, by);
          },
        },
        board: { start: () => Promise.resolve(void it.starts++) },
      });
    const it: Place = {
      place,
      schedule: null as unknown as Schedule,
      ...{ starts: 0, created: [], refusal: null, slow: null },
      async reopen() {
        await it.schedule.close();
        it.schedule = open();
        await it.pass(1);
      },
      async pass(ms) {
        place.clock.advance(ms);
        const isAtWork = ({ on, nextAt, last }: ScheduleEntry) =>
          last?.isDone === false || (on && nextAt !== null && nextAt <= place.clock.now());
        // On a busy machine the disk takes its time.
        for (let i = 0; i === 0 || (i < 50 && it.schedule.list().some(isAtWork)); i++) await settle();
      },
    };
    // Noon of the machine's own day.
    place.clock.setWall(new Date(2026, 5, 1, 12).getTime());
    it.schedule = open();
    await it.pass(1);
    try {
      await use(it);
    } finally {
      await it.schedule.close();
    }
  });

const agentAt = (place: ScriptedAgents, when: { at?: number; cron?: string }) => ({
  ...{ name: 'Nightly', what: 'agent' as const, directory: place.directory, prompt: 'Look at the logs' },
  ...when,
});

test(
  'an agent at a time: once',
  withSchedule(async (it) => {
    const { place, schedule } = it;
    const at = place.clock.now() + 10 * MINUTE;
    const { id } = await schedule.add(agentAt(place, { at }));
    await it.pass(9 * MINUTE);
    assert.is(place.agents.list().length, 0);
    await it.pass(2 * MINUTE);
    const [agent] = place.agents.list();
    assert.equal([agent!.name, place.agents.list().length], ['Nightly', 1]);
    const { nextAt, on, last } = schedule.get(id);
    assert.equal([nextAt, on, last!.due, last!.missed, last!.isDone, last!.agentId], [
      null,
      false,
      at,
      0,
      true,
      agent!.id,
    ]);
    await it.reopen();
    await it.pass(DAY);
    assert.is(place.agents.list().length, 1);
  }),
);

test(
  'an agent that takes long to be made holds up no other, and is made once',
  withSchedule(async (it) => {
    const { place, schedule } = it;
    let mend = () => {};
    it.slow = { name: 'Slow', until: new Promise((resolve) => mend = resolve) };
    const at = place.clock.now() + MINUTE;
    const { id } = await schedule.add({ ...agentAt(place, { at }), name: 'Slow' });
    await schedule.add({ ...agentAt(place, { at }), name: 'Quick' });
    await schedule.add({ ...agentAt(place, { at: at + MINUTE }), name: 'Later' });
    for (let i = 0; i < 8; i++) {
      place.clock.advance(MINUTE / 2);
      await settle();
    }
    assert.equal(place.agents.list().map(({ name }) => name).sort(), ['Later', 'Quick']);
    assert.is(schedule.get(id).last!.isDone, false);
    mend();
    await it.pass(MINUTE);
    assert.equal(it.created.map(({ name }) => name).sort(), ['Later', 'Quick', 'Slow']);
    assert.is(schedule.get(id).last!.isDone, true);
  }),
);

test(
  'an entry that is removed while its agent is being made is gone, and runs no more',
  withSchedule(async (it) => {
    const { place, schedule } = it;
    let mend = () => {};
    it.slow = { name: 'Slow', until: new Promise((resolve) => mend = resolve) };
    const { id } = await schedule.add({ ...agentAt(place, { cron: '* * * * *' }), name: 'Slow' });
    place.clock.advance(2 * MINUTE);
    await settle();
    await schedule.remove(id);
    mend();
    await it.pass(10 * MINUTE);
    assert.equal([schedule.list(), it.created.length], [[], 1]);
  }),
);

test(
  'an agent that was deleted is made anew at the next time of its entry, and only then',
  withSchedule(async (it) => {
    const { place, schedule } = it;
    await schedule.add(agentAt(place, { cron: '0 13 * * *' }));
    for (let hour = 0; hour < 2; hour++) await it.pass(60 * MINUTE);
    const [agent] = place.agents.list();
    await place.agents.remove(agent!.id, { discardWork: true }, 'test');
    await it.reopen();
    for (let hour = 0; hour < 20; hour++) await it.pass(60 * MINUTE);
    assert.is(place.agents.list().length, 0);
    for (let hour = 0; hour < 5; hour++) await it.pass(60 * MINUTE);
    assert.is(place.agents.list().length, 1);
  }),
);

test(
  'the pipeline on a cron line, again and again; switched off it waits',
  withSchedule(async (it) => {
    const { id } = await it.schedule.add({ name: 'Build', what: 'pipeline', cron: '0 13 * * *' });
    for (let day = 1; day <= 3; day++) {
      for (let hour = 0; hour < 24; hour++) await it.pass(60 * MINUTE);
      assert.is(it.starts, day);
    }
    await it.schedule.edit(id, { on: false });
    assert.is(it.schedule.get(id).nextAt, null);
    await it.pass(2 * DAY);
    assert.is(it.starts, 3);
    await it.schedule.edit(id, { on: true });
    assert.is(new Date(it.schedule.get(id).nextAt!).getHours(), 13);
  }),
);

test(
  'times that pass while no server runs are counted, and made good by one run',
  withSchedule(async (it) => {
    const { place } = it;
    const { id } = await it.schedule.add(agentAt(place, { cron: '0 13 * * *' }));
    await it.schedule.close();
    place.clock.advance(3 * DAY + 2 * 60 * MINUTE);
    await it.reopen();
    const { last, nextAt } = it.schedule.get(id);
    assert.equal([it.created.length, last!.missed, last!.isDone], [1, 3, true]);
    assert.ok(nextAt! > place.clock.now());
  }),
);

test(
  'a server that ends in the middle of it: the next one makes it whole, with one agent',
  withSchedule(async (it) => {
    const { place } = it;
    const { id } = await it.schedule.add(agentAt(place, { at: place.clock.now() + MINUTE }));
    await it.pass(2 * MINUTE);
    await it.schedule.close();
    // As it is on disk after a kill between the agent's start and the word of it.
    const path = join(place.context.config.dataDir, 'schedule.json');
    const [entry] = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify([{ ...entry, last: { ...entry.last, isDone: false, agentId: null } }]));
    await it.reopen();
    assert.is(it.created.length, 2, 'it was asked for again');
    await it.pass(MINUTE);
    assert.is(place.agents.list().length, 1);
    assert.is(new Set(it.created.map(({ clientId }) => clientId)).size, 1);
    assert.is(it.schedule.get(id).last!.agentId, place.agents.list()[0]!.id);
  }),
);

test(
  'what cannot be begun is said until it can',
  withSchedule(async (it) => {
    const { place } = it;
    const { id } = await it.schedule.add(agentAt(place, { cron: '0 13 * * *' }));
    it.refusal = new Failure('too_many_agents', 'There are 500 agents already: delete some first.');
    await it.pass(61 * MINUTE);
    const said = () => place.context.warnings.get(`schedule ${id}`);
    assert.match(said()!, /^"Nightly" could not be begun at its time: There are 500 agents/);
    assert.match(it.schedule.get(id).last!.error, /500 agents/);
    it.refusal = null;
    const { last } = await it.schedule.runNow(id);
    assert.equal([last!.error, said()], ['', '']);
  }),
);

test(
  'a clock that is set back runs nothing twice',
  withSchedule(async (it) => {
    const { place } = it;
    await it.schedule.add({ name: 'Build', what: 'pipeline', cron: '0 13 * * *' });
    await it.pass(61 * MINUTE);
    assert.is(it.starts, 1);
    place.clock.setWall(place.clock.now() - 90 * MINUTE);
    await it.pass(90 * MINUTE);
    assert.is(it.starts, 1);
  }),
);

test(
  'a clock that was a year ahead does not hold up what comes again and again',
  withSchedule(async (it) => {
    const { place } = it;
    const { id } = await it.schedule.add({ name: 'Build', what: 'pipeline', cron: '0 13 * * *' });
    const year = 365 * DAY;
    place.clock.setWall(place.clock.now() + year);
    await it.pass(MINUTE);
    assert.is(it.starts, 1, 'it was believed');
    place.clock.setWall(place.clock.now() - year);
    await it.pass(MINUTE);
    assert.is(it.schedule.get(id).nextAt, new Date(2026, 5, 1, 13).getTime());
    await it.pass(60 * MINUTE);
    await it.pass(DAY);
    assert.is(it.starts, 3);
  }),
);

test(
  'what does not go together is refused',
  withSchedule(async (it) => {
    const { place, schedule } = it;
    const refused = async (body: unknown) => {
      try {
        await schedule.add(parseScheduleBody(body));
        return '';
      } catch (error) {
        return (error as Failure).message;
      }
    };
    const past = place.clock.now() - 1;
    assert.match(await refused(agentAt(place, { at: past })), /"at" must be a time to come/);
    assert.match(await refused(agentAt(place, {})), /one of them/);
    assert.match(await refused(agentAt(place, { at: past + DAY, cron: '0 9 * * *' })), /one of them/);
    assert.match(await refused(agentAt(place, { cron: '0 25 * * *' })), /five fields/);
    assert.match(await refused({ ...agentAt(place, { cron: '0 9 * * *' }), prompt: ' ' }), /"prompt" is missing/);
    assert.match(await refused({ ...agentAt(place, { cron: '0 9 * * *' }), directory: '' }), /"directory" is missing/);
    assert.match(await refused({ name: 'x', what: 'dance', cron: '0 9 * * *' }), /"what" must be/);
    for (let i = 0; i < MAX_SCHEDULE; i++) await schedule.add({ name: `${i}`, what: 'pipeline', cron: '0 9 * * *' });
    assert.match(await refused({ name: 'x', what: 'pipeline', cron: '0 9 * * *' }), /There are 100 entries/);
    await schedule.remove(schedule.list()[0]!.id);
    assert.is(await refused({ name: 'x', what: 'pipeline', cron: '0 9 * * *' }), '');
  }),
);

test(
  'an entry that is deleted while it is begun leaves no warning that nobody could clear',
  withSchedule(async (it) => {
    let go = () => {};
    it.slow = { name: 'Nightly', until: new Promise((resolve) => go = resolve) };
    const { id } = await it.schedule.add(agentAt(it.place, { at: it.place.clock.now() + MINUTE }));
    await it.pass(MINUTE);
    assert.is(it.created.length, 1);
    await it.schedule.remove(id);
    it.refusal = new Failure('no_folder', 'There is no such folder.');
    go();
    await settle();
    assert.equal([it.place.context.warnings.get(`schedule ${id}`), it.schedule.list()], ['', []]);
  }),
);

test.run();

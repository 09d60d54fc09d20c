/** The ledger, the meters and the budgets over scripted agents. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import type { UsageReport } from '../../../core/api/usage.ts';
import { MAX_METER } from '../../../agent/usage/meters.ts';
import { dayOf, untilTomorrow } from '../../../agent/usage/day.ts';
import { DONE, READY } from '../../support/harness/scripted-agents.ts';
import { withUsage } from '../../support/harness/scripted-usage.ts';

const DAY = 24 * 3_600_000;

const used = (costUsd: number | null, inputTokens: number) =>
  ({ type: 'usage', usage: { costUsd, inputTokens } }) as const;
const rows = ({ rows }: UsageReport) =>
  rows.map(({ day, costUsd, inputTokens, turns }) => [day, costUsd, inputTokens, turns]);

test(
  'use is counted by day, and kept over a restart, each token once',
  withUsage(async (it) => {
    const { place } = it;
    const today = dayOf(place.clock.now());
    await place.create('work');
    const { emit } = place.session();
    emit(...READY, { type: 'turn.start' }, used(1, 100), DONE);
    assert.equal(rows(it.usage.report(7)), [[today, 1, 100, 1]]);
    await it.reopen();
    emit({ type: 'turn.start' }, used(1.5, 150), DONE);
    assert.equal(rows(it.usage.report(7)), [[today, 1.5, 150, 2]]);
    place.clock.advance(DAY);
    emit(used(2, 160));
    const tomorrow = dayOf(place.clock.now());
    assert.equal(rows(it.usage.report(7)), [[today, 1.5, 150, 2], [tomorrow, 0.5, 10, 0]]);
    assert.equal(rows(it.usage.report(1)), [[tomorrow, 0.5, 10, 0]]);
    place.clock.advance(90 * DAY);
    await it.reopen();
    const stored = JSON.parse(readFileSync(join(place.context.config.dataDir, 'usage.json'), 'utf8'));
    assert.equal(stored.rows.map((row: { day: string }) => row.day), [], 'rows of more than 90 days ago are dropped');
  }),
);

test(
  'a clock that was days ahead leaves nothing that counts as used today',
  withUsage(async (it) => {
    const { place } = it;
    it.budget.allUsd = 2;
    const { id } = await place.create('work');
    place.clock.setWall(place.clock.now() + 40 * DAY);
    place.session().emit(...READY, { type: 'turn.start' }, used(3, 100));
    assert.is(place.agents.info(id).state, 'stopped');
    place.clock.setWall(place.clock.now() - 40 * DAY);
    assert.equal(rows(it.usage.report(7)), []);
    assert.is(it.usage.refusal(id), null);
  }),
);

test(
  'what a server used and did not live to count is counted by the next',
  withUsage(async (it) => {
    const { id } = await it.place.create('work');
    it.place.session().emit(...READY, used(1, 100));
    await it.usage.close();
    it.place.session().emit(used(3, 300));
    await it.reopen();
    assert.equal(rows(it.usage.report(1)).map(([, cost]) => cost), [3]);
    assert.is(it.usage.report(1).rows[0]!.agent, id);
  }),
);

test(
  'an agent that reaches its budget is stopped with a sentence, and takes no message before the next day',
  withUsage(async (it) => {
    const { place } = it;
    it.budget.agentUsd = 2;
    const { id } = await place.create('work');
    const other = await place.create('other');
    const [first, second] = place.provider.sessions;
    first!.emit(...READY, { type: 'turn.start' }, used(1.99, 10));
    assert.is(place.agents.info(id).state, 'running');
    await place.agents.send(id, { text: 'more' }, 'test');
    first!.emit(used(2.01, 20));
    const { state, stateReason, stateText } = place.agents.info(id);
    assert.equal([state, stateReason], ['stopped', 'budget']);
    assert.match(stateText, /^Today's budget of \$2 for one agent is used up \(\$2\.01\)\./);
    const failed = place.agents.messages(id, {}).messages.find((m) => m.kind === 'user' && m.text === 'more');
    assert.is(failed?.kind === 'user' && failed.status, 'failed');
    const refused = await place.agents.send(id, { text: 'again' }, 'test').then(() => '', ({ code }: Failure) => code);
    assert.is(refused, 'budget_reached');
    second!.emit(READY[0]!, { type: 'session', sessionId: 's-2' }, { type: 'turn.start' }, used(0.5, 5));
    assert.is(place.agents.info(other.id).state, 'running', 'another agent has its own budget');
    place.clock.advance(untilTomorrow(place.clock.now()));
    await place.agents.send(id, { text: 'again' }, 'test');
    assert.not.equal(place.agents.info(id).state, 'stopped');
  }),
);

test(
  'the budget of all stops every agent at work, and no other is begun',
  withUsage(async (it) => {
    const { place } = it;
    it.budget.allTokens = 100;
    const ids = [(await place.create('a')).id, (await place.create('b')).id];
    const [first, second] = place.provider.sessions;
    first!.emit(...READY, { type: 'turn.start' }, used(null, 60));
    second!.emit(...READY, { type: 'turn.start' }, used(null, 39));
    assert.equal(ids.map((id) => place.agents.info(id).state), ['running', 'running']);
    second!.emit(used(null, 40));
    assert.equal(ids.map((id) => place.agents.info(id).stateReason), ['budget', 'budget']);
    assert.is(await place.create('c').then(() => '', ({ code }: Failure) => code), 'budget_reached');
    assert.is(place.agents.list().length, 2, 'nothing is left of it');
  }),
);

test(
  'a meter holds what its CLI said last of each window, over a restart, and nothing beyond its reset',
  withUsage(async (it) => {
    const { place } = it;
    const now = place.clock.now();
    const window = (id: string, percent: number | null, resetsAt: number | null, isReached = false) => ({
      id,
      minutes: 300,
      percent,
      resetsAt,
      isReached,
    });
    await place.create('work');
    const { emit } = place.session();
    const capabilities = { models: [], commands: [], modes: [], account: 'me@example.com' };
    emit({ type: 'ready', sessionId: 's', version: '1', capabilities });
    emit({ type: 'limits', windows: [window('five_hour', 91, now + 1000), window('seven_day', 30, now + DAY)] });
    emit({ type: 'limits', windows: [window('five_hour', 100, null, true)] });
    const [meter] = it.usage.report(1).meters;
    assert.equal([meter!.provider, meter!.account], ['claude', 'me@example.com']);
    assert.equal(meter!.windows.map(({ id, percent, isReached }) => [id, percent, isReached]), [
      ['five_hour', 100, true],
      ['seven_day', 30, false],
    ]);
    assert.is(meter!.windows[0]!.resetsAt, now + 1000);
    await it.reopen();
    place.clock.advance(1000);
    assert.equal(
      it.usage.report(1).meters[0]!.windows.map(({ percent, isReached, resetsAt }) => [percent, isReached, resetsAt]),
      [[0, false, null], [30, false, now + DAY]],
    );
    for (let i = 0; i < MAX_METER + 3; i++) it.meters.note('codex', `account ${i}`, [window('primary', i, null)]);
    assert.is(it.meters.list().length, MAX_METER);
    assert.is(it.meters.list()[0]!.account, `account ${MAX_METER + 2}`);
  }),
);

test('days are those of the machine', () => {
  const noon = new Date(2026, 2, 29, 12).getTime();
  assert.is(dayOf(noon), '2026-03-29');
  assert.is(dayOf(noon, -29), '2026-02-28');
  assert.is(dayOf(new Date(2026, 11, 31, 23, 59).getTime(), 1), '2027-01-01');
  assert.is(dayOf(noon + untilTomorrow(noon)), '2026-03-30');
});

test.run();

/** What counts as time that the server ran, on a clock that a test can let sleep, stop and jump. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { plan } from '../../../agent/pipeline/plan.ts';
import { Retention } from '../../../agent/session/retention.ts';
import { RunTime } from '../../../agent/store/run-time.ts';
import { fakeAgents } from '../../support/fakes/fake-agents.ts';
import { type FakeClock, fakeClock } from '../../support/fakes/fake-clock.ts';
import { type TestContext, testContext } from '../../support/fakes/test-context.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let directory: string;
let clock: FakeClock & { skipped: number };
let context: TestContext;
let runTime: RunTime;

test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), 'run-time-'));
  const base = fakeClock();
  // monotonic() goes on by `skipped` although no timer fired: the process was stopped, or its machine slept.
  clock = { ...base, skipped: 0, monotonic: () => base.monotonic() + clock.skipped };
  context = testContext({ dataDir: directory, clock });
  runTime = new RunTime(context);
});
test.after.each(async () => {
  await runTime.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Each leaves the server not running for eight hours, as far as it can know. */
const GAPS: [string, () => void | Promise<void>][] = [
  ['the machine sleeps (Linux: monotonic time stands still)', () => clock.setWall(clock.now() + 8 * HOUR)],
  ['the machine sleeps (macOS: monotonic time goes on)', () => {
    clock.setWall(clock.now() + 8 * HOUR);
    clock.skipped += 8 * HOUR;
  }],
  ['the clock is set ahead', () => clock.setWall(clock.now() + 8 * HOUR)],
  ['the server is off', async () => {
    await runTime.close();
    clock.setWall(clock.now() + 8 * HOUR);
    runTime = new RunTime(context);
  }],
];

for (const [name, gap] of GAPS) {
  test(`${name}: that time does not count`, async () => {
    const since = clock.now();
    clock.advance(10 * MINUTE);
    await gap();
    const elapsed = runTime.since(since);
    assert.ok(elapsed >= 10 * MINUTE - 30_000 && elapsed <= 12 * MINUTE, `${elapsed / MINUTE} minutes`);
    clock.advance(HOUR);
    assert.ok(Math.abs(runTime.since(since) - elapsed - HOUR) < 1000, 'time after it counts');
    assert.ok(Math.abs(runTime.since(clock.now() - 5 * MINUTE) - 5 * MINUTE) < 1000, 'a gap before does not matter');
  });

  test(`${name}: nobody is stuck, and no agent is old`, async () => {
    const agents = fakeAgents(clock.now, context.publish);
    const { id } = await agents.create({ name: 'idle', directory: '/p' }, 'test');
    agents.set(id, { state: 'idle', stateReason: 'done' });
    const settings = () => ({ retentionHours: 2, archiveDays: 2 / 24 });
    const retention = new Retention({ context, agents, terminals: { list: () => [] }, runTime, settings });
    const stuck = () => {
      const running = { ...agents.info(id), state: 'running', stateReason: 'turn' } as AgentInfo;
      const task = { id: 't', name: 't', order: 0, status: 'running', agentId: id } as never;
      const elapsedSince = (time: number) => runTime.since(time);
      return plan({ tasks: [task], agents: [running], running: true, resumes: {}, stuckMs: 15 * MINUTE, elapsedSince })
        .filter(({ type }) => type === 'stuck').length;
    };
    clock.advance(10 * MINUTE);
    await gap();
    const after = new Retention({ context, agents, terminals: { list: () => [] }, runTime, settings });
    await retention.close();
    assert.is(stuck(), 0);
    await after.sweep();
    assert.equal(agents.removed, []);
    clock.advance(20 * MINUTE);
    assert.is(stuck(), 1, 'half an hour of running time is too long');
    clock.advance(3 * HOUR);
    await after.close();
    await after.sweep();
    assert.equal([agents.removed, agents.info(id).archivedAt], [[], clock.now()], 'archived');
    clock.advance(3 * HOUR);
    await after.sweep();
    assert.equal(agents.removed, [id]);
  });
}

test('a clock that is set back, and ahead again, never makes anything older than it is', () => {
  const before = clock.now();
  clock.advance(10 * MINUTE);
  clock.setWall(clock.now() - 20 * HOUR);
  clock.advance(MINUTE);
  const between = clock.now();
  assert.ok(runTime.since(before) <= 12 * MINUTE);
  clock.advance(10 * MINUTE);
  assert.ok(Math.abs(runTime.since(between) - 10 * MINUTE) < 1000);
  clock.setWall(clock.now() + 28 * HOUR);
  assert.ok(runTime.since(before) <= 22 * MINUTE);
  assert.ok(Math.abs(runTime.since(between) - 10 * MINUTE) < 1000);
});

test('a crash loses at most the time between two saves', () => {
  const since = clock.now();
  clock.advance(35 * MINUTE);
  const again = new RunTime({ ...context, clock });
  const elapsed = again.since(since);
  assert.ok(elapsed >= 24 * MINUTE && elapsed <= 36 * MINUTE, `${elapsed / MINUTE} minutes`);
  void again.close();
});

test('many gaps are merged, and damaged files begin anew', async () => {
  const since = clock.now();
  for (let i = 0; i < 700; i++) {
    clock.advance(MINUTE);
    clock.setWall(clock.now() + HOUR);
  }
  assert.ok(Math.abs(runTime.since(since) - 700 * MINUTE) < 700 * 6000, `${runTime.since(since) / MINUTE} minutes`);
  await runTime.close();
  for (const text of ['', '{}', '[]', 'null', '{"lastRun":1,"gaps":[{"at":"x"}]}', '{"lastRun":"a","gaps":[]}']) {
    writeFileSync(join(directory, 'run-time.json'), text);
    runTime = new RunTime(context);
    assert.is(runTime.since(clock.now() - MINUTE), MINUTE, text);
    await runTime.close();
  }
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Retention } from '../../../agent/session/retention.ts';
import { fakeAgents } from '../../support/fakes/fake-agents.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { pipelineClock } from '../../support/fakes/pipeline-clock.ts';

const HOUR = 3_600_000;

test('old agents are deleted; who works, waits, is pinned or holds unmerged work is kept', async () => {
  const { path, remove } = temporaryDirectory();
  const clock = pipelineClock();
  const context = testContext({ dataDir: path, clock });
  const agents = fakeAgents(clock.now, context.publish);
  for (const name of ['idle', 'running', 'waits', 'work', 'queued', 'pinned']) {
    await agents.create({ name, directory: '/p' }, 'test');
  }
  agents.set('agent-1', { state: 'idle', stateReason: 'done' });
  agents.ask('agent-3', {});
  agents.set('agent-4', { state: 'stopped', stateReason: 'exited' });
  agents.set('agent-5', { state: 'idle', stateReason: 'done', queue: [{ id: 'q', text: '', at: 0 }] });
  agents.set('agent-6', { state: 'idle', stateReason: 'done', pinned: true });
  agents.unmerged.add('agent-4');
  let hours = 0;
  const retention = new Retention({
    context,
    agents,
    terminals: { list: () => [] },
    runTime: { since: (time) => clock.now() - time },
    hours: () => hours,
  });
  await clock.advance(48 * HOUR);
  assert.equal(agents.removed, [], 'off');
  hours = 49;
  await clock.advance(0.5 * HOUR);
  assert.equal(agents.removed, []);
  await clock.advance(HOUR);
  assert.equal(agents.removed, ['agent-1']);
  const logged = context.lines.filter((line) => line.includes('unmerged work'));
  assert.is(logged.length, 1);
  assert.match(logged[0]!, /reason=.*1 new file is not in git: x/);
  await retention.close();
  assert.is(clock.pending, 0);
  remove();
});

test.run();

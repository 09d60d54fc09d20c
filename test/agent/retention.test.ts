import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Retention } from '../../agent/retention.ts';
import { fakeAgents } from '../support/fake-agents.ts';
import { temporaryFolder } from '../support/git.ts';
import { testHouse } from '../support/house.ts';
import { workshopClock } from '../support/workshop-clock.ts';

const HOUR = 3_600_000;

test('old agents are deleted; who works, waits or holds unmerged work is kept', async () => {
  const { path, remove } = temporaryFolder();
  const clock = workshopClock();
  const house = testHouse({ dataDir: path, clock });
  const agents = fakeAgents(clock.now);
  for (const name of ['idle', 'running', 'waits', 'work', 'queued']) {
    await agents.create({ name, directory: '/p' }, 'test');
  }
  agents.set('agent-1', { state: 'idle', stateReason: 'done' });
  agents.ask('agent-3', {});
  agents.set('agent-4', { state: 'stopped', stateReason: 'exited' });
  agents.set('agent-5', { state: 'idle', stateReason: 'done', queue: [{ id: 'q', text: '', at: 0 }] });
  agents.unmerged.add('agent-4');
  let hours = 0;
  const retention = new Retention(house, agents, () => hours);
  await clock.advance(48 * HOUR);
  assert.equal(agents.removed, [], 'off');
  hours = 49;
  await clock.advance(0.5 * HOUR);
  assert.equal(agents.removed, []);
  await clock.advance(HOUR);
  assert.equal(agents.removed, ['agent-1']);
  assert.is(house.lines.filter((line) => line.includes('unmerged work')).length, 1);
  await retention.close();
  assert.is(clock.pending, 0);
  remove();
});

test.run();

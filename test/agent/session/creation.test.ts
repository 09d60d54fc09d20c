/** Bounds of making agents. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Creation, type CreationOptions, MAX_AGENT } from '../../../agent/session/creation.ts';
import { refusal } from '../../support/harness/refusal.ts';

test('with as many agents as there may be one more is refused, and nothing is prepared', async () => {
  let count = MAX_AGENT;
  const prepared: string[] = [];
  const creation = new Creation({
    count: () => count,
    deleted: { has: () => false },
    providers: { get: (name: string) => assert.unreachable(`${name} is asked for`) },
    workspace: { prepare: () => prepared.push('a worktree') },
  } as unknown as CreationOptions);
  const create = () => refusal(creation.create({ directory: '/tmp', prompt: 'x' }, 'test'));
  const { code, message } = await create();
  assert.equal([code, message], ['too_many_agents', 'There are 500 agents already: delete some first.']);
  count--;
  assert.is.not((await create()).code, 'too_many_agents');
  assert.equal(prepared, []);
});

test.run();

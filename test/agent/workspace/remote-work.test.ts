/** Pushes and pull requests that run beside their requests. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import { RemoteWorks } from '../../../agent/workspace/remote-work.ts';

const codeOf = (action: () => unknown): string => {
  try {
    action();
    return '';
  } catch (error) {
    return (error as Failure).code;
  }
};

test('the same again joins what runs; a pull request is not taken for the push that runs, nor the other way round', async () => {
  const works = new RemoteWorks();
  for (const [kind, other] of [['push', 'pull-request'], ['pull-request', 'push']] as const) {
    let end = () => {};
    let begun = 0;
    const action = () => new Promise<object>((resolve) => (begun++, end = () => resolve({})));
    const work = works.start('a', kind, 'branch', action);
    assert.is(works.start('a', kind, 'branch', action), work);
    assert.is(codeOf(() => works.start('a', other, 'branch', action)), 'worktree_busy');
    assert.equal([begun, works.get('a')!.kind], [1, kind]);
    end();
    await works.cancel('a');
    assert.is(work.state, 'done');
  }
});

test.run();

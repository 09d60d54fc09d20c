/** A directory of 100,000 entries: listing it does not hold up the server. */
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listDirectories } from '../../agent/workspace/directories.ts';
import { temporaryDirectory } from '../support/harness/git.ts';

test('100,000 entries take less than 500 ms and are cut', async () => {
  const { path: root, remove } = temporaryDirectory();
  try {
    spawnSync('sh', ['-c', 'seq 1 5000 | xargs mkdir; seq 5001 100000 | xargs touch'], { cwd: root });
    let best = Infinity; // of several: the machine has other work too
    for (let i = 0; i < 5 && best >= 500; i++) {
      const started = performance.now();
      const listing = await listDirectories({ path: root, hidden: false, roots: [root], recent: [] });
      best = Math.min(best, performance.now() - started);
      assert.equal([listing.truncated, listing.entries.length], [true, 1000]);
    }
    assert.ok(best < 500, `${best} ms`);
  } finally {
    remove();
  }
});

test.run();

/** The demo ends as it should, whatever its input is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { plainEnv, ROOT } from '../support/harness/product.ts';

for (const input of ['ignore', 'pipe'] as const) {
  test(`with ${input === 'ignore' ? '/dev/null' : 'a pipe'} as its input it ends without an error`, async () => {
    const demo = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo/demo.ts'], {
      cwd: ROOT,
      env: plainEnv({}),
      stdio: [input, 'pipe', 'pipe'],
    });
    try {
      let output = '';
      let errors = '';
      demo.stderr!.on('data', (data) => errors += data);
      const begun = new Promise<void>((resolve, reject) => {
        demo.stdout!.on('data', (data) => (output += data).includes('press Enter for a new one') && resolve());
        demo.once('exit', () => reject(new Error(`It ended before it was ready: ${output}${errors}`)));
      });
      await begun;
      const ended = once(demo, 'exit');
      demo.kill('SIGTERM');
      assert.equal(await ended, [0, null], errors);
      assert.is(errors, '');
    } finally {
      demo.kill('SIGKILL');
    }
  });
}

test.run();

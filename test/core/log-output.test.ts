/** The program goes on when nobody takes its log any more. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const CHATTER = fileURLToPath(new URL('../support/chatter.ts', import.meta.url));

test('a reader that leaves ends nothing and keeps nobody busy', async () => {
  const how = 'Deno' in globalThis ? ['run', '-A'] : ['--import', 'tsx'];
  const child = spawn(process.execPath, [...how, CHATTER], { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  child.stderr.destroy();
  const [code] = await once(child, 'exit');
  assert.is(code, 7);
});

test.run();

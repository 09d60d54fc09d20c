/** The program goes on when nobody takes its log any more. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const BULK_TRAFFIC = fileURLToPath(new URL('../support/network/bulk-traffic.ts', import.meta.url));

test('a reader that disconnects neither ends the program nor keeps it busy', async () => {
  const how = 'Deno' in globalThis ? ['run', '-A'] : ['--import', 'tsx'];
  const child = spawn(process.execPath, [...how, BULK_TRAFFIC], { stdio: ['ignore', 'pipe', 'pipe'] });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  child.stderr.destroy();
  const [code] = await once(child, 'exit');
  assert.is(code, 7);
});

test.run();

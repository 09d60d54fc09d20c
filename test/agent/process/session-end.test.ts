import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endSession, sessionOf } from '../../../agent/process/session-end.ts';

/** A session whose shell says that it is ready. */
async function session(script: string): Promise<{ pid: number; output: () => string }> {
  const child = spawn('setsid', ['--wait', 'sh', '-c', `echo $$; ${script}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => output += chunk);
  while (!output.includes('ready')) await once(child.stdout, 'data');
  return { pid: Number(output.split('\n')[0]), output: () => output };
}

test('what ignores the hangup, and forks on and on, is ended too', async () => {
  const { pid } = await session(`trap '' HUP; echo ready; while :; do sleep 30 & sleep 0.01; done`);
  await endSession(pid);
  assert.equal(sessionOf(pid), []);
});

test('a hangup comes once', async () => {
  const { pid, output } = await session(`trap 'echo hangup' HUP; echo ready; while :; do sleep 0.05; done`);
  await endSession(pid);
  assert.equal(sessionOf(pid), []);
  assert.is(output().match(/hangup/g)?.length, 1);
});

test.run();

/** The demo ends as it should, whatever its input is. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { holderDirectory, type HolderRecord, readRecords } from '../../agent/process/holder/records.ts';
import { isSameProcess } from '../../agent/process/identity.ts';
import { plainEnv, ROOT, until } from '../support/harness/product.ts';

/** Begins an agent, which asks for a permission. @returns what holds it */
async function askingAgent(output: string): Promise<HolderRecord[]> {
  const url = /Local dashboard\s+(\S+)/.exec(output)![1]!;
  const project = /Project folder\s+(\S+)/.exec(output)![1]!;
  const created = await fetch(`${url}/api/agents`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'Hello', directory: project }),
  });
  const { id } = await created.json() as { id: string };
  await until('the agent asks', async () => {
    const agent = await (await fetch(`${url}/api/agents/${id}`)).json() as { pending: string[] };
    return agent.pending.length > 0;
  });
  const held = readRecords(holderDirectory(join(dirname(project), 'data')));
  assert.is(held.length, 1);
  return held;
}

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
      const held = await askingAgent(output);
      const ended = once(demo, 'exit');
      demo.kill('SIGTERM');
      assert.equal(await ended, [0, null], errors);
      assert.is(errors, '');
      for (const { process } of held) assert.not(process && isSameProcess(process));
    } finally {
      demo.kill('SIGKILL');
    }
  });
}

test.run();

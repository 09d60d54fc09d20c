/** Run by test/faults/fork-failure: at each line on stdin it opens a Codex session and tells how that ended or that it is ready. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { createCodex } from '../../../agent/provider/codex/codex.ts';
import { spawnProcess } from '../../../agent/process/child.ts';
import { silentLog } from '../../../core/log.ts';

const program = { name: 'Fake', setting: 'FAKE_BIN', install: 'npm i fake' };
const env = { PATH: process.env.PATH };

async function run(): Promise<void> {
  const plain = spawnProcess({ program, command: '/bin/true', args: [], cwd: '/', env, stdout() {}, exit() {} });
  const end = await plain.ended;
  const provider = createCodex({ bin: process.argv[2]!, env, log: silentLog });
  const options = {
    agentId: 'a',
    cwd: '/',
    resume: null,
    fork: false,
    flags: {},
    model: '',
    mode: 'default' as const,
    effort: '',
  };
  const session = await new Promise<string>((resolve) => {
    provider.open(options, (event) => {
      if (event.type === 'ready') resolve('ready');
      if (event.type === 'exit' && !event.expected) resolve(event.text);
    });
  });
  await provider.close();
  console.log(JSON.stringify({ plain: end.text || `code ${end.code}`, session }));
}

console.log('up');
for await (const _ of createInterface({ input: process.stdin })) await run();

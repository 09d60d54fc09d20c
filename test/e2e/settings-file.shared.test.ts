/** The directory that a program is started in may be a stranger's project: its .env is not read unless it is named. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { plainEnv, ROOT } from '../support/harness/product.ts';

let project: string;
let home: string;
test.before(() => {
  project = mkdtempSync(join(tmpdir(), 'project-'));
  home = join(project, 'home');
  mkdirSync(home);
  // No setting: whoever reads it stops with a sentence that names it.
  writeFileSync(join(project, '.env'), 'no setting\n');
});
test.after(() => rmSync(project, { recursive: true, force: true }));

function run(program: string, ...args: string[]): string {
  const tsx = ['--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs'), join(ROOT, program), ...args];
  const env = plainEnv({ AGENT_MONITOR_HOME: home });
  const { stderr, stdout } = spawnSync(process.execPath, tsx, { cwd: project, env, encoding: 'utf8', timeout: 60_000 });
  return stdout + stderr;
}

test('agent/main.ts', () => {
  assert.match(run('agent/main.ts', '--no-such-option'), /^There is no option --no-such-option/);
  assert.match(run('agent/main.ts', '--env', '.env'), /^\.env cannot be used: line 1 /);
});

test('agent-monitor', () => {
  const unread = run('cli/main.ts', 'ls');
  assert.not.match(unread, /cannot be used/);
  assert.match(unread, /agent-monitor/);
  writeFileSync(join(home, '.env'), 'no setting\n');
  assert.match(run('cli/main.ts', 'ls'), /home\/\.env cannot be used: line 1 /);
});

test.run();

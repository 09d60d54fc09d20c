import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { managerOf } from '../../cli/commands/service.ts';
import { programCommand } from '../../core/installation.ts';
import { type ServiceDefinition, serviceDefinition } from '../../cli/service/definition.ts';
import { plistText } from '../../cli/service/launchd.ts';
import { managerEnv } from '../../cli/service/manager.ts';
import { unitText } from '../../cli/service/systemd.ts';
import { hasProgram, testUnless } from '../support/harness/conditional-test.ts';

/** Every character that has a meaning in a unit file, in a command line of one, or in XML. */
const AWKWARD = `/home/o'neil "x" 50% $HOME \\ <a&b> ü`;
const DEFINITION: ServiceDefinition = {
  command: ['/usr/bin/node', `${AWKWARD}/main.mjs`, 'run'],
  directory: '/home/someone',
  env: { PATH: `/bin:${AWKWARD}`, AGENT_MONITOR_HOME: AWKWARD },
  logFile: `${AWKWARD}/agent-monitor.log`,
};
const PLAIN = serviceDefinition({ PATH: '/usr/bin:/bin', AGENT_MONITOR_HOME: '/home/someone/.agent-monitor' });

const systemdTest = testUnless(hasProgram('systemd-analyze') ? '' : 'systemd-analyze is not installed');
systemdTest('the unit is what systemd itself finds right', () => {
  for (const definition of [PLAIN, DEFINITION]) {
    const { output } = verify(unitText(definition));
    // Only the file of the awkward path is missing.
    assert.is(output.replace(/.*(is not executable|No such file or directory).*\n?/g, '').trim(), '');
  }
  const broken = verify(unitText(PLAIN).replace('OOMPolicy=continue', 'OOMPolicy=perhaps'));
  assert.match(broken.output, /OOM policy/);
});

function verify(text: string): { output: string } {
  const directory = mkdtempSync(join(tmpdir(), 'unit-'));
  try {
    const file = join(directory, 'agent-monitor.service');
    writeFileSync(file, text);
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--user', file], {
      encoding: 'utf8',
      env: { ...process.env, XDG_RUNTIME_DIR: directory },
    });
    return { output: `${stdout}${stderr}` };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('a unit lets live what is to outlive a restart, and comes back after any end', () => {
  for (const line of ['KillMode=process', 'Restart=always', 'StartLimitIntervalSec=0', 'OOMPolicy=continue']) {
    assert.ok(unitText(PLAIN).split('\n').includes(line), line);
  }
  assert.not.match(unitText(PLAIN), /NoNewPrivileges|Protect|Private/);
});

test('words of a unit are escaped: specifiers, variables, quotes; a line break is refused', () => {
  const unit = unitText(DEFINITION);
  assert.ok(unit.includes(`"/home/o'neil \\"x\\" 50%% $$HOME \\\\ <a&b> ü/main.mjs"`), unit);
  assert.ok(unit.includes(`Environment="AGENT_MONITOR_HOME=/home/o'neil \\"x\\" 50%% $HOME \\\\ <a&b> ü"`), unit);
  assert.throws(() => unitText({ ...DEFINITION, env: { PATH: 'a\nExecStart=/bin/evil' } }), /control characters/);
});

const pythonTest = testUnless(hasProgram('python3') ? '' : 'python3 is not installed');
pythonTest('the plist is what a parser reads back as the definition', () => {
  const script = 'import plistlib,sys,json;print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';
  for (const definition of [PLAIN, DEFINITION]) {
    const { stdout } = spawnSync('python3', ['-c', script], { input: plistText(definition), encoding: 'utf8' });
    const plist = JSON.parse(stdout);
    assert.equal(plist.ProgramArguments, definition.command);
    assert.equal(plist.EnvironmentVariables, definition.env);
    assert.is(plist.StandardErrorPath, definition.logFile);
    assert.equal([plist.KeepAlive, plist.RunAtLoad, plist.AbandonProcessGroup, plist.ExitTimeOut], [
      true,
      true,
      true,
      30,
    ]);
  }
});

test('the service runs this very program, with the path of the shell that installed it', () => {
  const { command, env } = serviceDefinition({ PATH: '/opt/claude/bin:/bin', HOME: '/x', RELAY_TOKEN: 'secret' });
  assert.is(command[0], process.execPath);
  assert.ok(existsSync(command.at(-2)!), command.at(-2));
  assert.is(command.at(-1), 'run');
  assert.is(env.PATH, '/opt/claude/bin:/bin');
  assert.not.ok('RELAY_TOKEN' in env, 'units can be read by others');
  const { status, stdout } = spawnSync(command[0]!, [...programCommand(['--version']).slice(1)], { encoding: 'utf8' });
  assert.equal([status, /^\d+\.\d+\.\d+/.test(stdout)], [0, true]);
});

test('there is a manager for Linux and macOS; elsewhere a sentence says so', () => {
  assert.is(managerOf('linux').name, 'systemd');
  assert.is(managerOf('darwin').name, 'launchd');
  assert.throws(() => managerOf('win32'), /There is no service for win32/);
  assert.is(managerEnv({ XDG_RUNTIME_DIR: '/run/user/7' }).XDG_RUNTIME_DIR, '/run/user/7');
  assert.match(managerEnv({}).XDG_RUNTIME_DIR!, /^\/run\/user\/\d+$/);
});

test.run();

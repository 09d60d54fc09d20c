import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { readConfig } from '../../../agent/config.ts';
import { loginShell, terminalCommand, terminalDirectory, terminalEnvironment } from '../../../agent/terminal/launch.ts';
import { probePty } from '../../../agent/terminal/availability.ts';

const config = { ...readConfig({}), programs: { claude: 'claude', codex: '/opt/codex' }, defaultDirectory: '/tmp' };
const agent = (part: Partial<AgentInfo>) =>
  ({ provider: 'claude', sessionId: 'abc', directory: '/', worktree: null, ...part }) as AgentInfo;

test('a shell is the login shell', () => {
  const { file, args } = terminalCommand('shell', null, config);
  assert.is(file, loginShell());
  assert.equal(args, ['-l']);
});

test('a CLI is the one of its agent', () => {
  assert.equal(terminalCommand('claude', agent({}), config), { file: 'claude', args: [] });
  assert.equal(terminalCommand('codex', agent({ provider: 'codex' }), config), { file: '/opt/codex', args: [] });
  assert.equal(terminalCommand('claude', null, config), { file: 'claude', args: [] });
  assert.throws(() => terminalCommand('codex', agent({}), config), /is a claude agent/);
});

test('the environment is the user’s own, without this server’s, for a terminal of today', () => {
  const env = terminalEnvironment({ PATH: '/bin', RELAY_TOKEN: 'x', TMUX: 'y', TERM: 'dumb', NODE_OPTIONS: 'z' });
  assert.equal(env, { PATH: '/bin', TERM: 'xterm-256color', COLORTERM: 'truecolor', LANG: 'C.UTF-8' });
  assert.is(terminalEnvironment({ LC_ALL: 'de_DE.UTF-8' }).LANG, undefined);
});

test('a terminal begun from an agent’s tool is not of that agent’s family', () => {
  const env = terminalEnvironment({ LANG: 'C', AGENT_MONITOR_PROCESS: 'mark', AGENT_MONITOR_DATA: '/data' });
  assert.equal(env, { LANG: 'C', TERM: 'xterm-256color', COLORTERM: 'truecolor' });
});

test('it runs where the agent works', async () => {
  assert.is(await terminalDirectory(undefined, agent({ worktree: { path: '/usr' } as never }), config), '/usr');
  assert.is(await terminalDirectory(undefined, agent({ directory: '/bin' }), config), '/bin');
  assert.is(await terminalDirectory(undefined, null, config), '/tmp');
  assert.is(await terminalDirectory('/usr', agent({}), config), '/usr');
});

test('without node-pty it is said what is missing and how to get it', async () => {
  const missing = await probePty(() => Promise.reject(Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' })));
  assert.is(missing.available, false);
  assert.match(missing.text, /not installed.*npm install node-pty/);
  const broken = await probePty(() => Promise.reject(new Error('Failed to load native module: pty.node')));
  assert.match(broken.text, /does not load \(Failed to load native module/);
  assert.equal(await probePty(() => Promise.resolve()), { available: true, text: '' });
});

test.run();

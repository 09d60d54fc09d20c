/** What CLIs and terminals inherit when this server was started by npm, by a tool of another CLI, or by the user. */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanEnvironment, type Environment, removeMarks } from '../../../agent/process/environment.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** What a user has set. */
const USERS: Environment = {
  HOME: '/home/dev',
  PATH: '/home/dev/bin:/usr/bin',
  LANG: 'de_DE.UTF-8',
  EDITOR: 'nano',
  NPM_CONFIG_REGISTRY: 'http://registry.example',
  CLAUDE_CONFIG_DIR: '/home/dev/.claude-work',
  CLAUDE_CODE_USE_BEDROCK: '1',
  CLAUDE_CODE_MAX_OUTPUT_TOKENS: '9000',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  CLAUDE_CODE_OAUTH_TOKEN: 'token',
  CODEX_HOME: '/home/dev/.codex-work',
  GIT_EDITOR: 'vim',
  PAGER: 'less',
};

test('what the user has set arrives as it is', () => {
  assert.equal(cleanEnvironment(USERS), USERS);
  const own = { ...USERS, PATH: '/p/node_modules/.bin:/usr/bin', COLOR: 'blue', CLAUDE_CODE_NEW_SETTING: 'x' };
  assert.equal(cleanEnvironment(own), own);
});

test('settings and secrets of this server are dropped; extra variables are set or removed', () => {
  const env = cleanEnvironment(
    { ...USERS, PORT: '1', RELAY_TOKEN: 'a', NODE_OPTIONS: '--x', TSX_TSCONFIG_PATH: '/t' },
    { HOME: undefined, NEW: 'n' },
  );
  const { HOME: _home, ...rest } = USERS;
  assert.equal(env, { ...rest, NEW: 'n' });
});

const STARTED_BY: [string, Environment][] = [
  ['npm run', {
    npm_lifecycle_event: 'start',
    npm_package_name: 'agent-monitor',
    npm_package_engines_node: '>=20',
    npm_config_prefix: '/x',
    npm_config_omit_lockfile_registry_resolved: 'true',
    npm_config_allow_scripts: '',
    npm_execpath: '/x/npm-cli.js',
    npm_node_execpath: '/usr/bin/node',
    NODE: '/usr/bin/node',
    INIT_CWD: '/x',
    COLOR: '0',
    PATH: '/p/node_modules/.bin:/x/node-gyp-bin:/home/dev/bin:/usr/bin',
  }],
  ['npx', { npm_command: 'exec', npm_lifecycle_event: 'npx', npm_config_cache: '/c', npm_config_yes: '', COLOR: '1' }],
  ['a tool of Claude Code', {
    CLAUDECODE: '1',
    CLAUDE_CODE_ENTRYPOINT: 'sdk-cli',
    CLAUDE_CODE_MESSAGING_SOCKET: '/tmp/1.sock',
    CLAUDE_CODE_MESSAGING_TOKEN: 'secret of another session',
    CLAUDE_CODE_SESSION_ID: 'b396a121',
    CLAUDE_CODE_CHILD_SESSION: '1',
    CLAUDE_CODE_CHILD_NOTES_DIR: '/tmp/notes',
    CLAUDE_CODE_A_NAME_OF_TOMORROW: '1',
    CLAUDE_PID: '28781',
    CLAUDE_EFFORT: 'medium',
    AI_AGENT: 'claude-code_2-1-330_agent',
    COREPACK_ENABLE_AUTO_PIN: '0',
  }],
  ['a hook of Claude Code', { CLAUDE_PID: '1', CLAUDE_PROJECT_DIR: '/p', CLAUDE_ENV_FILE: '/e', CLAUDE_JOB_DIR: '/j' }],
  ['a tool of Codex', {
    CODEX_THREAD_ID: '01a2',
    CODEX_SANDBOX_NETWORK_DISABLED: '1',
    CODEX_CI: '1',
    NO_COLOR: '1',
    TERM: 'dumb',
    GH_PAGER: 'cat',
    PATH: '/n/@openai/codex-linux-x64/vendor/x/codex-path:/home/dev/bin:/usr/bin',
  }],
];
for (const [starter, adds] of STARTED_BY) {
  test(`started by ${starter}: only what the user has set goes on`, () => {
    assert.equal(cleanEnvironment({ ...USERS, ...adds }), USERS);
  });
}

test('started by npm inside a tool of Claude Code: both are dropped', () => {
  const adds = Object.assign({}, ...STARTED_BY.map(([, entry]) => entry)) as Environment;
  assert.equal(cleanEnvironment({ ...USERS, ...adds, PATH: USERS.PATH }), USERS);
});

test('an editor or pager that the starter set is dropped, another one is the user’s', () => {
  const npm = { npm_execpath: '/x' };
  assert.equal(cleanEnvironment({ ...npm, EDITOR: 'vi' }), {});
  assert.equal(cleanEnvironment({ ...npm, EDITOR: 'code', VISUAL: 'code' }), { VISUAL: 'code' });
  assert.equal(cleanEnvironment({ ...npm, EDITOR: 'emacs' }), { EDITOR: 'emacs' });
  assert.equal(cleanEnvironment({ CLAUDECODE: '1', GIT_EDITOR: 'true' }), {});
  assert.equal(cleanEnvironment({ CLAUDECODE: '1', GIT_EDITOR: 'vim' }), { GIT_EDITOR: 'vim' });
  assert.equal(cleanEnvironment({ GIT_EDITOR: 'true' }), { GIT_EDITOR: 'true' });
  assert.equal(cleanEnvironment({ CODEX_THREAD_ID: 'x', PAGER: 'cat' }), {});
  assert.equal(cleanEnvironment({ PAGER: 'cat' }), { PAGER: 'cat' });
});

test('marks of the agent that started this server are removed', () => {
  const env: Environment = { AGENT_MONITOR_PROCESS: 'a', AGENT_MONITOR_DATA: '/d', HOME: '/h' };
  removeMarks(env);
  assert.equal(env, { HOME: '/h' });
});

test('the npm of this machine adds nothing that is left', async () => {
  const env = { PATH: cleanEnvironment(process.env).PATH!, HOME: process.env.HOME ?? '/', EDITOR: 'nano', KEEP: 'yes' };
  const script = 'process.stdout.write(JSON.stringify(process.env))';
  // Not the synchronous one: under Deno it hands down the whole environment.
  const { stdout } = await promisify(execFile)('npm', ['exec', '--offline', '--', 'node', '-e', script], {
    cwd: ROOT,
    env,
  });
  const inherited = JSON.parse(stdout) as Environment;
  assert.ok(inherited.npm_execpath, 'npm sets its variables');
  const { PATH: path, PWD: _pwd, SHLVL: _level, _: _last, ...rest } = cleanEnvironment(inherited);
  const { PATH: _path, ...expected } = env;
  assert.equal(rest, expected);
  assert.ok(path!.endsWith(env.PATH) && !path!.includes('node_modules/.bin'), path);
});

test.run();

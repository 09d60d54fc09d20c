/**
 * `agent-monitor claude …` in a real terminal: the program gets what it would get without us, the phone is in the same terminal,
 * and nobody but this user on this machine can start it so.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { TerminalInfo } from '../../../core/api/terminals.ts';
import { LOCAL_TOKEN_FIELD, readLocalToken } from '../../../agent/access/local-token.ts';
import { type Cli, type InTerminal, startCli } from '../../support/harness/cli.ts';
import { type Product, startProduct, until } from '../../support/harness/product.ts';
import { TestViewer } from '../../support/harness/terminal-harness.ts';

/** Says what it was started with, and what is typed; ends with the code that was typed. */
const PROGRAM = `#!/bin/sh
echo "cwd=$(pwd)"
echo "count=$#" "mark=$AGENT_MONITOR_PROCESS$AGENT_MONITOR_DATA;"
for a in "$@"; do printf 'arg=<%s>\\n' "$a"; done
printf '%s\\0' "$@" > args
echo "key=$DESK_KEY relay=$RELAY_TOKEN term=$TERM tool=$(tool-of-the-shell)"
echo pid=$$ >&2
printf 'ready\\n'
while read -r line; do
  echo "typed=$line"
  case $line in end*) exit "\${line#end}" ;; esac
done
`;
/** Words that a shell would change, or that agent-monitor has itself. */
const ARGS = ['--resume', 'a b', '', '$(touch evil)', '"; touch evil; "', '*', '--json', '--', '-p', 'é漢🙂'];

let product: Product;
let cli: Cli;
let project: string;

test.before(async () => {
  product = await startProduct({ agentEnv: { CLAUDE_BIN: 'desk-claude', CODEX_BIN: '/nonexistent' } });
  cli = await startCli({ PORT: String(product.localPort), DATA_DIR: product.dataDir, CLAUDE_BIN: 'desk-claude' });
  await local('PUT', '/api/settings', { deskHooks: 'off' });
  project = join(cli.home, 'project');
  mkdirSync(project);
  const tools = join(cli.home, 'stand-in');
  mkdirSync(tools);
  writeFileSync(join(tools, 'desk-claude'), PROGRAM, { mode: 0o755 });
  writeFileSync(join(tools, 'tool-of-the-shell'), '#!/bin/sh\necho found\n', { mode: 0o755 });
});
test.after(async () => {
  cli?.close();
  await product?.close();
});

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
/** The program is found by the PATH of the shell that it is typed in. */
const desk = (args: string[], before = ''): InTerminal =>
  cli.terminal(
    `cd project; PATH="$HOME/stand-in:$PATH"; DESK_KEY=secret-of-the-shell RELAY_TOKEN=never; export PATH DESK_KEY RELAY_TOKEN; ${before}
agent-monitor claude ${args.map(quoted).join(' ')}; echo "code $?"`,
  );
const local = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(product.localUrl + path, {
    method,
    headers: { origin: product.localUrl, 'content-type': 'application/json', ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: await response.json() as { code?: string; terminals: TerminalInfo[] } };
};
const terminals = async (): Promise<TerminalInfo[]> =>
  (await local('GET', '/api/terminals')).body.terminals.filter(({ exited }: TerminalInfo) => !exited);
const phone = (id: string) =>
  TestViewer.open(product.localUrl.replace('http', 'ws'), id, { headers: { origin: product.localUrl } });

test('every argument, the folder and the environment of the shell; desk and phone share it; its exit code', async () => {
  const terminal = desk(ARGS);
  await terminal.sees('ready');
  const text = terminal.text();
  assert.match(text, 'Leave it: Ctrl-]');
  assert.match(text, `cwd=${project}\r\n`);
  assert.match(text, `count=${ARGS.length} mark=;\r\n`);
  assert.equal([...text.matchAll(/arg=<(.*)>/g)].map(([, arg]) => arg), ARGS);
  assert.match(text, 'key=secret-of-the-shell relay= term=xterm-256color tool=found');
  assert.not.ok(existsSync(join(project, 'evil')));

  const [info] = await terminals();
  assert.equal([info!.name, info!.directory, info!.command], ['claude in project', project, 'claude']);
  const viewer = await phone(info!.id);
  await viewer.until('the repaint', () => viewer.repaint.toString().includes('ready'));
  viewer.type('from the phone\r');
  await terminal.sees('typed=from the phone');
  terminal.type('from the desk\r');
  await viewer.sees('typed=from the desk');
  terminal.type('end7\r');
  await terminal.sees('The program ended (7).');
  await terminal.sees('code 7');
  viewer.socket.terminate();
  const said = product.agent!.output();
  assert.not.match(said, 'secret-of-the-shell');
});

test('a program that was ended by a signal: 128 and its number, as in a shell', async () => {
  const terminal = desk(['signalled']);
  await terminal.sees('ready');
  const pid = Number(/pid=(\d+)/.exec(terminal.text())![1]);
  process.kill(pid, 'SIGTERM');
  await terminal.sees('code 143');
});

test('the desk leaves it and comes back by the line that is shown; a killed server in between ends nothing', async () => {
  const terminal = desk([]);
  await terminal.sees('ready');
  await product.agent!.kill('SIGKILL');
  terminal.type('while away\r');
  await product.startAgent();
  await terminal.sees('typed=while away', 30_000);
  terminal.type('\x1d');
  await terminal.sees('code 0');
  const back = /Come back: (agent-monitor attach [\w-]+)/.exec(terminal.text())![1]!;
  const again = cli.terminal(`${back}; echo "code $?"`);
  await again.sees('typed=while away');
  again.type('end3\r');
  await again.sees('The program ended (3).');
});

test('it asks once whether the phone may answer; then the program gets our hooks, beside its own settings', async () => {
  await local('PUT', '/api/settings', { deskHooks: 'ask' });
  // The terminal breaks long lines.
  const args = (): string[] => readFileSync(join(project, 'args'), 'utf8').split('\0').slice(0, -1);
  const asked = desk(['--model', 'opus']);
  await asked.sees('[y/N]');
  asked.type('y\r');
  await asked.sees('ready');
  const [option, settings, ...rest] = args();
  assert.equal([option, ...rest], ['--settings', '--model', 'opus']);
  assert.equal(Object.keys(JSON.parse(settings!).hooks), ['PermissionRequest', 'Notification', 'Stop']);
  assert.match(settings!, `--data ${product.dataDir} # agent-monitor`);
  asked.type('end0\r');
  await asked.sees('code 0');
  const own = desk(['--settings={"model":"opus","hooks":{"Stop":[{"hooks":[]}]}}']);
  await own.sees('ready');
  assert.not.match(own.text(), '[y/N]');
  const merged = JSON.parse(args()[1]!);
  assert.equal([merged.model, merged.hooks.Stop.length, merged.hooks.Stop[0]], ['opus', 2, { hooks: [] }]);
  own.type('end0\r');
  await own.sees('code 0');
  for (const words of [['--settings', 'settings.json'], ['mcp', 'list']]) {
    const plain = desk(words);
    await plain.sees('ready');
    assert.equal(args(), words);
    assert.is(plain.text().includes('Hooks cannot be added'), words[0] === '--settings');
    plain.type('end0\r');
    await plain.sees('code 0');
  }
  await local('PUT', '/api/settings', { deskHooks: 'ask' });
  const no = desk([]);
  await no.sees('[y/N]');
  no.type('\r');
  await no.sees('count=0');
  no.type('end0\r');
  await no.sees('code 0');
});

test('only with the token of this user, and never through the relay', async () => {
  const body = { command: 'claude', directory: project, desk: { args: [], env: { PATH: '/usr/bin:/bin' } } };
  const token = readLocalToken(product.dataDir);
  for (const headers of [{}, { [LOCAL_TOKEN_FIELD]: 'f'.repeat(64) }]) {
    const { status, body: refused } = await local('POST', '/api/terminals', body, headers as Record<string, string>);
    assert.equal([status, refused.code], [403, 'local_only']);
  }
  const far = await product.fetch('/api/terminals', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { [LOCAL_TOKEN_FIELD]: token },
  });
  assert.equal([far.status, (await far.json() as { code: string }).code], [403, 'local_only']);
  for (const wrong of [{ ...body, command: '/bin/sh' }, { ...body, command: 'shell' }, { ...body, directory: 'x' }]) {
    const { status } = await local('POST', '/api/terminals', wrong, { [LOCAL_TOKEN_FIELD]: token });
    assert.is(status, 400, JSON.stringify(wrong));
  }
  assert.equal(await terminals(), []);
  const other = desk([], `DATA_DIR=${cli.home}/other; export DATA_DIR`);
  await other.sees('code 1');
  assert.match(other.text().replaceAll('\r\n', ' '), 'set PORT and DATA_DIR');
});

test('whoever listens on the port in the place of the server gets neither the token nor the environment', async () => {
  const received: string[] = [];
  const stranger = createServer((req, res) => {
    req.on('data', (chunk) => received.push(String(chunk)));
    received.push(`${req.method} ${req.url!.split('?')[0]}`, JSON.stringify(req.headers));
    // As a proof of its own, and as one that it got from the true server, whose port is another.
    void fetch(product.localUrl + req.url!).then((response) => response.text()).then((text) => res.end(text));
  });
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as AddressInfo;
  try {
    const terminal = desk([], `PORT=${port}; export PORT`);
    await terminal.sees('code 1');
    assert.match(terminal.text().replaceAll('\r\n', ' '), "is not this user's server");
    assert.is(received[0], 'GET /api/terminals/proof');
    assert.is(received.length, 2, received.join('\n'));
    assert.not.match(received.join(), new RegExp(`${readLocalToken(product.dataDir)}|secret-of-the-shell|cookie`, 'i'));
  } finally {
    stranger.closeAllConnections();
    stranger.close();
  }
});

test('in a pipe it says what to run instead', async () => {
  const { code, err } = await cli.run(['claude', '-p', 'hello'], 'text');
  assert.is(code, 2);
  assert.match(err, 'run claude itself');
  assert.match((await cli.run(['help', 'codex'])).out, 'Usage: agent-monitor codex');
});

test('a program that is not there says so, with the code of a shell', async () => {
  const terminal = cli.terminal('cd project; agent-monitor codex; echo "code $?"');
  await terminal.sees('code 127');
});

test('a file of the folder is never the program, also with "." in PATH', async () => {
  writeFileSync(join(project, 'desk-claude'), '#!/bin/sh\necho from-the-folder\n', { mode: 0o755 });
  const terminal = cli.terminal('cd project; PATH=".:$PATH" agent-monitor claude; echo "code $?"');
  await terminal.sees('code 1');
  assert.match(terminal.text(), 'desk-claude was not found');
  assert.not.match(terminal.text(), 'from-the-folder');
});

test('without a server the person decides whether it runs alone', async () => {
  await product.agent!.kill('SIGTERM');
  const no = desk([]);
  await no.sees('Type yes: ');
  assert.match(no.text(), 'Start it with `agent-monitor`');
  no.type('y\r');
  await no.sees('code 3');
  // As from the shell of an agent.
  const yes = desk(ARGS, 'export AGENT_MONITOR_PROCESS=an-agent AGENT_MONITOR_DATA=its-server;');
  await yes.sees('Type yes: ');
  yes.type('yes\r');
  await yes.sees('ready');
  assert.match(yes.text(), `count=${ARGS.length} mark=;\r\n`);
  yes.type('end9\r');
  await yes.sees('code 9');
  await product.startAgent();
  await until('no terminal', async () => (await terminals()).length === 0);
});

test('what it was started with is in no file of the server', () => {
  const { status, stdout } = spawnSync('grep', ['-rl', '-e', 'secret-of-the-shell', product.dataDir], {
    encoding: 'utf8',
  });
  assert.equal([status, stdout], [1, ''], 'grep finds nothing');
});

test.run();

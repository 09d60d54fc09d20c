/**
 * The command line client over the relay, each command as a process of its own: exit codes in a shell script, decisions that
 * count once, a conversation that is followed and a terminal that is shown through a line that is cut again and again.
 */
import { Buffer } from 'node:buffer';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, RequestMessage } from '../../core/api/messages.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { type Cli, startCli } from '../support/harness/cli.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { createThrottledLink, CUTS, type ThrottledLink } from '../support/network/throttled-link.ts';

/** Cuts of the line while a terminal is shown; the whole is 20. */
const ATTACH_CUTS = Number(process.env.ATTACH_CUTS ?? 6);
const LOG_CUTS = Number(process.env.LOG_CUTS ?? 5);
const DETACH = '\x1d';

let product: Product;
let cli: Cli;
/** Between the client and the relay. */
let line: ThrottledLink;
let relay: string;
let project: string;
let log: string;

test.before(async () => {
  line = await createThrottledLink();
  cli = await startCli();
  log = join(cli.home, 'fake-claude.jsonl');
  product = await startProduct({
    agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent', FAKE_CLAUDE_LOG: log, SHELL: '/bin/sh' },
  });
  relay = new URL(line.to(product.relayPort).replace('ws:', 'http:')).origin;
  project = join(product.directory, 'project');
  mkdirSync(project);
});
test.after(async () => {
  cli?.close();
  await product?.close();
  line?.close();
});

const json = async <T>(...args: string[]): Promise<T> => {
  const { code, out, err } = await cli.run([...args, '--json']);
  assert.is(code, 0, `${args.join(' ')}: ${out}${err}`);
  return JSON.parse(out) as T;
};
const start = async (prompt: string, ...more: string[]): Promise<string> =>
  (await json<AgentInfo>('new', project, prompt, ...more)).id;
const pendingOf = async (agent: string): Promise<RequestMessage> => {
  assert.is((await cli.run(['wait', agent, '--timeout', '20'])).code, 7);
  const agents = await json<(AgentInfo & { requests: RequestMessage[] })[]>('ls');
  return agents.find(({ id }) => id === agent)!.requests[0]!;
};

test('without a login: what to type, and code 4; a wrong password gives none', async () => {
  const { code, err } = await cli.run(['ls', '--relay', relay]);
  assert.is(code, 4);
  assert.match(err, `agent-monitor login ${relay}`);
  const wrong = await cli.run(['login', relay], 'wrong\n');
  assert.is(wrong.code, 1);
  assert.match(wrong.err, 'This password is not right.');
  assert.is((await cli.run(['ls', '--relay', relay])).code, 4);
  assert.is((await cli.run(['ls', '--relay', 'http://127.0.0.1:1'])).code, 4);
  assert.is((await cli.run(['login', 'http://127.0.0.1:1'], 'x\n')).code, 3);
  assert.is((await cli.run(['login', 'http://192.0.2.1'], 'x\n')).code, 2, 'no password without TLS');
});

test('login: a device of its own, kept for its owner alone; later commands need no --relay', async () => {
  const { code, err } = await cli.run(['login', relay], `${product.password}\n`);
  assert.is(code, 0, err);
  assert.is(statSync(join(cli.home, '.config/agent-monitor/relays.json')).mode & 0o777, 0o600);
  assert.equal((await devices()).map(({ name }) => name), [`agent-monitor on ${hostname().replace(/[^\w.-]/g, '')}`]);
  assert.equal(await json('ls'), []);
});

test('a login that has ended is renewed by its key; a device that was signed out has to log in again', async () => {
  const file = join(cli.home, '.config/agent-monitor/relays.json');
  const credentials = JSON.parse(readFileSync(file, 'utf8'));
  credentials.relays[0].cookie = `am_session=${'x'.repeat(22)}.1.${'x'.repeat(43)}`;
  writeFileSync(file, JSON.stringify(credentials));
  const both = await Promise.all([cli.run(['ls']), cli.run(['ls'])]);
  assert.equal(both.map(({ code, err }) => [code, err]), [[0, ''], [0, '']]);
  assert.is.not(JSON.parse(readFileSync(file, 'utf8')).relays[0].cookie, credentials.relays[0].cookie);
  const { id } = (await devices())[0]!;
  assert.is((await product.fetch(`/api/auth/devices/${id}`, { method: 'DELETE' })).status, 200);
  const { code, err } = await cli.run(['ls']);
  assert.is(code, 4);
  assert.match(err, `agent-monitor login ${relay}`);
  assert.is((await cli.run(['login', relay], `${product.password}\n`)).code, 0);
});

test('in a terminal the password is not shown; Ctrl-C leaves the terminal as it was', async () => {
  const terminal = cli.terminal(`stty -g; agent-monitor login ${relay}; echo "code $?"; stty -g`);
  await terminal.sees('Password of');
  terminal.type(`wrong\x15${product.password}x\x7f\r`);
  await terminal.sees(/code 0\r\n\S+\r\n/);
  assert.not.match(terminal.text(), product.password.slice(0, 6));
  const stopped = cli.terminal(`stty -g; agent-monitor login ${relay}; echo "code $?"; stty -g`);
  await stopped.sees('Password of');
  stopped.type('half\x03');
  await stopped.sees(/code 130\r\n\S+\r\n/);
  for (const { text } of [terminal, stopped]) {
    const lines = text().split('\r\n').filter((entry) => /^[0-9a-f]+:/.test(entry));
    assert.is(lines.length, 2);
    assert.is(lines[0], lines[1]);
  }
});

test('new && wait && logs in a shell script, with exit codes', async () => {
  const { code, out, err } = await cli.script(`
    set -e
    id=$(agent-monitor new ${project} "hello from a script" --name scripted)
    agent-monitor wait $id --timeout 20 && agent-monitor logs scripted
    echo second | agent-monitor send scr -
    agent-monitor wait scripted --timeout 20
    agent-monitor logs \${id%????????} --tail 3
    set +e
    agent-monitor wait nobody; echo "nobody: $?"
    agent-monitor new ${project}; echo "no prompt: $?"
    agent-monitor stop scripted; echo "stop: $?"
    agent-monitor wait scripted; echo "stopped: $?"
    bad=$(agent-monitor new ${project} "exit 3"); agent-monitor wait $bad --timeout 20; echo "failed: $?"
    slow=$(agent-monitor new ${project} "long 1000 50"); agent-monitor wait $slow --timeout 1; echo "slow: $?"
    agent-monitor stop $slow
    agent-monitor wait --all --timeout 10; echo "all: $?"
  `);
  assert.is(code, 0, `${out}\n${err}`);
  assert.match(out, 'you> hello from a script\nYou said: hello from a script\n-- done');
  assert.match(out, 'you> second\nYou said: second');
  const codes = [...out.matchAll(/^([a-z ]+): (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]);
  assert.equal(Object.fromEntries(codes), {
    nobody: 5,
    'no prompt': 2,
    stop: 0,
    stopped: 9,
    failed: 8,
    slow: 6,
    all: 8,
  });
});

test('approve shows the whole of it; the same again counts once, another decision is refused', async () => {
  const agent = await start('bash echo "approved" > made.txt');
  const request = await pendingOf(agent);
  const shown = await cli.run(['approve', agent, '--show']);
  assert.match(shown.out, 'Command:\n    echo "approved" > made.txt');
  const unnamed = await cli.run(['approve', agent, '--yes']);
  assert.is(unnamed.code, 2);
  assert.match(unnamed.err, '--yes needs the request named');
  assert.is((await cli.run(['approve', agent])).code, 2, 'nobody can be asked');
  assert.is((await pendingOf(agent)).id, request.id);

  const args = ['approve', agent, request.id.slice(0, 12), '--yes'];
  const first = await cli.run(args);
  assert.is(first.code, 0, first.err);
  assert.match(first.out, 'echo "approved" > made.txt');
  assert.is((await json<{ duplicate: boolean }>(...args)).duplicate, true);
  const other = await cli.run(['deny', agent, request.id]);
  assert.is(other.code, 1);
  assert.match(other.err, 'Already allowed by agent-monitor on');
  assert.is((await cli.run(['wait', agent, '--timeout', '20'])).code, 0);
  assert.is(answersTo(request.id).length, 1);
});

test('deny with a reason; a question is answered; a plan is approved', async () => {
  const agent = await start('bash touch never');
  const request = await pendingOf(agent);
  assert.is((await cli.run(['deny', agent, '--message', 'not this'])).code, 0);
  assert.is((await cli.run(['wait', agent, '--timeout', '20'])).code, 0);
  assert.match(JSON.stringify(answersTo(request.id)), 'not this');

  const asking = await start('ask');
  const question = await pendingOf(asking);
  assert.match((await cli.run(['approve', asking, question.id, '--yes'])).err, 'Which colour?');
  assert.is((await cli.run(['approve', asking, question.id, '--yes', '--answer', 'blue'])).code, 0);
  assert.is((await cli.run(['wait', asking, '--timeout', '20'])).code, 0);
  assert.match((await cli.run(['logs', asking])).out, 'Blue');

  const planning = await start('plan');
  const plan = await pendingOf(planning);
  const approved = await cli.run(['approve', planning, plan.id, '--yes']);
  assert.is(approved.code, 0, approved.err);
  assert.match(approved.out, '# Plan');
});

test('in a terminal a person is asked, and nothing but yes allows it', async () => {
  const agent = await start('bash echo asked');
  await pendingOf(agent);
  const no = cli.terminal(`agent-monitor approve ${agent}; echo "code $?"`);
  await no.sees('Type yes: ');
  no.type('y\r');
  await no.sees('code 1');
  const yes = cli.terminal(`agent-monitor approve ${agent}; echo "code $?"`);
  await yes.sees('Type yes: ');
  assert.match(yes.text(), 'echo asked');
  yes.type('yes\r');
  await yes.sees('code 0');
  assert.is((await cli.run(['wait', agent, '--timeout', '20'])).code, 0);
});

test('what does not fit the screen is said to be out of sight', async () => {
  const agent = await start(`bash true ${'\n true'.repeat(40)}`);
  await pendingOf(agent);
  const long = cli.terminal(`agent-monitor approve ${agent}; echo "code $?"`);
  await long.sees('Type yes: ');
  assert.match(long.text(), /The first \d+ lines are out of sight/);
  long.type('no\r');
  await long.sees('code 1');
  assert.is((await cli.run(['stop', agent])).code, 0);
});

test('what agents and people write does nothing to the terminal', async () => {
  const evil = '\x1b]0;owned\x07\x1b[2J\u009b31m\u202e';
  const agent = await start(`say ${evil}`, '--name', `evil ${evil}`);
  assert.is((await cli.run(['wait', agent, '--timeout', '20'])).code, 0);
  for (const args of [['ls'], ['logs', agent], ['ls', '--json'], ['logs', agent, '--json'], ['wait', agent]]) {
    const { out, err } = await cli.run(args);
    assert.not.match(out + err, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/, args.join(' '));
  }
  const messages = (await cli.run(['logs', agent, '--json'])).out.trim().split('\n').map((text) => JSON.parse(text));
  assert.is(messages.find(({ kind }) => kind === 'user').text, `say ${evil}`);
});

test('send --again names a message instead of a text: one that did not fail, or is not there, is refused', async () => {
  const agent = await start('hello');
  assert.is((await cli.run(['wait', agent, '--timeout', '20'])).code, 0);
  const user = (await history(agent)).find(({ kind }) => kind === 'user')!;
  const taken = await cli.run(['send', agent, '--again', user.id]);
  assert.match(taken.err, 'Only a message that failed is sent again.');
  const missing = await cli.run(['send', agent, '--again', '11111111-2222-4333-8444-555555555555']);
  assert.match(missing.err, 'There is no such message.');
  assert.not.ok([taken.code, missing.code].includes(0));
  for (const args of [['send', agent, 'text', '--again', user.id], ['send', agent]]) {
    assert.is((await cli.run(args)).code, 2, args.join(' '));
  }
});

test('open prints the address of the page', async () => {
  const agent = await start('hello');
  const { out } = await cli.run(['open', agent, '--print']);
  assert.is(out, `${relay}/#/agents/${agent}\n`);
});

test(`logs -f through ${LOG_CUTS} cuts: every message once, none missing`, async () => {
  const random = seeded(7);
  const agent = await start('hello');
  const follower = cli.terminal(`agent-monitor logs ${agent} -f --json 2>/dev/null | cat`);
  await follower.sees('"kind":"turn"');
  const sent: ReturnType<Cli['run']>[] = [];
  for (let i = 0; i < LOG_CUTS; i++) {
    sent.push(cli.run(['send', agent, `size 3000 17 1`]));
    await new Promise((resolve) => setTimeout(resolve, 150 + random() * 500));
    line.cut(CUTS[i % 3]);
  }
  for (const { code, err } of await Promise.all(sent)) assert.is(code, 0, err);
  assert.is((await cli.run(['wait', agent, '--timeout', '30'])).code, 0);
  const wanted = await history(agent);
  const lines = () => follower.text().split('\r\n').filter(Boolean).map((text) => JSON.parse(text) as Message);
  await until('the last message', () => lines().some(({ seq }) => seq === wanted.at(-1)!.seq));
  follower.kill();
  const whole = (messages: Message[]) => messages.filter(({ kind }) => kind === 'text' || kind === 'turn');
  assert.equal(whole(lines()), whole(wanted));
  const users = (messages: Message[]) => new Set(messages.filter(({ kind }) => kind === 'user').map(({ id }) => id));
  assert.equal([...users(lines())], [...users(wanted)]);
});

/** Prints bytes that the test knows, in so many pieces, slowly enough to be cut. */
const PRINTER = `
let seed = 1;
const next = (below) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0, (seed >>> 8) % below);
const words = ['plain ', '\\n', '\\r\\n', '\\x1b[3' + 1 + 'm', '\\x1b[0m', 'é漢🙂', '\\t', '\\x1b[5;7H', '\\x1b[?25l', '\\x1b[?25h'];
export const piece = () => { let text = ''; while (text.length < 8000) text += words[next(words.length)] + next(1e6); return text; };
`;

test(`attach through ${ATTACH_CUTS} cuts: the bytes of the program and what is typed, each exactly once`, async () => {
  const pieces = ATTACH_CUTS * 12;
  writeFileSync(join(project, 'pieces.mjs'), PRINTER);
  writeFileSync(
    join(project, 'print.mjs'),
    `import { piece } from './pieces.mjs';
process.stdout.write('BEGIN<');
for (let i = 0; i < ${pieces}; i++) {
  process.stdout.write(piece());
  await new Promise((resolve) => setTimeout(resolve, 25));
}
process.stdout.write('>END');`,
  );
  const { piece } = await import(join(project, 'pieces.mjs')) as { piece: () => string };
  const agent = await start('hello');
  const terminal = cli.terminal(
    `stty -g > before; agent-monitor attach ${agent}; echo "code $?"; stty -g > after; echo over`,
  );
  await terminal.sees('Leave it: Ctrl-]');
  await terminal.sees(/[#$] /);
  terminal.type(`stty -opost -echo; ${process.execPath} print.mjs; stty opost echo; echo ready\r`);
  await terminal.sees('BEGIN<');
  let cuts = 0;
  for (let seen = 0; cuts < ATTACH_CUTS && !terminal.text().includes('>END'); cuts++) {
    await until('more output', () => terminal.bytes().length > seen);
    line.cut(CUTS[cuts % 3]);
    seen = terminal.bytes().length;
  }
  await terminal.sees('>END', 30_000);
  const all = terminal.bytes();
  const wanted = Array.from({ length: pieces }, piece).join('');
  const shown = all.subarray(all.indexOf('BEGIN<') + 6, all.indexOf('>END'));
  assert.is(cuts, ATTACH_CUTS);
  assert.is(shown.length, Buffer.byteLength(wanted));
  assert.ok(shown.equals(Buffer.from(wanted)));

  const lines = Array.from({ length: 300 }, (_, i) => `typed line ${i}`);
  terminal.type('cat > typed.txt; echo "written"\r');
  // The shell's own editor takes Return as it is; only a line that is typed after it has handed the terminal over ends in \n.
  await until('cat has begun', () => existsSync(join(project, 'typed.txt')));
  for (const [i, text] of lines.entries()) {
    terminal.type(`${text}\r`);
    if (i % 60 === 30) line.cut(CUTS[(i / 30 | 0) % 3]);
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  terminal.type('\x04');
  await terminal.sees(/\nwritten/);
  assert.is(readFileSync(join(project, 'typed.txt'), 'utf8'), `${lines.join('\n')}\n`);

  terminal.resize(101, 37);
  await until('the new size', async () => {
    terminal.type('stty size\r');
    await new Promise((resolve) => setTimeout(resolve, 200));
    return terminal.text().includes('37 101');
  });
  terminal.type(DETACH);
  await terminal.sees('over');
  assert.match(terminal.text(), 'code 0');
  assert.is(readFileSync(join(cli.home, 'after'), 'utf8'), readFileSync(join(cli.home, 'before'), 'utf8'));

  const again = cli.terminal(`agent-monitor attach ${agent} --detach-keys ctrl-a,d; echo "code $?"`);
  await again.sees('37 101');
  again.type('exit 3\r');
  await again.sees('The program ended (3).');
  await again.sees('code 1');
});

test('logout: the relay takes the login no more, and commands speak to this machine again', async () => {
  const { relays: [login] } = JSON.parse(readFileSync(join(cli.home, '.config/agent-monitor/relays.json'), 'utf8'));
  assert.is((await cli.run(['logout'])).code, 0);
  assert.is((await fetch(`${relay}/api/agents`, { headers: { cookie: login.cookie } })).status, 401);
  assert.is((await cli.run(['ls', '--relay', relay])).code, 4);
  const { code, out } = await cli.script(`PORT=${product.localPort} agent-monitor ls`);
  assert.is(code, 0);
  assert.match(out, 'scripted');
  const { code: gone, err } = await cli.script('PORT=1 agent-monitor ls');
  assert.is(gone, 3);
  assert.match(err, 'Start the server with `agent-monitor`');
});

const history = async (agent: string): Promise<Message[]> =>
  (await cli.run(['logs', agent, '--json'])).out.trim().split('\n').map((text) => JSON.parse(text) as Message);

const devices = async (): Promise<{ id: string; name: string }[]> =>
  (await (await product.fetch('/api/auth/devices')).json() as { devices: { id: string; name: string }[] }).devices;

/** Answers that the CLI got to this request. */
const answersTo = (id: string): unknown[] =>
  readFileSync(log, 'utf8').trim().split('\n').map((text) => JSON.parse(text))
    .filter(({ type, response }) => type === 'control_response' && response.request_id === id);

test.run();

/** dist/relay.mjs as a user starts it: alone in a folder, without PATH and node_modules, on Node and on Deno. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { freePort, ROOT, until } from '../support/harness/product.ts';

const DENO = join(ROOT, 'node_modules/.bin/deno');
const TOKEN = 'a-token-of-forty-three-characters-0123456789';
let directory: string;

test.before(() => {
  directory = mkdtempSync(join(tmpdir(), 'program-'));
  copyFileSync(join(ROOT, 'dist/relay.mjs'), join(directory, 'relay.mjs'));
});
test.after(() => rmSync(directory, { recursive: true }));

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['relay.mjs', ...args], { cwd: directory, env: {}, encoding: 'utf8', timeout: 10_000 });

test('it is one executable file', () => {
  const file = join(ROOT, 'dist/relay.mjs');
  assert.ok(statSync(file).mode & 0o100);
  assert.match(readFileSync(file, 'utf8').slice(0, 40), /^#!\/usr\/bin\/env node\n/);
  assert.not.match(readFileSync(file, 'utf8'), /from ?"(?!node:)[^"]+"/);
});

test('--help and --version print and end', () => {
  assert.match(run('--help').stdout, /RELAY_TOKEN .*required/);
  assert.match(run('--version').stdout, /^\d+\.\d+\.\d+\n$/);
});

const WRONG: [Record<string, string>, RegExp][] = [
  [{}, /^RELAY_TOKEN is not set: .*\n$/],
  [{ RELAY_TOKEN: TOKEN, RELAY_PORT: 'x' }, /^RELAY_PORT must be .*\n$/],
  [{ RELAY_TOKEN: TOKEN, RELAY_HOST: '203.0.113.1', RELAY_STATE: '' }, /^Cannot listen on 203.0.113.1.*\n$/],
];
for (const [env, message] of WRONG) {
  test(`${JSON.stringify(env)} stops with one sentence`, () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, ['relay.mjs'], {
      cwd: directory,
      env,
      encoding: 'utf8',
      timeout: 10_000,
    });
    assert.is(status, 1);
    assert.match(stderr, message);
    assert.is(stdout, '');
  });
}

test('an unknown option stops with one sentence', () =>
  assert.match(run('--port').stderr, /^There is no option --port/));

for (
  const [name, command, args] of [['node', process.execPath, []], ['deno', DENO, ['run', '-A', '--no-check']]] as const
) {
  test(`on ${name}: settings from .env beside it, login, files, no secret where others look, a clean end`, async () => {
    const port = await freePort();
    const env =
      `RELAY_TOKEN=${TOKEN}\nRELAY_PASSWORD="a secret password"\nRELAY_PORT=${port}\nRELAY_HOST=127.0.0.1\nRELAY_STATE=${directory}/state-${name}.json\n`;
    writeFileSync(join(directory, '.env'), env);
    chmodSync(join(directory, '.env'), 0o600);
    const child = spawn(command, [...args, join(directory, 'relay.mjs')], {
      cwd: '/',
      env: name === 'deno' ? { HOME: directory } : {},
    });
    let output = '';
    child.stdout.on('data', (chunk) => output += chunk);
    child.stderr.on('data', (chunk) => output += chunk);
    try {
      const origin = `http://127.0.0.1:${port}`;
      await until(
        () => `the relay: ${output}`,
        () => fetch(`${origin}/api/relay/status`).then((r) => r.ok, () => false),
      );
      const page = await fetch(origin, { headers: { 'accept-encoding': 'br' } });
      assert.match(await page.text(), /<script type="module" src="\/assets\/[\w-]+\.js">/);
      const login = (password: string) =>
        fetch(`${origin}/api/auth/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ password }),
        });
      assert.is((await login('wrong')).status, 401);
      const right = await login('a secret password');
      assert.is(right.status, 200);
      const cookie = right.headers.getSetCookie()[0]!.split(';')[0]!;
      assert.is((await fetch(`${origin}/api/agents`, { headers: { cookie } })).status, 502);
      for (const file of ['cmdline', 'environ']) {
        const text = readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
        assert.not.ok(text.includes(TOKEN) || text.includes('a secret password'), file);
      }
      for (const file of readdirSync(directory).filter((name) => name.startsWith('state-'))) {
        assert.not.match(readFileSync(join(directory, file), 'utf8'), /a secret password|a-token-of/);
      }
      assert.not.match(output, /a secret password|a-token-of/);
    } finally {
      child.kill('SIGTERM');
    }
    const [code] = await once(child, 'close');
    assert.is(code, 0, output);
  });
}

test('an error that nobody caught is logged, and the relay goes on', async () => {
  const port = await freePort();
  writeFileSync(
    join(directory, 'named'),
    `RELAY_TOKEN=${TOKEN}\nRELAY_PASSWORD=a password\nRELAY_HOST=127.0.0.1\nRELAY_STATE=\n`,
  );
  const thrown = `process.on('SIGUSR2', () => {
    void Promise.reject(new Error('rejected on purpose'));
    throw new Error('thrown on purpose');
  });`;
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(thrown)}`, join(directory, 'relay.mjs'), '--env', 'named'],
    { cwd: directory, env: { RELAY_PORT: String(port) } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output += chunk);
  const ended = once(child, 'close');
  try {
    const answers = () => fetch(`http://127.0.0.1:${port}/api/relay/status`).then((r) => r.ok, () => false);
    await until(() => output, answers);
    child.kill('SIGUSR2');
    const isOver = () => /rejected on purpose/.test(output) || child.exitCode !== null || child.signalCode !== null;
    await until(() => output, () => Promise.resolve(isOver()));
    assert.match(output, /ERROR "?unexpected error"? .*thrown on purpose/);
    assert.match(output, /ERROR "?unexpected rejection"? .*rejected on purpose/);
    assert.ok(await answers());
  } finally {
    child.kill('SIGTERM');
  }
  assert.is((await ended)[0], 0, output);
});

test('the .env of the directory in which it is started is not read', async () => {
  const project = mkdtempSync(join(tmpdir(), 'project-'));
  try {
    writeFileSync(join(project, '.env'), `RELAY_TOKEN=${TOKEN}\n`);
    rmSync(join(directory, '.env'), { force: true });
    const check = (...args: string[]) =>
      spawnSync(process.execPath, [join(directory, 'relay.mjs'), '--check', ...args], {
        cwd: project,
        env: {},
        encoding: 'utf8',
        timeout: 20_000,
      });
    assert.match(check().stderr, /^RELAY_TOKEN is not set/);
    assert.is(check('--env', '.env').status, 0, 'but when it is named');
    assert.match(check('--env', 'missing').stderr, /^missing cannot be used/);
    assert.match(check('--evn').stderr, /^There is no option --evn/);
  } finally {
    rmSync(project, { recursive: true });
  }
});

test.run();

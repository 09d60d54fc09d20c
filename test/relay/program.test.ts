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
import { freePort, ROOT, until } from '../support/product.ts';

const DENO = join(ROOT, 'node_modules/.bin/deno');
const TOKEN = 'a-token-of-forty-three-characters-0123456789';
let folder: string;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'program-'));
  copyFileSync(join(ROOT, 'dist/relay.mjs'), join(folder, 'relay.mjs'));
});
test.after(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['relay.mjs', ...args], { cwd: folder, env: {}, encoding: 'utf8', timeout: 10_000 });

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
      cwd: folder,
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
      `RELAY_TOKEN=${TOKEN}\nRELAY_PASSWORD="a secret password"\nRELAY_PORT=${port}\nRELAY_HOST=127.0.0.1\nRELAY_STATE=${folder}/state-${name}.json\n`;
    writeFileSync(join(folder, '.env'), env);
    chmodSync(join(folder, '.env'), 0o600);
    const child = spawn(command, [...args, join(folder, 'relay.mjs')], {
      cwd: '/',
      env: name === 'deno' ? { HOME: folder } : {},
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
      assert.match(await page.text(), /<script type="module" src="\/assets\/main-[A-Z0-9]+\.js">/);
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
      for (const file of readdirSync(folder).filter((name) => name.startsWith('state-'))) {
        assert.not.match(readFileSync(join(folder, file), 'utf8'), /a secret password|a-token-of/);
      }
      assert.not.match(output, /a secret password|a-token-of/);
    } finally {
      child.kill('SIGTERM');
    }
    const [code] = await once(child, 'close');
    assert.is(code, 0, output);
  });
}

test.run();

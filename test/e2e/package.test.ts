/** The package of `npm run pack`, installed as `npm install -g` does, without a network and outside the checkout. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { pack } from '../../scripts/build-package.ts';
import { freePort, plainEnv, type Program, ROOT, startProgram, until } from '../support/harness/product.ts';

const run = promisify(execFile);
let directory: string;
let installed: string;
let bin: string;

test.before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'package-'));
  const archive = await pack({ quick: true });
  const prefix = join(directory, 'prefix');
  // Without network and cache npm finds no node-pty, as on a machine where it cannot be compiled.
  const flags = ['--offline', `--cache=${directory}/cache`, '--no-audit', '--no-fund', '--silent'];
  execFileSync('npm', ['install', '-g', '--prefix', prefix, ...flags, archive], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  installed = join(prefix, 'lib/node_modules/agent-monitor');
  bin = join(prefix, 'bin/agent-monitor');
});
test.after(() => rmSync(directory, { recursive: true, force: true }));

/** Runs the installed program in an empty directory until `use` is done. */
async function serve(use: (url: string, program: Program) => Promise<void>): Promise<void> {
  const port = await freePort();
  const home = join(directory, 'home');
  mkdirSync(home, { recursive: true });
  const program = startProgram(bin, [], plainEnv({ HOME: home, PORT: String(port) }), home);
  try {
    const url = `http://127.0.0.1:${port}`;
    await until(() => `an answer; it printed ${program.output()}`, async () => {
      assert.is(program.child.exitCode, null, program.output());
      return await fetch(`${url}/api/health`).then((response) => response.ok, () => false);
    });
    await use(url, program);
  } finally {
    await program.kill();
  }
}

test('it holds JavaScript only, and needs no other package', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  assert.equal(files.filter((name) => /\.ts$|node_modules/.test(name)).slice(0, 5), []);
  const { dependencies, scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  assert.equal([dependencies, scripts], [undefined, undefined]);
  const others = readFileSync(join(installed, 'LICENSES-OF-OTHERS.txt'), 'utf8');
  for (const name of ['nodemailer', '@xterm/headless', 'preact', 'marked']) assert.match(others, `${name} `);
});

test('agent-monitor and agent-monitor-relay say their version', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.is((await run(bin, ['--version'])).stdout, `${version}\n`);
  assert.is((await run(`${bin}-relay`, ['--version'])).stdout, `${version}\n`);
});

test('it serves the dashboard, says why there are no terminals, and ends cleanly', async () => {
  await serve(async (url, program) => {
    const page = await (await fetch(url)).text();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)![1]!;
    assert.is((await fetch(url + script)).status, 200);
    const refused = await fetch(`${url}/api/terminals`, { method: 'POST', body: '{}', headers: headers(url) });
    assert.match(await refused.text(), /node-pty is not installed/);
    await program.kill();
    assert.is(program.child.exitCode, 0, program.output());
  });
  assert.equal(readdirSync(join(directory, 'home')), ['.agent-monitor']);
});

test('with node-pty a terminal runs a program', async () => {
  const source = dirname(createRequire(import.meta.url).resolve('node-pty/package.json'));
  cpSync(source, join(installed, 'node_modules/node-pty'), { recursive: true });
  await serve(async (url) => {
    const response = await fetch(`${url}/api/terminals`, {
      method: 'POST',
      body: JSON.stringify({ directory: directory }),
      headers: headers(url),
    });
    const text = await response.text();
    assert.is(response.status, 201, text);
    // The shell's prompt.
    await until('output', async () => {
      const reply = await fetch(`${url}/api/terminals`);
      const { terminals } = await reply.json() as { terminals: [{ exited: unknown; offset: number }] };
      assert.is(terminals[0].exited, null);
      return terminals[0].offset > 0;
    });
  });
});

const headers = (origin: string) => ({ 'content-type': 'application/json', origin });

test.run();

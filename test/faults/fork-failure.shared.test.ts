/** R11: the machine has no process left for a CLI. The session ends with a sentence, the server goes on and recovers. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const support = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url));
/** Limits of processes do not hold for root. */
const NOBODY = 65534;

test('no process can be made: said in a sentence; when there is room again, the next session opens', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fork-failure-'));
  chmodSync(directory, 0o755);
  const probe = join(directory, 'probe.mjs');
  const codex = join(directory, 'fake-codex.mjs');
  copyFileSync(support('fakes/fake-codex.mjs'), codex);
  await build({
    entryPoints: [support('harness/fork-probe.ts')],
    outfile: probe,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(process.execPath, [probe, codex], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, HOME: directory },
    ...user,
  });
  const lines = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value).trim();
  try {
    assert.is(await next(), 'up');
    const ask = async (limit: string) => {
      execFileSync('prlimit', ['--pid', String(child.pid), `--nproc=${limit}:`], user);
      child.stdin.write('go\n');
      return JSON.parse(await next());
    };
    const limits = ['--pid', String(child.pid), '--nproc', '--output', 'HARD', '--noheadings'];
    const hard = execFileSync('prlimit', limits, { encoding: 'utf8', ...user }).trim();
    const full = await ask('1');
    assert.match(full.plain, /^Fake could not be started because this machine is out of processes.*EAGAIN/);
    assert.match(full.session, /^Codex could not be started because this machine is out of processes.*EAGAIN/);
    assert.equal(await ask(hard), { plain: 'Fake ended by itself.', session: 'ready' });
  } finally {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();

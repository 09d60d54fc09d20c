/** The runner itself: a test that hangs is named, a file that leaves something open or runs nothing is a failure, a skip is no pass. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { secondTries } from '../../scripts/test/again.ts';

const UVU = new URL('../../scripts/test/uvu.mjs', import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), 'runner-'));
test.after(() => rmSync(directory, { recursive: true, force: true }));

function runFile(body: string, limitMs = 200): { status: number | null; output: string } {
  const path = join(directory, 'file.mjs');
  writeFileSync(path, `import { test } from ${JSON.stringify(UVU)};\n${body}`);
  const env = { ...process.env, TEST_LIMIT_MS: String(limitMs), FORCE_COLOR: '0' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], { env, encoding: 'utf8', timeout: 20_000 });
  return { status, output: stdout + stderr };
}

test('a test that hangs is named, the ones after it still run, and what it left open does not keep the file', () => {
  const { status, output } = runFile(`
    test('first', () => {});
    test('the one that hangs', () => new Promise(() => setInterval(() => {}, 1000)));
    test('last', () => {});
    test.run();`);
  assert.is(status, 1);
  assert.match(output, /HANGS: "the one that hangs" was not finished after 0\.2 s/);
  assert.match(output, /Total:\s+3\n\s+Passed:\s+2/);
});

test('hooks have the limit too', () => {
  for (const hook of ['before', 'after.each']) {
    const { status, output } = runFile(`
      test.${hook}(() => new Promise(() => setInterval(() => {}, 1000)));
      test('first', () => {});
      test.run();`);
    assert.is.not(status, 0, hook);
    assert.match(output, `HANGS: "${hook.replace('.', ' ')}"`);
  }
});

test('a file that something keeps open after a failure ends with what it is', () => {
  const { status, output } = runFile(`
    import { createServer } from 'node:net';
    test('fails', () => { createServer().listen(0, '127.0.0.1'); throw new Error('wrong'); });
    test.run();`);
  assert.is(status, 1);
  assert.match(output, /LEFT OPEN 0\.5 s after the last test: .*TCPSERVERWRAP/i);
});

test('what ends by itself is not touched; a skipped test is counted as skipped', () => {
  const { status, output } = runFile(`
    test('slow but within its time', () => new Promise((resolve) => setTimeout(resolve, 100)));
    test.skip('cannot run here', () => {});
    test.run();
    test('of a second run', () => {});
    test.run();`);
  assert.is(status, 0, output);
  assert.match(output, /Total:\s+2\n\s+Passed:\s+2\n\s+Skipped:\s+1/);
  assert.not.match(output, /LEFT OPEN|HANGS/);
});

/** The whole runner on a test file of this directory's making. */
function runRunner(...paths: string[]): { status: number | null; output: string } {
  const runner = fileURLToPath(new URL('../../scripts/test.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', runner, ...paths], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, output: stdout + stderr };
}

test('a path without a test file is an error, not a success with nothing run', () => {
  const { status, output } = runRunner('core/nowhere');
  assert.is(status, 1);
  assert.match(output, 'there is no test file at test/core/nowhere');
  assert.match(output, '0 passed, 1 failed');
});

test('a second try counts in the place of the first, for what failed alone, and what passes then is named', async () => {
  const outcomes = [['a', 0], ['b', 1], ['c', 2]].map(([file, failed]) => ({
    file: String(file),
    failed: Number(failed),
  }));
  const tried: string[] = [];
  const reported: string[] = [];
  const run = (file: string) => {
    tried.push(file);
    return Promise.resolve({ file, failed: file === 'b' ? 0 : 2 });
  };
  const unsteady = await secondTries(outcomes, run, ({ file, failed }) => reported.push(`${file} ${failed}`));
  assert.equal([tried, reported], [['b', 'c'], ['b 0', 'c 2']]);
  assert.equal(outcomes.map(({ failed }) => failed), [0, 0, 2]);
  assert.equal(unsteady, [{ file: 'b', failed: 1 }]);
});

test.run();

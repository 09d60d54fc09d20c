/** A process is killed with -9 while it saves 30 MB: what it said was saved is there, and it always parses. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../support/seeded.ts';

const ROUNDS = 100;
const WRITER = fileURLToPath(new URL('../support/store-writer.ts', import.meta.url));

test(`${ROUNDS} kills while 30 MB are saved`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'store-'));
  const path = join(folder, 'doc.json');
  const random = seeded(3);
  let acknowledged = 0;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const output = await killed(path, random() * 400);
      assert.not.match(output, 'WARN');
      acknowledged = Math.max(acknowledged, ...output.split('\n').slice(0, -1).map(Number));
      const { n, filling } = JSON.parse(readFileSync(path, 'utf8'));
      assert.ok(n >= acknowledged, `${n} is on disk, ${acknowledged} was acknowledged`);
      assert.is(filling.length, 300);
    }
    assert.ok(acknowledged > ROUNDS, `${acknowledged} saves`);
    assert.ok(readdirSync(folder).every((name) => name === 'doc.json' || name === 'doc.json.tmp'));
    console.log(`${acknowledged} saves were acknowledged over ${ROUNDS} lives`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Runs the writer, kills it `ms` after its first save, and gives what it said. */
function killed(path: string, ms: number): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), ms));
    child.stdout.on('data', (chunk) => output += chunk);
    child.on('close', () => resolve(output));
  });
}

test.run();

/** A process is killed with -9 while it saves 30 MB: what it said was saved is there, and it always parses. */
import { buildSync } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../support/fakes/seeded.ts';

/** STORE_KILLS=100 for the whole. */
const ROUNDS = Number(process.env.STORE_KILLS ?? 40);
/** The writer as one JavaScript file: a hundred starts through the loader would take a minute. */
const WRITER = bundle(new URL('../support/harness/store-writer.ts', import.meta.url));

function bundle(entry: URL): string {
  const outfile = join(mkdtempSync(join(tmpdir(), 'store-writer-')), 'writer.mjs');
  process.once('exit', () => rmSync(dirname(outfile), { recursive: true }));
  buildSync({ entryPoints: [fileURLToPath(entry)], bundle: true, platform: 'node', format: 'esm', outfile });
  return outfile;
}

test(`${ROUNDS} kills while 30 MB are saved`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'store-'));
  const path = join(directory, 'doc.json');
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
    assert.ok(readdirSync(directory).every((name) => name === 'doc.json' || name === 'doc.json.tmp'));
    console.log(`${acknowledged} saves were acknowledged over ${ROUNDS} lives`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Runs the writer, kills it `ms` after its first save, and gives what it said. */
function killed(path: string, ms: number): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), ms));
    child.stdout.on('data', (chunk) => output += chunk);
    child.on('close', () => resolve(output));
  });
}

test.run();

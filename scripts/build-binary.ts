/**
 * `npm run build:binary`: dist/relay, the relay as an executable that brings its own Node (single executable application), for
 * servers of this machine's kind that have none.
 */
import { build as bundle } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const BINARY = join(ROOT, 'dist/relay');
/** Marks the place for the program in every node executable (Node's documentation, "Single executable applications"). */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

export async function buildBinary(): Promise<void> {
  await build();
  const directory = mkdtempSync(join(tmpdir(), 'relay-binary-'));
  try {
    // A single executable application starts as CommonJS.
    await bundle({
      entryPoints: [join(ROOT, 'dist/relay.mjs')],
      outfile: join(directory, 'relay.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      define: { 'import.meta.url': 'RELAY_URL_OF_FILE' },
      banner: { js: "const RELAY_URL_OF_FILE = require('node:url').pathToFileURL(process.execPath).href;" },
      logLevel: 'warning',
    });
    writeFileSync(
      join(directory, 'sea.json'),
      JSON.stringify({ main: 'relay.cjs', output: 'relay.blob', disableExperimentalSEAWarning: true }),
    );
    execFileSync(process.execPath, ['--experimental-sea-config', 'sea.json'], {
      cwd: directory,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const fresh = join(directory, 'relay');
    copyFileSync(process.execPath, fresh);
    chmodSync(fresh, 0o755);
    const segment = process.platform === 'darwin' ? ['--macho-segment-name', 'NODE_SEA'] : [];
    const args = [fresh, 'NODE_SEA_BLOB', 'relay.blob', '--sentinel-fuse', FUSE, ...segment];
    execFileSync(process.execPath, [join(ROOT, 'node_modules/postject/dist/cli.js'), ...args], {
      cwd: directory,
      stdio: 'ignore',
    });
    rmSync(BINARY, { force: true });
    copyFileSync(fresh, `${BINARY}.new`);
    renameSync(`${BINARY}.new`, BINARY);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  console.log(`dist/relay: ${(statSync(BINARY).size / 2 ** 20).toFixed(1)} MiB`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildBinary();

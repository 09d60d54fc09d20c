/**
 * Runs tests on another version of Node, which npm fetches: `npm run test:node -- 22.23.5 [--jobs N] [directory or file …]`.
 * Without paths: core, agent, relay.
 */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DEFAULT = ['--jobs', '2', 'core', 'agent', 'relay'];

const [version = '', ...args] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+$/.test(version)) {
  console.error('Name a version of Node, such as 22.23.5.');
  process.exit(2);
}
const source = `--package=node-${process.platform}-${process.arch}@${version}`;
const tests = ['node', '--import', 'tsx', 'scripts/test.ts', ...(args.length ? args : DEFAULT)];
spawn('npm', ['exec', '--yes', source, '--', ...tests], { cwd: ROOT, stdio: 'inherit' })
  .on('exit', (code) => process.exit(code ?? 1));

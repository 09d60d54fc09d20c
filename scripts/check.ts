/** `npm run check`: types, format, lint and the rules of the tree. Prints every failure, exits 1 if there is one. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { checkTree } from './check/tree.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => join(ROOT, 'node_modules/.bin', name);

const STEPS: [string, () => boolean][] = [
  // Two programs, so that nothing that runs on Node can name a global of the browser.
  ['types', () => command(bin('tsc'), ['-p', '.'])],
  ['types of the browser', () => command(bin('tsc'), ['-p', 'tsconfig.ui.json'])],
  ['format', () => command(bin('deno'), ['fmt', '--check', '--quiet'])],
  ['lint', () => command(bin('deno'), ['lint', '--quiet'])],
  ['tree', () => {
    const problems = checkTree(ROOT);
    for (const problem of problems) console.log(`  ${problem}`);
    return problems.length === 0;
  }],
];

function command(file: string, args: string[]): boolean {
  const result = spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' });
  if (result.error) console.log(`  ${result.error.message}`);
  return result.status === 0;
}

let failed = 0;
for (const [name, step] of STEPS) {
  const ok = step();
  if (!ok) failed++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
}
process.exit(failed ? 1 : 0);

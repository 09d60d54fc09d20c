/** `npm run check`: types, format, lint, the rules of the tree, and sizes. Prints every failure, exits 1 if there is one. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { measureSizes, readBudget, sizeProblems } from './check/sizes.ts';
import { checkTree } from './check/tree.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string) => join(ROOT, 'node_modules/.bin', name);

const STEPS: [string, () => boolean | Promise<boolean>][] = [
  // Two programs, so that nothing that runs on Node can name a global of the browser.
  ['types', () => command(bin('tsc'), ['-p', '.'])],
  ['types of the browser', () => command(bin('tsc'), ['-p', 'tsconfig.ui.json'])],
  ['format', () => command(bin('deno'), ['fmt', '--check', '--quiet'])],
  ['lint', () => command(bin('deno'), ['lint', '--quiet'])],
  ['tree', () => print(checkTree(ROOT))],
  ['sizes', async () => print(sizeProblems(await measureSizes(), readBudget()))],
];

/** @returns whether there are none */
function print(problems: string[]): boolean {
  for (const problem of problems) console.log(`  ${problem}`);
  return problems.length === 0;
}

function command(file: string, args: string[]): boolean {
  const result = spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' });
  if (result.error) console.log(`  ${result.error.message}`);
  return result.status === 0;
}

let failed = 0;
for (const [name, step] of STEPS) {
  const ok = await step();
  if (!ok) failed++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
}
process.exit(failed ? 1 : 0);

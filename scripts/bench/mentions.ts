/**
 * `npx tsx scripts/bench/mentions.ts [FILES]`: how long the machine takes to answer what is typed behind `@`, in a git
 * repository of so many files (default 100,000). Prints the first answer, which reads the list, and of all later ones the median
 * and the p95; the list is read anew meanwhile, as it is while somebody types.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { searchFiles } from '../../agent/files/search.ts';
import { GitIsolation } from '../../agent/workspace/isolation.ts';

const FILES = Number(process.argv[2] ?? 100_000);
const PER_DIRECTORY = 100;
/** Between two keys, ms. */
const KEY_MS = 150;
const KINDS = ['cart', 'order', 'invoice', 'user', 'report', 'test', 'util', 'page', 'route', 'store'];
/** Each is typed letter by letter: names, paths, letters in order, what is nowhere. */
const WORDS = ['cart-77-view', 'pkgordrmod', 'usr', 'invoice-3/src/module-612', 'zzz', 'rprt99', 'src/module-5/s'];

function makeFiles(root: string): void {
  for (let d = 0; d * PER_DIRECTORY < FILES; d++) {
    const directory = join(root, `packages/${KINDS[d % 10]}-${d >> 5}/src/module-${d}`);
    mkdirSync(directory, { recursive: true });
    for (let f = 0; f < PER_DIRECTORY; f++) writeFileSync(join(directory, `${KINDS[f % 10]}-${f}-view.ts`), '');
  }
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root });
  git('init', '-q');
  git('add', '--all');
  git('-c', 'user.name=B', '-c', 'user.email=b@example.org', 'commit', '-qm', 'files');
}

async function measure(root: string, isolation: GitIsolation): Promise<void> {
  const timed = async (query: string) => {
    const startedAt = performance.now();
    await searchFiles(isolation, root, query);
    return performance.now() - startedAt;
  };
  const first = await timed('');
  const times: number[] = [];
  for (const word of WORDS) {
    for (let length = 1; length <= word.length; length++) {
      times.push(await timed(word.slice(0, length)));
      await sleep(KEY_MS);
    }
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1);
  console.log(
    `${FILES} files, ${times.length} keys: first ${first.toFixed(0)} ms, median ${at(0.5)} ms, p95 ${at(0.95)} ms, ` +
      `worst ${at(1)} ms`,
  );
}

const directory = mkdtempSync(join(tmpdir(), 'mentions-'));
try {
  const root = join(directory, 'repo');
  mkdirSync(root);
  makeFiles(root);
  await measure(root, new GitIsolation(join(directory, 'isolation')));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

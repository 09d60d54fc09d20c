/** Compiles every TypeScript file of the project once, for all the test files that are about to run (loader.mjs). */
import { transform } from 'esbuild';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/** Directories without sources of ours. */
const SKIPPED = new Set(['node_modules', 'dist', 'vectors']);

/** @returns the directory of the JavaScript files, by the paths of their sources; it is removed when the process ends */
export async function compileTests(root: string): Promise<string> {
  const out = mkdtempSync(join(tmpdir(), 'compiled-tests-'));
  process.on('exit', () => rmSync(out, { recursive: true, force: true }));
  const compile = async (path: string) => {
    const { code } = await transform(readFileSync(join(root, path), 'utf8'), {
      loader: 'ts',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      // Relative to the module's URL, which is that of the source.
      sourcefile: basename(path),
      sourcesContent: false,
    });
    const target = join(out, path.replace(/ts$/, 'js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  };
  await Promise.all(sources(root, '').map(compile));
  return out;
}

function sources(root: string, directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) || entry.name.startsWith('.') ? [] : sources(root, path);
    return /(?<!\.d)\.m?ts$/.test(path) ? [path] : [];
  });
}

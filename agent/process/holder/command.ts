/** How a holder is started: with its data directory's mark, so that one that is on no record is found as an orphan. */
import { createRequire } from 'node:module';
import process from 'node:process';
import { installationRoot } from '../../../core/installation.ts';
import { DATA_DIRECTORY_MARK, PROCESS_MARK } from '../environment.ts';
import type { HolderCommand } from './client.ts';
import { holderDirectory } from './records.ts';

export interface HolderStart {
  /** Of programFile(): a TypeScript file, in the package JavaScript. */
  program: string;
  dataDir: string;
  id: string;
  idleMs: number;
  env: Record<string, string>;
}

/** What the holder holds has marks of its own: a program that a user leaves running in a terminal is the user's. */
export function holderCommand({ program, dataDir, id, idleMs, env }: HolderStart): HolderCommand {
  return {
    args: [...runtimeArgs(program), holderDirectory(dataDir), id, String(idleMs)],
    cwd: installationRoot(),
    env: { ...env, [DATA_DIRECTORY_MARK]: dataDir, [PROCESS_MARK]: `holder-${id}` },
  };
}

/** Little is young in a holder, and all that is large lies outside of this heap. */
const SMALL = ['--max-semi-space-size=1', '--max-old-space-size=128'];

/** How this runtime runs it. */
function runtimeArgs(program: string): string[] {
  if ('Deno' in globalThis) return ['run', '--allow-all', '--no-check', '--quiet', program];
  if (program.endsWith('.cjs')) return [...SMALL, program];
  if ((process.features as { typescript?: unknown }).typescript) return ['--no-warnings', program];
  // tsx as a hook of CommonJS: half the memory and a third less time to start than its loader for modules.
  const hook = createRequire(import.meta.url).resolve('tsx/cjs');
  return ['--require', hook, '--eval', 'require(process.argv[1])', program];
}

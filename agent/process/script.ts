/** How to start a program that may be a script: .ts, .mts, .mjs and .js files run in the runtime that this server runs in. */
import { createRequire } from 'node:module';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

export interface CommandSpec {
  command: string;
  /** Arguments that come before the program's own. */
  prefix: string[];
}

const isDeno = 'Deno' in globalThis;

export function commandSpec(bin: string): CommandSpec {
  if (!/\.(ts|mts|mjs|js)$/.test(bin)) return { command: bin, prefix: [] };
  if (isDeno) return { command: process.execPath, prefix: ['run', '-A', '--no-check', bin] };
  if (!/ts$/.test(bin)) return { command: process.execPath, prefix: [bin] };
  const loader = tsxLoader();
  return { command: process.execPath, prefix: loader ? ['--import', loader, bin] : [bin] };
}

/** null in the installed package, which has no tsx: there Node must read TypeScript by itself. */
function tsxLoader(): string | null {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  } catch {
    return null;
  }
}

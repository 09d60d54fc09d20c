/** `.env` files: `NAME=value` lines that fill in what the environment does not set. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Env = Record<string, string | undefined>;

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/;
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/**
 * Parses the text of a `.env` file. `#` begins a comment at the start of a line, and after a space in an unquoted value. Single
 * quotes keep everything, double quotes know \n, \r, \t, \" and \\. Throws with the line's number for anything else.
 */
export function parseEnv(text: string): Env {
  const env: Env = {};
  for (const [index, line] of text.replace(/^\ufeff/, '').split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const match = LINE.exec(line);
    const value = match && valueOf(match[2]!);
    if (value === null) throw new Error(`line ${index + 1} is not NAME=value`);
    env[match![1]!] = value;
  }
  return env;
}

function valueOf(text: string): string | null {
  const single = /^'([^']*)'\s*(?:#.*)?$/.exec(text);
  if (single) return single[1]!;
  const double = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(text);
  if (double) return double[1]!.replace(/\\(.)/g, (_, c: string) => ESCAPES[c] ?? c);
  if (/^['"]/.test(text)) return null;
  return text.replace(/(?:^|\s+)#.*$/, '');
}

/**
 * The environment with the `.env` files of these folders filled in; earlier folders win, the environment wins over all, also
 * where it sets a variable to nothing. A missing file is fine; throws with a sentence for one that cannot be read.
 */
export function withEnvFiles(env: Env, folders: readonly string[]): Env {
  let merged: Env = { ...env };
  for (const folder of new Set(folders)) {
    const file = join(folder, '.env');
    try {
      merged = { ...parseEnv(readFileSync(file, 'utf8')), ...merged };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new Error(`${file} cannot be used: ${(error as Error).message}.`);
    }
  }
  return merged;
}

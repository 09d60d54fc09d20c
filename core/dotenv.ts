/** `.env` files: `NAME=value` lines that supply variables which the environment does not set. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Env = Record<string, string | undefined>;

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/;
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/**
 * Parses the text of a `.env` file. `#` starts a comment at the beginning of a line, and after a space in an unquoted value.
 * Single quotes preserve everything; double quotes support \n, \r, \t, \" and \\. Throws with the line's number otherwise.
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
 * The environment completed from the `.env` files of these directories. Earlier directories win; the environment wins over
 * all, also where it sets a variable to ''. A missing file is fine; throws with a sentence for one that cannot be read.
 */
export function withEnvFiles(env: Env, directories: readonly string[]): Env {
  let merged: Env = { ...env };
  for (const directory of new Set(directories)) merged = withEnvFile(merged, join(directory, '.env'), true);
  return merged;
}

function withEnvFile(env: Env, file: string, mayBeMissing: boolean): Env {
  try {
    return { ...parseEnv(readFileSync(file, 'utf8')), ...env };
  } catch (error) {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === 'ENOENT') return env;
    throw new Error(`${file} cannot be used: ${(error as Error).message}.`);
  }
}

/**
 * The settings of a program: the environment, completed from the file that `--env FILE` names, else from the .env of the
 * program's own directory. Never from the current directory, which may be a stranger's project.
 * @returns also the arguments without `--env FILE`
 * @throws a sentence for a file that cannot be read; one that was named must be there
 */
export function programEnv(env: Env, args: readonly string[], ownDirectory: string): { env: Env; rest: string[] } {
  const at = args.indexOf('--env');
  if (at < 0) return { env: withEnvFiles(env, [ownDirectory]), rest: [...args] };
  const file = args[at + 1];
  if (!file) throw new Error('--env needs the name of a file with settings.');
  return { env: withEnvFile(env, file, false), rest: [...args.slice(0, at), ...args.slice(at + 2)] };
}

/** The settings file, `.env` in the program's directory. */
import { join } from 'node:path';
import { ensureDirectory, readWhole, writeWhole } from '../agent/store/atomic-file.ts';
import { parseEnv } from '../core/dotenv.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { homeDirectory } from './home.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Bytes of a settings file. */
const MAX_SETTINGS_FILE = 64 * 1024;

/** The file's own settings; null when there is no file. */
export function readSettings(env: Env): Record<string, string | undefined> | null {
  const bytes = readWhole(join(homeDirectory(env), '.env'), MAX_SETTINGS_FILE);
  return bytes && parseEnv(bytes.toString('utf8'));
}

/**
 * Writes these settings; '' takes one out, all others and comments stay as they are.
 * @returns the file's path
 */
export async function saveSettings(env: Env, changes: Readonly<Record<string, string>>): Promise<string> {
  const directory = homeDirectory(env);
  ensureDirectory(directory);
  const path = join(directory, '.env');
  const old = readWhole(path, MAX_SETTINGS_FILE)?.toString('utf8') ?? '';
  await writeWhole(path, [withSettings(old, changes)]);
  return path;
}

/** The text of a settings file with these settings changed. */
export function withSettings(text: string, changes: Readonly<Record<string, string>>): string {
  const others = text.split(/\r?\n/).filter((line) => !Object.hasOwn(changes, nameOf(line)));
  while (others.at(-1) === '') others.pop();
  const added = Object.entries(changes).filter(([, value]) => value !== '').map(([name, value]) => line(name, value));
  return [...others, ...added, ''].join('\n');
}

const nameOf = (text: string): string => /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=/.exec(text)?.[1] ?? '';

function line(name: string, value: string): string {
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f]/.test(value)) throw new CommandError(`${name} may have no control characters.`, EXIT.usage);
  return `${name}="${value.replace(/[\\"]/g, '\\$&')}"`;
}

/** Where a newer version comes from. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expandHome } from '../../core/home.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/**
 * What npm is to install: a package file (made absolute), an https address of one, or a name with a version.
 * There is no default: a name that nobody told us to trust could be anybody's package.
 * @throws CommandError with a sentence
 */
export function updateSource(text: string | undefined): string {
  const source = text?.trim() ?? '';
  if (!source) {
    throw new CommandError(
      'What is to be installed? agent-monitor update <package file, its https address, or npm name@version>. It is remembered.',
      EXIT.usage,
    );
  }
  if (/^http:/i.test(source)) {
    throw new CommandError('Use https: what comes over http can be changed on the way.', EXIT.usage);
  }
  if (/^(https:\/\/|git\+https:|git\+ssh:)/i.test(source) || /^(@[a-z0-9._-]+\/)?[a-z0-9._-]+@[^/\\]+$/i.test(source)) {
    return source;
  }
  const path = resolve(expandHome(source));
  if (existsSync(path)) return path;
  throw new CommandError(`There is no file ${path}. A name of npm needs its version: ${source}@latest.`, EXIT.usage);
}

/** Files that a text mentions as `@path` or `@"path with spaces"`, for agents that take them as links of their own. */
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';

/** Most files of one message that are looked for. */
const MAX_MENTIONS = 20;

export interface Mention {
  /** As it was written. */
  name: string;
  /** Absolute. */
  path: string;
}

/** The mentions of files that are there, below `directory`; each once. */
export function mentionsIn(text: string, directory: string): Mention[] {
  const names = [...text.matchAll(/(?<=^|[\s(])@(?:"([^"\n]{1,500})"|([^\s"]{1,500})(?![^\s"]))/g)]
    .map(([, quoted, plain]) => quoted ?? plain!);
  const found = new Map<string, Mention>();
  for (const name of [...new Set(names)].slice(0, MAX_MENTIONS)) {
    // The sentence may go on behind it.
    const mention = mentionOf(name, directory) ?? mentionOf(name.replace(/[.,;:!?)\]]+$/, ''), directory);
    if (mention) found.set(mention.path, mention);
  }
  return [...found.values()];
}

function mentionOf(name: string, directory: string): Mention | null {
  if (!name || isAbsolute(name) || name.includes('\0')) return null;
  const path = join(directory, name);
  if (!isBelow(directory, path)) return null;
  try {
    // A repository of a stranger's may have links to anything.
    if (!isBelow(realpathSync(directory), realpathSync(path))) return null;
    const found = statSync(path);
    return found.isFile() || found.isDirectory() ? { name, path } : null;
  } catch { // not there, or not to be reached
    return null;
  }
}

/** Not the directory itself, and nothing of git's. */
function isBelow(directory: string, path: string): boolean {
  const parts = relative(directory, path).split(sep);
  return parts[0] !== '' && !parts.some((part) => part === '..' || part.toLowerCase() === '.git');
}

/** The instructions file of a folder (CLAUDE.md, AGENTS.md), read and written while an agent may work there. */
import { Buffer } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { HttpError } from '../../core/http/reply.ts';
import type { ProviderName } from '../../core/wire/types.ts';
import type { Instructions } from '../../core/wire/workshop.ts';

/** Largest instructions file, bytes. */
export const INSTRUCTIONS_LIMIT = 256 * 1024;

export const instructionsFile = (provider: ProviderName): string => (provider === 'codex' ? 'AGENTS.md' : 'CLAUDE.md');

const versionOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex').slice(0, 16);

/** The file as it is; `version` is empty when there is none. Throws HttpError 409 when it cannot be edited here. */
export async function readInstructions(folder: string, provider: ProviderName): Promise<Instructions> {
  const file = instructionsFile(provider);
  const path = await targetOf(folder, file);
  // Never waits for a FIFO, never follows a link that appeared after the check.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch((error) => {
    if (error.code === 'ENOENT') return null;
    throw unusable(file, error.code);
  });
  if (!handle) return { file, exists: false, content: '', version: '' };
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unusable(file, 'it is no regular file');
    if (stat.size > INSTRUCTIONS_LIMIT) throw unusable(file, `it is larger than ${INSTRUCTIONS_LIMIT / 1024} KiB`);
    const bytes = await handle.readFile();
    return { file, exists: true, content: bytes.toString('utf8'), version: versionOf(bytes) };
  } finally {
    await handle.close();
  }
}

const unusable = (file: string, why: string) =>
  new HttpError(409, 'instructions_unusable', `${file} cannot be edited here: ${why}.`);

/** Where a link leads (CLAUDE.md is often a link to AGENTS.md); never outside the folder. */
async function targetOf(folder: string, file: string): Promise<string> {
  const path = join(folder, file);
  const [inside, target] = [await realpath(folder), await realpath(path).catch(() => null)];
  if (target === null) {
    const isDangling = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      .then((handle) => handle.close().then(() => false), (error) => error.code === 'ELOOP');
    if (isDangling) throw unusable(file, 'it is a link to nothing');
    return path;
  }
  if (relative(inside, target).startsWith('..')) {
    throw unusable(file, `it is a link to ${target}, outside the agent's folder`);
  }
  return target;
}

/**
 * Replaces the file in one step. `version`, when given: that of the content that was edited ('' for none); if the file is
 * another one by now, HttpError 409 `changed` and nothing is written.
 */
export async function writeInstructions(
  folder: string,
  provider: ProviderName,
  content: string,
  version?: string,
): Promise<Instructions> {
  const bytes = Buffer.from(content, 'utf8');
  if (bytes.length > INSTRUCTIONS_LIMIT) {
    throw new HttpError(413, 'too_large', `Instructions may have at most ${INSTRUCTIONS_LIMIT / 1024} KiB.`);
  }
  const before = await readInstructions(folder, provider);
  if (version !== undefined && version !== before.version) {
    throw new HttpError(409, 'changed', `${before.file} was changed meanwhile. Load it again before you save.`);
  }
  await replaceFile(await targetOf(folder, before.file), bytes);
  return { file: before.file, exists: true, content, version: versionOf(bytes) };
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const mode = await modeOf(path);
    if (mode !== null) await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw unusable(basename(path), (error as Error).message);
  }
}

async function modeOf(path: string): Promise<number | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (!handle) return null;
  try {
    return (await handle.stat()).mode & 0o777;
  } finally {
    await handle.close();
  }
}

/** The instructions file of a directory, read and written while an agent may work there. */
import { providerData } from '../../core/api/providers.ts';
import { Buffer } from 'node:buffer';
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { ProviderName } from '../../core/api/agents.ts';
import type { Instructions } from '../../core/api/workspace.ts';

/** Largest instructions file, bytes. */
export const MAX_INSTRUCTIONS = 256 * 1024;

export const instructionsFile = (provider: ProviderName): string => providerData(provider).instructionsFile;

const versionOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex').slice(0, 16);

/** The file as it is; `version` is empty when there is none. Throws Failure when it cannot be edited here. */
export async function readInstructions(directory: string, provider: ProviderName): Promise<Instructions> {
  const file = instructionsFile(provider);
  const path = await targetOf(directory, file);
  // Never waits for a FIFO, never follows a link that appeared after the check.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW).catch((error) => {
    if (error.code === 'ENOENT') return null;
    throw unusable(file, error.code);
  });
  if (!handle) return { file, exists: false, content: '', version: '' };
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unusable(file, 'it is no regular file');
    if (stat.size > MAX_INSTRUCTIONS) throw unusable(file, `it is larger than ${MAX_INSTRUCTIONS / 1024} KiB`);
    const bytes = await handle.readFile();
    return { file, exists: true, content: textOf(file, bytes), version: versionOf(bytes) };
  } finally {
    await handle.close();
  }
}

/** What the lossy way would put in its place is written back with the first change. */
function textOf(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unusable(file, 'it is not UTF-8 text. Convert it, for example with iconv -f latin1 -t utf-8');
  }
}

/** Editors of pages give line ends as LF: those of the file stay, when all of them are CRLF. */
function withLineEnds(content: string, before: string): string {
  const isCrlf = before.includes('\r\n') && !/(^|[^\r])\n/.test(before);
  return isCrlf ? content.replace(/\r?\n/g, '\r\n') : content;
}

const unusable = (file: string, why: string) =>
  new Failure('instructions_unusable', `${file} cannot be edited here: ${why}.`);

/** Where a link leads (one is often a link to another's); never outside the directory. */
async function targetOf(directory: string, file: string): Promise<string> {
  const path = join(directory, file);
  const [inside, target] = [await realpath(directory), await realpath(path).catch(() => null)];
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
 * Replaces the file in one step. `version`, if present: that of the content that was edited ('' for none); if the file is
 * another one by now, Failure `changed` and nothing is written.
 */
export async function writeInstructions(
  directory: string,
  provider: ProviderName,
  content: string,
  version?: string,
): Promise<Instructions> {
  refuseTooLarge(content);
  const before = await readInstructions(directory, provider);
  if (version !== undefined && version !== before.version) {
    throw new Failure('changed', `${before.file} was changed meanwhile. Load it again before you save.`);
  }
  const text = withLineEnds(content, before.content);
  const bytes = refuseTooLarge(text);
  await replaceFile(await targetOf(directory, before.file), bytes);
  return { file: before.file, exists: true, content: text, version: versionOf(bytes) };
}

/**
 * Puts instructions of a template where the provider reads them. A link there is replaced by a file: what it leads to, often
 * the project's AGENTS.md, is not overwritten.
 */
export async function placeInstructions(directory: string, provider: ProviderName, content: string): Promise<void> {
  const path = join(directory, instructionsFile(provider));
  const isLink = await lstat(path).then((found) => found.isSymbolicLink(), () => false);
  if (isLink) await replaceFile(path, refuseTooLarge(content));
  else await writeInstructions(directory, provider, content);
}

function refuseTooLarge(content: string): Buffer {
  const bytes = Buffer.from(content, 'utf8');
  if (bytes.length > MAX_INSTRUCTIONS) {
    throw new Failure('too_large', `Instructions may have at most ${MAX_INSTRUCTIONS / 1024} KiB.`);
  }
  return bytes;
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

/** A folder as a zip file that is made while it is sent. Links are not followed; what is left out is listed in the file. */
import { Buffer } from 'node:buffer';
import { lstat, readdir } from 'node:fs/promises';
import { createDeflateRaw } from 'node:zlib';
import { Failure } from '../../core/api/errors.ts';
import { pathText } from '../workspace/git-output.ts';
import { isReachable } from './beneath.ts';
import { GIT_DIRECTORY, openInside } from './inside.ts';
import { crc32, descriptor, directoryEnd, directoryHeader, entryName, localHeader, type WrittenEntry } from './zip.ts';

/** Files and folders of one archive. */
export const MAX_ARCHIVE_ENTRIES = 100_000;
/** Names that the list of what is left out has. */
const MAX_LEFT_OUT = 1000;
/** Its name in the archive. */
export const LEFT_OUT = 'LEFT-OUT.txt';
/** Fast: the way to the browser is slower than the disk, but text still shrinks to a third. */
const LEVEL = 1;

export interface Archive {
  /** Of the folder; '' is the agent's own. */
  path: string;
  /** The bytes, to be read once. */
  bytes(): AsyncGenerator<Buffer>;
}

interface Member {
  /** Below the agent's folder. */
  path: string;
  isDirectory: boolean;
}

/** Looks through the folder first, so that what is too large is refused before anything is sent. */
export async function openArchive(root: string, path: string): Promise<Archive> {
  const top = await openInside(root, path);
  try {
    if (!(await top.handle.stat()).isDirectory()) throw new Failure('not_a_folder', 'This is not a folder.');
  } finally {
    await top.handle.close();
  }
  const leftOut = new LeftOut();
  const members = await membersOf(root, top.path, leftOut);
  return { path: top.path, bytes: () => new ZipWriter(root, top.path, leftOut).write(members) };
}

/** What is not in the archive, for a note in it: nobody is to take it for the whole folder. */
class LeftOut {
  readonly names: string[] = [];
  #more = 0;
  add(name: string, why: string): void {
    if (this.names.length < MAX_LEFT_OUT) this.names.push(`${JSON.stringify(name)}: ${why}`);
    else this.#more++;
  }
  get text(): string {
    return [...this.names, ...(this.#more ? [`and ${this.#more} more`] : [])].map((line) => `${line}\n`).join('');
  }
}

async function membersOf(root: string, top: string, leftOut: LeftOut): Promise<Member[]> {
  const members: Member[] = [];
  const todo = [top];
  for (let directory = todo.pop(); directory !== undefined; directory = todo.pop()) {
    for (const member of await childrenOf(root, directory, leftOut)) {
      members.push(member);
      if (member.isDirectory) todo.push(member.path);
      if (members.length > MAX_ARCHIVE_ENTRIES) {
        const text = `A folder that is downloaded has at most ${MAX_ARCHIVE_ENTRIES} files. Choose a smaller one.`;
        throw new Failure('too_large', text);
      }
    }
  }
  return members;
}

async function childrenOf(root: string, path: string, leftOut: LeftOut): Promise<Member[]> {
  const opened = await openInside(root, path).catch(() => null);
  if (!opened) {
    leftOut.add(path, 'cannot be opened');
    return [];
  }
  const members: Member[] = [];
  try {
    const here = Buffer.from(`${opened.at}/`);
    const names = await readdir(here, { encoding: 'buffer' });
    const taken = new Set(names.map(pathText).flatMap(({ path, exact }) => exact ? [path] : []));
    for (const name of names) {
      if (name.toString('latin1').toLowerCase() === GIT_DIRECTORY) continue;
      const { path: shown, exact } = pathText(name);
      const full = path ? `${path}/${shown}` : shown;
      const status = await lstat(Buffer.concat([here, name])).catch(() => null);
      if (!status) continue;
      if (!exact && !isReachable(name, shown, taken.has(shown))) leftOut.add(full, 'its name is not UTF-8');
      else if (status.isDirectory() || status.isFile()) members.push({ path: full, isDirectory: status.isDirectory() });
      else leftOut.add(full, status.isSymbolicLink() ? 'a link' : 'not a file');
    }
  } catch {
    leftOut.add(path, 'cannot be read');
  } finally {
    await opened.handle.close();
  }
  return members;
}

class ZipWriter {
  readonly #root: string;
  readonly #top: string;
  readonly #leftOut: LeftOut;
  readonly #written: WrittenEntry[] = [];
  #at = 0;

  constructor(root: string, top: string, leftOut: LeftOut) {
    this.#root = root;
    this.#top = top;
    this.#leftOut = leftOut;
  }

  async *write(members: Member[]): AsyncGenerator<Buffer> {
    for (const member of members) yield* this.#member(member);
    const note = this.#leftOut.text;
    if (note) yield* this.#entry(LEFT_OUT, Date.now(), 0o100644, [Buffer.from(note)]);
    const directoryAt = this.#at;
    for (const entry of this.#written) yield this.#count(directoryHeader(entry));
    yield directoryEnd(this.#written.length, this.#at - directoryAt, directoryAt);
  }

  #count(bytes: Buffer): Buffer {
    this.#at += bytes.length;
    return bytes;
  }

  async *#member({ path, isDirectory }: Member): AsyncGenerator<Buffer> {
    // Opened anew beneath the root: what was looked at before may be another thing by now.
    const opened = await openInside(this.#root, path).catch(() => null);
    if (!opened) return this.#leftOut.add(path, 'cannot be opened');
    try {
      const status = await opened.handle.stat();
      const isSame = opened.path === path && status.isDirectory() === isDirectory &&
        (status.isFile() || status.isDirectory());
      if (!isSame) return this.#leftOut.add(path, 'changed meanwhile');
      const name = entryName(this.#top ? path.slice(this.#top.length + 1) : path);
      const content = isDirectory ? [] : opened.handle.createReadStream({ autoClose: false });
      yield* this.#entry(isDirectory ? `${name}/` : name, status.mtimeMs, status.mode, content);
    } finally {
      await opened.handle.close();
    }
  }

  async *#entry(
    name: string,
    modifiedAt: number,
    mode: number,
    content: AsyncIterable<Buffer> | Iterable<Buffer>,
  ): AsyncGenerator<Buffer> {
    const entry: WrittenEntry = { name, modifiedAt, mode, at: this.#at, crc: 0, packed: 0, size: 0 };
    yield this.#count(localHeader(entry));
    for await (const packed of deflated(content, entry)) {
      entry.packed += packed.length;
      yield this.#count(packed);
    }
    yield this.#count(descriptor(entry));
    this.#written.push(entry);
  }
}

/** Counts and sums what goes in. One chunk at a time is in memory. */
async function* deflated(
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  entry: WrittenEntry,
): AsyncGenerator<Buffer> {
  const deflate = createDeflateRaw({ level: LEVEL });
  const feeding = feed(content, entry, deflate).catch((error) => void deflate.destroy(error));
  try {
    for await (const packed of deflate) yield packed as Buffer;
    await feeding;
  } finally {
    deflate.destroy();
  }
}

async function feed(
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  entry: WrittenEntry,
  deflate: ReturnType<typeof createDeflateRaw>,
): Promise<void> {
  for await (const chunk of content) {
    entry.crc = crc32(entry.crc, chunk);
    entry.size += chunk.length;
    if (deflate.destroyed) return;
    if (!deflate.write(chunk)) await untilDrained(deflate);
  }
  deflate.end();
}

/** Or closed: who waits for a drain of what is closed waits for ever. */
const untilDrained = (deflate: ReturnType<typeof createDeflateRaw>): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      deflate.off('drain', done).off('close', done);
      resolve();
    };
    deflate.on('drain', done).on('close', done);
  });

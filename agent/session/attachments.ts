/**
 * The files that were sent to an agent, by the hash of their bytes and under their names, as its CLI reads them:
 * DATA_DIR/agents/<id>/attachments/<sha256>/<name>, beside the journal, whose messages name them, and deleted with it. A file
 * that no message names yet has a mark beside it, and goes after a day.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { constants, createReadStream, existsSync } from 'node:fs';
import {
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { Attachment, AttachmentName } from '../../core/api/messages.ts';
import type { OutgoingFile } from '../provider/provider.ts';
import { ensureDirectory } from '../store/atomic-file.ts';

/** Bytes of the files of one agent: when there are more, those that were sent longest ago go, never one that waits for its message. */
export const MAX_ATTACHMENTS = 2 * 1024 * 1024 * 1024;
/** How long a file waits for its message, ms. */
const UNSENT_MS = 24 * 3600_000;
/** Longest name on disk, bytes. */
const MAX_NAME_BYTES = 200;

const HASH = /^[0-9a-f]{64}$/;
const UNSENT = '.unsent';

interface Entry {
  hash: string;
  /** Bytes under all of its names. */
  size: number;
  at: number;
  /** No message names it yet. */
  isUnsent: boolean;
}

export class AttachmentStore {
  readonly #directory: string;
  readonly #limit: number;
  readonly #now: () => number;
  /** One after another: taking, using and making room know of each other. */
  #work: Promise<unknown> = Promise.resolve();

  /** Nothing is made before the first file. @param limit bytes of all */
  constructor(directory: string, limit = MAX_ATTACHMENTS, now = Date.now) {
    this.#directory = directory;
    this.#limit = limit;
    this.#now = now;
  }

  /** What a CLI has to be allowed to read; null: nothing is attached. */
  get directory(): string | null {
    return existsSync(this.#directory) ? this.#directory : null;
  }

  /** Moves a complete file here. @param name as its sender calls it */
  async take(file: string, name: string): Promise<Attachment> {
    const { hash, size } = await hashOf(file);
    return await this.#inOrder(() => this.#take(file, { hash, size, name: safeName(name) }));
  }

  /** Throws Failure `too_large` when the files that wait for a message are too many with so many bytes more. */
  checkRoom(size: number): Promise<void> {
    return this.#inOrder(() => this.#refuseTooMuch(size));
  }

  async #refuseTooMuch(size: number): Promise<void> {
    const entries = existsSync(this.#directory) ? await this.#entries() : [];
    const waiting = entries.filter(({ isUnsent }) => isUnsent).reduce((sum, entry) => sum + entry.size, 0);
    if (waiting + size <= this.#limit) return;
    const limit = `${this.#limit / 2 ** 20} MiB`;
    throw new Failure('too_large', `Files that wait for their message can have ${limit} together. Send some first.`);
  }

  async #take(file: string, attachment: Attachment): Promise<Attachment> {
    ensureDirectory(this.#directory);
    await this.#removeUnsent();
    await this.#refuseTooMuch(attachment.size);
    await this.#makeRoom(attachment.size);
    const directory = this.#path(attachment.hash);
    const found = await lstat(directory).catch(() => null);
    if (found && !found.isDirectory()) await rm(directory); // the agent may write here, a link too
    if (!found?.isDirectory()) {
      await writeFile(directory + UNSENT, '', { mode: 0o600 });
      await mkdir(directory, { mode: 0o700 });
    }
    await chmod(file, 0o400);
    await rename(file, join(directory, attachment.name));
    await this.#touch(attachment.hash);
    return attachment;
  }

  /** A message names this file: it stays. Throws Failure `not_found`. */
  use({ hash, name }: AttachmentName): Promise<Attachment> {
    return this.#inOrder(async () => {
      const { handle, size } = await this.open(hash, name);
      await handle.close();
      await rm(this.#path(hash) + UNSENT, { force: true });
      await this.#touch(hash);
      return { hash, name, size };
    });
  }

  /** As a CLI gets it. */
  outgoing({ hash, name, size }: Attachment): OutgoingFile {
    return { name, size, path: join(this.#path(hash), name) };
  }

  /** Whoever calls it closes the handle. Throws Failure `not_found`. */
  async open(hash: string, name: string): Promise<{ handle: FileHandle; size: number }> {
    const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = constants;
    const isName = HASH.test(hash) && name !== '' && name === safeName(name);
    const handle = isName
      ? await open(join(this.#path(hash), name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null)
      : null;
    const found = await handle?.stat();
    if (handle && found?.isFile()) return { handle, size: found.size };
    await handle?.close();
    throw new Failure('not_found', 'This file is not kept. Attach it again.');
  }

  #inOrder<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#work.then(action);
    this.#work = turn.catch(() => {});
    return turn;
  }

  readonly #path = (hash: string): string => join(this.#directory, hash);

  /** It is among the newest. */
  async #touch(hash: string): Promise<void> {
    const at = new Date(this.#now());
    await utimes(this.#path(hash), at, at);
  }

  async #removeUnsent(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith(UNSENT)) continue;
      const hash = name.slice(0, -UNSENT.length);
      const { mtimeMs } = await stat(this.#path(hash)).catch(() => ({ mtimeMs: 0 }));
      if (this.#now() - mtimeMs >= UNSENT_MS) await this.#remove(hash);
    }
  }

  async #remove(hash: string): Promise<void> {
    await rm(this.#path(hash), { recursive: true, force: true });
    await rm(this.#path(hash) + UNSENT, { force: true });
  }

  async #makeRoom(wanted: number): Promise<void> {
    const entries = await this.#entries();
    let room = this.#limit - wanted - entries.reduce((sum, { size }) => sum + size, 0);
    for (const { hash, size, isUnsent } of entries.sort((a, b) => a.at - b.at)) {
      if (room >= 0) return;
      if (isUnsent) continue;
      await this.#remove(hash);
      room += size;
    }
  }

  async #entries(): Promise<Entry[]> {
    const found = await readdir(this.#directory, { withFileTypes: true });
    const hashes = found.filter((entry) => HASH.test(entry.name) && entry.isDirectory()).map(({ name }) => name);
    const marks = new Set(found.map(({ name }) => name));
    return await Promise.all(hashes.map(async (hash) => {
      const names = await readdir(this.#path(hash));
      const sizes = await Promise.all(names.map(async (name) => (await lstat(join(this.#path(hash), name))).size));
      const { mtimeMs: at } = await stat(this.#path(hash));
      return { hash, size: sizes.reduce((sum, size) => sum + size, 0), at, isUnsent: marks.has(hash + UNSENT) };
    }));
  }
}

/** A name that leads nowhere else, and can be shown and typed. */
function safeName(name: string): string {
  // deno-lint-ignore no-control-regex
  const plain = name.normalize('NFC').replace(/[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]/g, '_').trim();
  const [, stem, extension] = /^(.*?)(\.[^.]{1,16})?$/s.exec(plain)!;
  const short = [...stem!]; // characters
  const joined = () => (short.join('') + (extension ?? '')).trim(); // a cut name is the same when it is cut again
  while (Buffer.byteLength(joined()) > MAX_NAME_BYTES) short.pop();
  return joined().replace(/^\.+$/, '') || 'file';
}

async function hashOf(file: string): Promise<{ hash: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file)) {
    hash.update(chunk as Uint8Array);
    size += (chunk as Uint8Array).length;
  }
  return { hash: hash.digest('hex'), size };
}

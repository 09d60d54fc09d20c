/**
 * The pictures of an agent's conversation, by the hash of their bytes: DATA_DIR/agents/<id>/pictures/<sha256>, beside the
 * journal, whose messages name them, and deleted with it.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat, unlink, utimes } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { imageType, type Picture } from '../../core/api/messages.ts';
import type { ToolPicture } from '../provider/provider.ts';
import { ensureDirectory, writeWhole } from '../store/atomic-file.ts';

/** Bytes of one picture; a larger one is not kept. */
export const MAX_PICTURE = 8 * 1024 * 1024;
/** Bytes of the pictures of one agent: when there are more, those that were shown longest ago go. */
export const MAX_PICTURES = 128 * 1024 * 1024;
/** Pictures of one result of a tool. */
export const MAX_RESULT_PICTURES = 16;

const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = constants;
const HASH = /^[0-9a-f]{64}$/;
/** Bytes by which a picture is known. */
const HEAD = 12;

export interface OpenPicture {
  mediaType: string;
  size: number;
  handle: FileHandle;
}

export class PictureStore {
  readonly #directory: string;
  readonly #limit: number;
  /** One after another: writing and making room know of each other. */
  #work: Promise<void> = Promise.resolve();
  /** Files that are being read. */
  readonly #reading = new Set<Promise<unknown>>();
  #isSwept = false;

  /** Nothing is made or read before the first picture. @param limit bytes of all */
  constructor(directory: string, limit = MAX_PICTURES) {
    this.#directory = directory;
    this.#limit = limit;
  }

  /** What a message says of a picture; its bytes are being written then. @param data base64. @returns null: it is none */
  retain(data: string): Picture | null {
    if (data.length > MAX_PICTURE * 4 / 3 + 4 || !imageType(data)) return null;
    return this.#retain(Buffer.from(data, 'base64'));
  }

  #retain(bytes: Buffer): Picture | null {
    const mediaType = typeOf(bytes);
    if (!mediaType || bytes.length > MAX_PICTURE) return null;
    const hash = createHash('sha256').update(bytes).digest('hex');
    this.#work = this.#work.then(() => this.#write(hash, bytes)).catch(() => {}); // a full disk: the message stays without it
    return { mediaType, size: bytes.length, hash };
  }

  /** The pictures that a tool returned, once they are on disk. Those of files are read from there. */
  retainAll(pictures: readonly ToolPicture[]): Promise<Picture[]> {
    const retained = pictures.slice(0, MAX_RESULT_PICTURES).map((picture) =>
      'data' in picture ? this.retain(picture.data) : this.#retainFile(picture.path)
    );
    const all = Promise.all(retained).then(async (list) => {
      // Whoever hears of a picture asks for it at once.
      await this.#work;
      return list.filter((picture) => picture !== null);
    });
    this.#reading.add(all);
    void all.then(() => this.#reading.delete(all));
    return all;
  }

  async #retainFile(path: string): Promise<Picture | null> {
    const opened = isAbsolute(path) ? await openPicture(path).catch(() => null) : null;
    if (!opened) return null;
    try {
      return this.#retain(await opened.handle.readFile());
    } catch {
      return null;
    } finally {
      await opened.handle.close();
    }
  }

  /** Resolves when everything that was kept so far is on disk, or could not be written. */
  async settled(): Promise<void> {
    await Promise.all(this.#reading);
    await this.#work;
  }

  /** Throws Failure `not_found`. Whoever calls it closes the handle. */
  async open(hash: string): Promise<OpenPicture> {
    const opened = HASH.test(hash)
      ? await openPicture(join(this.#directory, hash), O_NOFOLLOW).catch(() => null)
      : null;
    if (!opened) throw new Failure('not_found', 'This picture is not kept.');
    return opened;
  }

  async #write(hash: string, bytes: Buffer): Promise<void> {
    const path = join(this.#directory, hash);
    const now = new Date();
    // Shown again: it is among the newest.
    if (await utimes(path, now, now).then(() => true, () => false)) return;
    ensureDirectory(this.#directory);
    await this.#sweep();
    await this.#makeRoom(bytes.length);
    await writeWhole(path, [bytes]);
  }

  /** What a server that was killed in the middle of a write has left. */
  async #sweep(): Promise<void> {
    if (this.#isSwept) return;
    this.#isSwept = true;
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.tmp'));
    await Promise.all(names.map((name) => unlink(join(this.#directory, name)).catch(() => {})));
  }

  async #makeRoom(wanted: number): Promise<void> {
    const names = (await readdir(this.#directory)).filter((name) => HASH.test(name));
    const files = await Promise.all(names.map(async (name) => {
      const path = join(this.#directory, name);
      const { size, mtimeMs } = await stat(path);
      return { path, size, mtimeMs };
    }));
    let room = this.#limit - wanted - files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (room >= 0) return;
      await unlink(path);
      room += size;
    }
  }
}

const typeOf = (bytes: Buffer): string | undefined => imageType(bytes.subarray(0, HEAD).toString('base64'));

/** A regular file that begins as a picture does; null for every other. */
async function openPicture(path: string, flags = 0): Promise<OpenPicture | null> {
  // Not blocking: a FIFO would wait for a writer.
  const handle = await open(path, O_RDONLY | O_NONBLOCK | flags);
  try {
    const { size } = await handle.stat().then((stat) => stat.isFile() ? stat : { size: Infinity });
    if (size <= MAX_PICTURE) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      const mediaType = typeOf(buffer.subarray(0, bytesRead));
      if (mediaType) return { mediaType, size, handle };
    }
    await handle.close();
    return null;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Files that come in parts and survive every cut. The parts wait in the data directory under the upload's id, so that the
 * length of that file is all there is to know after a crash, and the agent's folder sees the file as a whole or not at all.
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, stat, statfs, unlink, utimes } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { BeginUpload, FileWritten, UploadState } from '../../core/api/files.ts';
import type { Attachment } from '../../core/api/messages.ts';
import { entryPath } from './beneath.ts';
import { currentEtag, splitPath } from './content.ts';
import { openInside } from './inside.ts';

/** Uploads that are not complete, on disk. */
export const MAX_UPLOADS = 32;
/** After this time without a new part an upload is given up, ms. */
export const MAX_IDLE_MS = 24 * 3600_000;
/** Complete uploads whose answer is known, for a client that did not see it. */
const MAX_ANSWERS = 256;
/** Left free on the disk, bytes: the journals are on it. */
const SPARE = 256 * 1024 * 1024;
/** Permissions of a file that is new. */
const NEW_MODE = 0o644;

type Finished = FileWritten | Attachment;

interface Upload extends BeginUpload {
  /** The request that is adding to it. */
  writer: { cut: () => void; done: Promise<unknown> } | null;
  finishing: Promise<Finished> | null;
}

export class Uploads {
  readonly #directory: string;
  readonly #now: () => number;
  readonly #open = new Map<string, Upload>();
  readonly #answers = new Map<string, Finished>();

  /** @param directory of their own, below the data directory; made when it is needed */
  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** @param owner the agent's id; @param root its folder. Says how much has arrived of an upload that is known. */
  async begin(owner: string, root: string, body: BeginUpload): Promise<UploadState> {
    const key = keyOf(owner, body.uploadId);
    if (body.path) await checkTarget(root, body.path, body.overwrite ?? false);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await this.#removeOld();
    const offset = await this.#length(key);
    if (offset === null) await this.#make(key, body.size);
    if ((offset ?? 0) > body.size) throw new Failure('wrong_offset', 'More has arrived than this upload is to have.');
    const { writer = null, finishing = null } = this.#open.get(key) ?? {};
    this.#open.set(key, { ...body, writer, finishing });
    return { uploadId: body.uploadId, offset: offset ?? 0, size: body.size };
  }

  /** Bytes that the owner's uploads for messages will have; without one of them. */
  attachedBytes(owner: string, except: string): number {
    let sum = 0;
    for (const [key, { path, size, uploadId }] of this.#open) {
      if (key.startsWith(`${owner}.`) && !path && uploadId !== except) sum += size;
    }
    return sum;
  }

  /**
   * Adds what comes, until it ends or breaks; all that arrived stays. Only at the end of what is there.
   * @param cut makes `bytes` break off: another request goes on with the upload
   */
  async append(
    owner: string,
    uploadId: string,
    offset: number,
    bytes: AsyncIterable<Uint8Array>,
    cut: () => void,
  ): Promise<UploadState> {
    const key = keyOf(owner, uploadId);
    const upload = this.#find(key);
    // A request that was cut may not know it yet: the newest one goes on.
    while (upload.writer) {
      upload.writer.cut();
      await upload.writer.done;
    }
    const done = this.#write(key, upload.size, offset, bytes);
    const writer = { cut, done: done.catch(() => {}) };
    upload.writer = writer;
    try {
      return { uploadId, offset: await done, size: upload.size };
    } finally {
      if (upload.writer === writer) upload.writer = null;
    }
  }

  async #write(key: string, size: number, offset: number, bytes: AsyncIterable<Uint8Array>): Promise<number> {
    const file = await open(this.#path(key), constants.O_WRONLY | constants.O_NOFOLLOW);
    let at = offset;
    try {
      if ((await file.stat()).size !== offset) {
        throw new Failure('wrong_offset', 'This part does not begin where the upload ends.');
      }
      for await (const chunk of bytes) {
        if (at + chunk.length > size) throw new Failure('too_large', 'More bytes came than the upload was to have.');
        for (let from = 0; from < chunk.length;) {
          from += (await file.write(chunk, from, chunk.length - from, at + from)).bytesWritten;
        }
        at += chunk.length;
      }
      return at;
    } finally {
      await file.close();
    }
  }

  /** Puts the complete file into its place at once. The same answer when it is asked for again. */
  finish(owner: string, root: string, uploadId: string, overwrite: boolean): Promise<FileWritten> {
    return this.#finish(keyOf(owner, uploadId), (key, upload) => {
      if (!upload.path) throw new Failure('bad_request', 'This upload is a file for a message: finish it as one.');
      return this.#place(key, root, upload, overwrite);
    });
  }

  /** Gives a complete file that is for a message to `take`, which moves it away. The same answer when it is asked for again. */
  finishAttachment(
    owner: string,
    uploadId: string,
    take: (file: string, name: string) => Promise<Attachment>,
  ): Promise<Attachment> {
    return this.#finish(keyOf(owner, uploadId), (key, { name }) => {
      if (!name) throw new Failure('bad_request', 'This upload is no file for a message.');
      return take(this.#path(key), name);
    });
  }

  async #finish<T extends Finished>(key: string, action: (key: string, upload: Upload) => Promise<T>): Promise<T> {
    const known = this.#answers.get(key);
    if (known) return known as T;
    const upload = this.#find(key);
    upload.finishing ??= this.#complete(key, upload, action).finally(() => upload.finishing = null);
    return await upload.finishing as T;
  }

  async #complete(
    key: string,
    upload: Upload,
    action: (key: string, upload: Upload) => Promise<Finished>,
  ): Promise<Finished> {
    if (upload.writer || (await this.#length(key)) !== upload.size) {
      throw new Failure('wrong_offset', 'The upload is not complete.');
    }
    const result = await action(key, upload);
    this.#open.delete(key);
    this.#answers.set(key, result);
    if (this.#answers.size > MAX_ANSWERS) this.#answers.delete(this.#answers.keys().next().value!);
    return result;
  }

  async #place(key: string, root: string, { path, size }: Upload, overwrite: boolean): Promise<FileWritten> {
    const mode = await checkTarget(root, path, overwrite);
    const real = await place(this.#path(key), root, path, mode, overwrite);
    return { ok: true, path: real, size, etag: (await currentEtag(root, real)) ?? '""' };
  }

  async cancel(owner: string, uploadId: string): Promise<void> {
    const key = keyOf(owner, uploadId);
    const upload = this.#open.get(key);
    this.#open.delete(key);
    upload?.writer?.cut();
    await upload?.writer?.done;
    await unlink(this.#path(key)).catch(() => {});
  }

  #find(key: string): Upload {
    const upload = this.#open.get(key);
    if (!upload) throw new Failure('no_upload', 'This upload is not known here. Begin it again with its id.');
    return upload;
  }

  readonly #path = (key: string): string => join(this.#directory, `${key}.part`);

  /** null: it was not begun. */
  #length(key: string): Promise<number | null> {
    return stat(this.#path(key)).then(({ size }) => size, () => null);
  }

  async #make(key: string, size: number): Promise<void> {
    if ((await readdir(this.#directory)).length >= MAX_UPLOADS) {
      throw new Failure('too_many', `At most ${MAX_UPLOADS} uploads can be under way. Finish or cancel one first.`, {
        params: { limit: MAX_UPLOADS },
      });
    }
    const { bavail, bsize } = await statfs(this.#directory);
    if (size + SPARE > bavail * bsize) {
      throw new Failure(
        'not_saved',
        'The disk of the machine has no room for this. Make room there, then send it again.',
      );
    }
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await (await open(this.#path(key), flags, 0o600)).close();
    const at = new Date(this.#now());
    await utimes(this.#path(key), at, at);
  }

  async #removeOld(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: this.#now() }));
      if (this.#now() - mtimeMs < MAX_IDLE_MS) continue;
      this.#open.delete(name.replace(/\.part$/, ''));
      await unlink(path).catch(() => {});
    }
  }
}

/** Both are UUIDs, or names that the server made: nothing in them leads elsewhere. */
function keyOf(owner: string, uploadId: string): string {
  if (!/^[\w-]{1,64}$/.test(owner) || !/^[\w-]{1,64}$/.test(uploadId)) {
    throw new Failure('no_upload', 'There is no such upload.');
  }
  return `${owner}.${uploadId}`;
}

/** @returns the permissions of the file that is to be replaced, or of a new one */
async function checkTarget(root: string, path: string, overwrite: boolean): Promise<number> {
  splitPath(path);
  const there = await openInside(root, path).catch((error) => {
    if (error instanceof Failure && error.code === 'not_found') return null;
    throw error;
  });
  if (!there) {
    const [parent] = splitPath(path);
    const directory = await openInside(root, parent, { flags: constants.O_RDONLY | constants.O_DIRECTORY });
    await directory.handle.close();
    return NEW_MODE;
  }
  try {
    const status = await there.handle.stat();
    if (!status.isFile()) throw new Failure('not_a_file', 'There is a folder or a device of this name.');
    if (!overwrite) throw exists();
    return status.mode & 0o777;
  } finally {
    await there.handle.close();
  }
}

const exists = () => new Failure('file_exists', 'There is a file of this name already.');

/** Durable, and at once: by its name when both are on one file system, else by a copy beside the target. */
async function place(part: string, root: string, path: string, mode: number, overwrite: boolean): Promise<string> {
  const [parent, name] = splitPath(path);
  const directory = await openInside(root, parent, { flags: constants.O_RDONLY | constants.O_DIRECTORY });
  try {
    await settle(part, mode);
    const target = await entryPath(directory, name);
    try {
      await take(part, target, overwrite);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EXDEV') throw error;
      const beside = `${directory.at}/.${randomBytes(9).toString('base64url')}.saving`;
      try {
        await copyFile(part, beside, constants.COPYFILE_EXCL);
        await settle(beside, mode);
        await take(beside, target, overwrite);
      } finally {
        await unlink(beside).catch(() => {});
      }
    }
    await unlink(part).catch(() => {});
    await directory.handle.sync().catch(() => {});
    return directory.path ? `${directory.path}/${name}` : name;
  } finally {
    await directory.handle.close();
  }
}

/** A link fails where something is, which a rename would replace. */
async function take(from: string, target: string | Buffer, overwrite: boolean): Promise<void> {
  if (overwrite) return await rename(from, target);
  await link(from, target).catch((error) => {
    throw error.code === 'EEXIST' ? exists() : error;
  });
}

async function settle(path: string, mode: number): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

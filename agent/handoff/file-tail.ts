/** The lines that are added to a file, from near its end on. Regular files of this user only, never through a link. */
import { Buffer } from 'node:buffer';
import { lstat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import process from 'node:process';
import { openRegular } from '../provider/history-files.ts';
import { jsonLines, type LineSplitter } from '../process/jsonl.ts';
import type { JsonObject } from '../provider/untyped-json.ts';

/** Bytes at the end of the file that are read at first, and at a time. */
export const MAX_START = 8 * 1024 * 1024;
const CHUNK = 256 * 1024;
/** Bytes read at one look: the next one goes on. A file that grows faster than it is read is begun again near its end. */
export const MAX_READ = 4 * 1024 * 1024;

export interface TailEvents {
  /** What follows is of a file that was not read before. `isCut`: it does not begin with the file's first line. */
  begin(isCut: boolean): void;
  line(line: JsonObject): void;
  damaged(): void;
}

export class FileTail {
  readonly #path: string;
  readonly #events: TailEvents;
  #file: FileHandle | null = null;
  #identity = '';
  #offset = 0;
  #lines: LineSplitter | null = null;

  constructor(path: string, events: TailEvents) {
    this.#path = path;
    this.#events = events;
  }

  /** Reads what was added. @returns false when there is no such file (any more) */
  async read(): Promise<boolean> {
    const now = await lstat(this.#path).catch(() => null);
    if (!now?.isFile()) {
      await this.close();
      return false;
    }
    const isSame = this.#file !== null && this.#identity === `${now.dev} ${now.ino}` && now.size >= this.#offset;
    if ((!isSame || now.size - this.#offset > MAX_START + MAX_READ) && !await this.#begin()) return false;
    await this.#readOn();
    return true;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#lines = null;
    await file?.close().catch(() => {});
  }

  async #begin(): Promise<boolean> {
    await this.close();
    const opened = await openRegular(this.#path);
    if (!opened) return false;
    const { file, size } = opened;
    const { dev, ino, uid } = await file.stat();
    if (uid !== process.getuid?.()) {
      await file.close();
      return false;
    }
    this.#file = file;
    this.#identity = `${dev} ${ino}`;
    this.#offset = Math.max(0, size - MAX_START);
    // The line that the beginning cuts is no damage.
    let isFirst = this.#offset > 0;
    this.#events.begin(isFirst);
    const damaged = () => isFirst ? void (isFirst = false) : this.#events.damaged();
    this.#lines = jsonLines({
      value: (line) => {
        isFirst = false;
        this.#events.line(line);
      },
      garbage: damaged,
      dropped: damaged,
    });
    return true;
  }

  async #readOn(): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (const end = this.#offset + Math.max(MAX_READ, MAX_START); this.#file && this.#offset < end;) {
      const { bytesRead } = await this.#file.read(buffer, 0, CHUNK, this.#offset);
      if (!bytesRead) return;
      this.#offset += bytesRead;
      this.#lines!.push(buffer.subarray(0, bytesRead));
    }
  }
}

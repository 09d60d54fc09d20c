/** One small JSON file (settings, templates, tasks, an agent's record), written atomically. */
import { HttpError } from '../../core/http/reply.ts';
import type { Document } from '../rooms.ts';
import { keepAside, readWhole, writeWhole } from './files.ts';

/** Bytes of one document. */
export const DOCUMENT_LIMIT = 64 * 1024 * 1024;

export interface DocumentOptions<T> {
  path: string;
  /** Checks what was read and gives the value; throws when it is not what this version understands. */
  parse(value: unknown): T;
  /** The value when there is no file yet. */
  initial: T;
  now?: () => number;
  /** Told when the file could not be read and was kept aside; a sentence for people. */
  warn(text: string): void;
}

/** Never throws: a file that cannot be read is kept aside and reported, and the document begins anew. */
export function openDocument<T>(options: DocumentOptions<T>): Document<T> {
  return new FileDocument(options);
}

class FileDocument<T> implements Document<T> {
  value: T;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();
  /** Why the file must not be replaced: it cannot be read and could not be moved either. */
  #locked = '';

  constructor({ path, parse, initial, warn, now = Date.now }: DocumentOptions<T>) {
    this.#path = path;
    this.value = initial;
    try {
      const bytes = readWhole(path, DOCUMENT_LIMIT);
      if (bytes) this.value = parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      try {
        warn(`${path} could not be read (${why}). It was kept as ${keepAside(path, now())}, and a new one begins.`);
      } catch (asideError) {
        this.#locked = `${path} cannot be read (${why}) nor moved (${(asideError as Error).message})`;
        warn(`${this.#locked}. Changes are refused until that is mended and the server started again.`);
      }
    }
  }

  update(change: (value: T) => T): Promise<T> {
    const result = this.#last.then(() => this.#write(change(this.value)));
    this.#last = result.catch(() => {});
    return result;
  }

  async #write(next: T): Promise<T> {
    if (this.#locked) throw new HttpError(503, 'storage_locked', `${this.#locked}.`);
    try {
      await writeWhole(this.#path, [JSON.stringify(next, null, 1), '\n']);
    } catch (error) {
      throw notSaved(error);
    }
    this.value = next;
    return next;
  }
}

/** The answer to a command whose result could not be put on disk. */
export const notSaved = (error: unknown): HttpError =>
  new HttpError(
    507,
    'not_saved',
    `This could not be saved, so it was not done: ${error instanceof Error ? error.message : String(error)}`,
  );

/** One small JSON file (settings, templates, tasks, an agent's record), written atomically. */
import { Failure } from '../../core/api/errors.ts';
import { quarantine, readWhole, removeTemporary, writeWhole } from './atomic-file.ts';

/** Bytes of one document. */
export const MAX_DOCUMENT = 64 * 1024 * 1024;

/** The value of one small JSON file and the only way to change it. */
export interface Document<T> {
  readonly value: T;
  /** Resolves when the new value is on disk (fsynced, renamed). Changes are applied one after another. */
  update(change: (value: T) => T): Promise<T>;
}

export interface DocumentOptions<T> {
  path: string;
  /** Checks what was read and returns the value; throws when this version does not understand it. */
  parse(value: unknown): T;
  /** The value when there is no file yet. */
  initial: T;
  now?: () => number;
  /** Called when the file could not be read and was moved away, with a sentence for people. */
  warn(text: string): void;
}

/** Never throws: a file that cannot be read is moved away and reported, and the document starts with `initial`. */
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
    removeTemporary(path);
    try {
      const bytes = readWhole(path, MAX_DOCUMENT);
      if (bytes) this.value = parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      try {
        warn(`${path} could not be read (${why}). It was kept as ${quarantine(path, now())}, and a new one begins.`);
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
    if (this.#locked) throw new Failure('storage_locked', `${this.#locked}.`);
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
export const notSaved = (error: unknown): Failure =>
  new Failure(
    'not_saved',
    `This could not be saved, so it was not done: ${error instanceof Error ? error.message : String(error)}`,
  );

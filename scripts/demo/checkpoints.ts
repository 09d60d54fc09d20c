/** The files as they were before each message, for a stand-in of Claude Code. They end with its process. */
import { Buffer } from 'node:buffer';
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { Json } from './claude-turn.ts';

type Files = Map<string, Uint8Array | null>;

export class Checkpoints {
  /** By message, the oldest first: what its turn has changed, as it was before. */
  readonly #before: { message: string; files: Files }[] = [];

  begin(message: string): void {
    this.#before.push({ message, files: new Map() });
  }

  /** A file is about to be changed. */
  async note(path: string): Promise<void> {
    const files = this.#before.at(-1)?.files;
    if (files && !files.has(path)) files.set(path, await contentOf(path));
  }

  /** The answer to the request `rewind_files`. */
  async rewind(message: string, dryRun: boolean): Promise<Json> {
    const at = this.#before.findIndex((entry) => entry.message === message);
    if (at < 0) return { canRewind: false, error: 'No file checkpoint found for this message.' };
    const wanted: Files = new Map();
    for (const { files } of this.#before.slice(at)) {
      for (const [path, content] of files) if (!wanted.has(path)) wanted.set(path, content);
    }
    const changed: string[] = [];
    for (const [path, content] of wanted) if (!isSame(await contentOf(path), content)) changed.push(path);
    if (dryRun) return { canRewind: true, filesChanged: changed, insertions: 0, deletions: 0 };
    for (const path of changed) {
      const content = wanted.get(path);
      await (content ? writeFile(path, content) : rm(path, { force: true }));
    }
    return { canRewind: true, skippedLinks: 0 };
  }
}

const contentOf = (path: string): Promise<Uint8Array | null> => readFile(path).catch(() => null);

const isSame = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === b || (a !== null && b !== null && Buffer.compare(a, b) === 0);

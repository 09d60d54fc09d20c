/** A directory whose changes are noticed at once where the system can. */
import { watch } from 'node:fs';

export interface DirectoryEvents {
  changed(): void;
  /** The directory is gone, or cannot be watched any more. Not after the end that was asked for. */
  ended(): void;
}

/** @returns ends it; null: it cannot be watched (yet) */
export type WatchDirectory = (path: string, events: DirectoryEvents) => (() => void) | null;

export const watchDirectory: WatchDirectory = (path, { changed, ended }) => {
  try {
    const watcher = watch(path, { persistent: false });
    const end = () => {
      watcher.removeAllListeners();
      watcher.on('error', () => {});
      watcher.close();
    };
    watcher.on('change', (event, name) => {
      changed();
      // Its own name: the directory itself was removed or renamed.
      if (event === 'rename' && name !== null && path.endsWith(`/${String(name)}`)) stop();
    });
    watcher.on('error', () => stop());
    const stop = () => {
      end();
      ended();
    };
    return end;
  } catch {
    return null;
  }
};

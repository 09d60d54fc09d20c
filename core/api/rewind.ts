/** The files of an agent, as they were before a message of the user. Browser-safe. */
import { pick, text } from './schema.ts';

/** POST /api/agents/:id/messages/:messageId/rewind */
export interface RewindBody {
  /** Of the list that was shown: what it lists is done. Missing: only the list is made. */
  version?: string;
}

export const parseRewind = (value: unknown): RewindBody => pick<RewindBody>(value, { version: text(100, true) });

export interface RewindFile {
  /** Relative to the agent's folder where it is in it, else absolute. */
  path: string;
  /** It was written or deleted after the agent's last edit of it: by hand, or by a command. */
  changedSince: boolean;
}

/** What would change, or has changed. */
export interface Rewind {
  /** At most MAX_REWIND_FILES of `total`. */
  files: RewindFile[];
  total: number;
  /** Lines. */
  insertions: number;
  deletions: number;
  version: string;
}

/** Files that are listed. */
export const MAX_REWIND_FILES = 500;

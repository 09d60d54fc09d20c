/** The journals that are searched: which there are, and pieces of them. Read only; whoever writes them goes on meanwhile. */
import { Buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from '../../core/api/messages.ts';

const { O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = constants;
const LF = 0x0a;

export interface JournalFile {
  agent: string;
  path: string;
  size: number;
  /** Last change, ms since the Unix epoch, whole. */
  changedAt: number;
}

/** @param root DATA_DIR/agents */
export const journalPath = (root: string, agent: string): string => join(root, agent, 'journal.jsonl');

/** The one that changed last comes first. */
export function listJournals(root: string): JournalFile[] {
  return agentsOf(root).flatMap((agent) => statJournal(root, agent) ?? [])
    .sort((a, b) => b.changedAt - a.changedAt || (a.agent < b.agent ? -1 : 1));
}

function agentsOf(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return []; // no agent was created yet
  }
}

/** @returns null when there is none */
export function statJournal(root: string, agent: string): JournalFile | null {
  const path = journalPath(root, agent);
  try {
    const stat = statSync(path);
    return stat.isFile() ? { agent, path, size: stat.size, changedAt: Math.floor(stat.mtimeMs) } : null;
  } catch {
    return null;
  }
}

/** Reads ranges of a file that may be replaced meanwhile. */
export class OpenJournal {
  readonly #fd: number;
  readonly size: number;

  /** Throws when it cannot be opened. */
  constructor(path: string) {
    this.#fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    this.size = fstatSync(this.#fd).size;
  }

  /** Fills `target` with what the file has from `from` on. @returns the part of it that was filled */
  read(target: Buffer, from: number): Buffer {
    let at = 0;
    while (at < target.length) {
      const count = readSync(this.#fd, target, at, target.length - at, from + at);
      if (count === 0) break;
      at += count;
    }
    return target.subarray(0, at);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The message that a line of a journal holds; null: another record, or damage, which costs only its own line. */
export function parseMessage(line: string): Message | null {
  try {
    const message = (JSON.parse(line) as { m?: Message } | null)?.m;
    const isMessage = typeof message === 'object' && message !== null && typeof message.id === 'string' &&
      Number.isSafeInteger(message.seq) && Number.isSafeInteger(message.at) && typeof message.kind === 'string';
    return isMessage ? message : null;
  } catch {
    return null;
  }
}

/** Bytes up to and with the last line end. */
export const wholeLines = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.lastIndexOf(LF) + 1);

/** The lines of a text of whole lines. */
export const linesOf = (bytes: Buffer): string[] => bytes.toString('utf8').split('\n').slice(0, -1);

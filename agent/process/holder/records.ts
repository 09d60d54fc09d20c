/**
 * What is on disk about each holder (SPEC.md): DATA_DIR/holders/<id>.json and, beside it, its socket. The holder itself writes its
 * record; a holder whose record is taken away ends.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, fields, need, pick, string, wrong } from '../../../core/api/schema.ts';
import { isSameProcess, parseProcessIdentity, processId, type ProcessIdentity, signal } from '../identity.ts';

export interface HolderRecord {
  version: 1;
  id: string;
  /** Where the holder expects this record: a copy elsewhere is nothing to go by. */
  directory: string;
  /** What it holds. */
  kind: string;
  /** Of this holder alone: its answer on the socket repeats it. */
  instance: string;
  pid: number;
  /** null where there is no /proc. */
  process: ProcessIdentity | null;
  /** The program that it holds; of a PTY the leader of its session. */
  child: ProcessIdentity | null;
  /** What the server wants to find again. */
  meta: Record<string, unknown>;
}

/** Bytes of a record; a name and a few ids are in it. */
const MAX_RECORD = 256 * 1024;
/** A holder is on record so soon after its files were made, ms. */
const MAX_START_MS = 60_000;
const ID = /^[\w-]{1,64}$/;

export const holderDirectory = (dataDir: string): string => join(dataDir, 'holders');
export const recordPath = (directory: string, id: string): string => join(directory, `${id}.json`);
export const socketName = (id: string): string => `${id}.sock`;

/** Makes the directory of the records and sockets: for this user alone, for who reaches a socket commands its program. */
export function ensureHolderDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
}

export function writeRecord(directory: string, record: HolderRecord): void {
  const path = recordPath(directory, record.id);
  writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

/** Every record that can be read. A file that is none belongs to nobody and is removed. */
export function readRecords(directory: string): HolderRecord[] {
  return names(directory).filter((name) => name.endsWith('.json')).flatMap((name) => {
    const id = name.slice(0, -'.json'.length);
    try {
      const text = readFileSync(recordPath(directory, id), 'utf8');
      if (text.length > MAX_RECORD) throw new Error('too long');
      const record = parseHolderRecord(JSON.parse(text), name);
      if (record.id !== id) throw new Error('not its name');
      return [record];
    } catch {
      removeRecord(directory, id);
      return [];
    }
  });
}

/** What holders that were killed left without a record; not what one that is just starting has made. @returns how many files */
export function sweepRemains(directory: string, now: number): number {
  const all = new Set(names(directory));
  const remains = [...all].filter((name) => {
    const [, id, isTemporary] = /^([\w-]{1,64})\.(?:sock|json(\.tmp))$/.exec(name) ?? [];
    return id !== undefined && (isTemporary !== undefined || !all.has(`${id}.json`)) &&
      isOld(join(directory, name), now);
  });
  for (const name of remains) rmSync(join(directory, name), { force: true });
  return remains.length;
}

function isOld(path: string, now: number): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && now - stat.mtimeMs > MAX_START_MS;
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // none was ever started
  }
}

/** Its holder, if it lives, ends. */
export function removeRecord(directory: string, id: string): void {
  const record = recordPath(directory, id);
  for (const path of [record, `${record}.tmp`, join(directory, socketName(id))]) rmSync(path, { force: true });
}

/** Asks a holder to end with what it holds. */
export function endHolder(directory: string, record: HolderRecord): void {
  removeRecord(directory, record.id);
  if (record.process && isSameProcess(record.process)) signal(record.pid, 'SIGTERM');
}

const isVersion: Check<1> = (value, name) => value === 1 ? value : wrong(name, '1');
const isId: Check<string> = (value, name) => ID.test(String(value)) ? String(value) : wrong(name, 'an id');
/** Throws ValidationError; also for a record of two minds about which process it speaks of. */
export function parseHolderRecord(value: unknown, name: string): HolderRecord {
  const record = pick<HolderRecord>(value, {
    version: isVersion,
    id: isId,
    directory: string,
    kind: string,
    instance: string,
    pid: processId,
    process: parseProcessIdentity,
    child: parseProcessIdentity,
    meta: fields,
  }, name);
  if (record.process && record.process.pid !== record.pid) wrong(`${name}.process`, 'the one with its "pid"');
  return {
    process: null,
    child: null,
    meta: {},
    ...need(record, 'version', 'id', 'directory', 'kind', 'instance', 'pid'),
  };
}

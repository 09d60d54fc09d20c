/**
 * The Claude Code processes of this machine: `<config>/sessions/<pid>.json`, written by each of them from its start to its end.
 * A file that is left over is told from a live one by the start time of its process.
 */
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import process from 'node:process';
import { cut } from '../../../core/api/cut.ts';
import { parseObject } from '../../process/jsonl.ts';
import { isSameProcess, processIdentity } from '../../process/identity.ts';
import { readStat } from '../../process/proc-table.ts';
import { readSmallFile } from '../history-files.ts';
import type { LiveSession } from '../terminal-sessions.ts';
import { type JsonObject, number, string } from '../untyped-json.ts';

/** Files that are read, and bytes of one. */
const MAX_FILES = 2000;
const MAX_FILE_BYTES = 64 * 1024;
/** Characters of one field. */
const MAX_FIELD = 500;
const MAX_PATH = 4096;

/** All whose process runs. A missing directory is an empty list. */
export async function liveSessions(configDir: string): Promise<LiveSession[]> {
  const directory = sessionsDirectory(configDir);
  const names = await readdir(directory).catch(() => []);
  const pids = names.flatMap((name) => /^([1-9]\d{0,9})\.json$/.exec(name)?.[1] ?? []).slice(0, MAX_FILES);
  const sessions = await Promise.all(pids.map((pid) => readLive(join(directory, `${pid}.json`), Number(pid))));
  return sessions.filter((session) => session !== null);
}

export const sessionsDirectory = (configDir: string): string => join(configDir, 'sessions');

async function readLive(path: string, pid: number): Promise<LiveSession | null> {
  const file = await readSmallFile(path, MAX_FILE_BYTES);
  const record = file && parseObject(file.text);
  const identity = record && processIdentity(pid);
  if (!identity || !isSameProcess(identity)) return null;
  const session = parseLive(record, pid);
  const startTime = string(record['procStart']);
  if (!session || (startTime && startTime !== identity.startTime)) return null;
  return {
    ...session,
    process: startTime && isProgram(pid) ? identity : null,
    isOwn: isOwn(file.uid) && isOwn(ownerOf(pid)),
  };
}

/** Tolerant: what a field should not be is as if it were not there; a file without a session's id is none. */
export function parseLive(record: JsonObject, pid: number): Omit<LiveSession, 'process' | 'isOwn'> | null {
  const field = (name: string) => cut(string(record[name]), MAX_FIELD);
  const id = field('sessionId').toLowerCase();
  if (!/^[0-9a-f-]{36}$/.test(id)) return null;
  return {
    pid,
    id,
    directory: directoryOf(string(record.cwd)),
    name: field('name'),
    version: field('version'),
    startedBy: field('entrypoint') === 'cli' ? 'person' : 'program',
    attach: TERMINAL_KINDS.has(field('kind')) ? null : `claude attach ${id.slice(0, 8)}`,
    status: field('status'),
    waitingFor: field('waitingFor'),
    startedAt: time(record.startedAt),
    statusAt: time(record.statusUpdatedAt),
  };
}

/** `bg` is one of `claude --bg`. */
const TERMINAL_KINDS = new Set(['interactive', '']);

const directoryOf = (path: string): string => isAbsolute(path) && path.length <= MAX_PATH ? path : '';

const time = (value: unknown): number => Math.max(0, Math.round(number(value) ?? 0));

/** A file may name any process: what is none of these is never sent a signal. */
const isProgram = (pid: number): boolean => /^(claude|node|bun|deno|MainThread)/.test(readStat(pid)?.name ?? '');

const isOwn = (uid: number | null): boolean => uid !== null && uid === process.getuid?.();

function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

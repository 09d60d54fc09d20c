/** The audit log of logins, sessions and tunnels: a JSON object a line. Bounded in rate and size; a failure never stops the relay. */
import { Buffer } from 'node:buffer';
import { chmodSync, existsSync, renameSync, statSync } from 'node:fs';
import { appendFileSync } from 'node:fs';
import type { Audit } from '../core/auth/login.ts';
import type { Clock } from '../core/clock.ts';
import { escapeLogText, type Log } from '../core/log.ts';
import { checkRegularFile } from './regular-file.ts';

/** A file of this size is renamed to `.1`, the former `.1` to `.2`, and so on. */
export const MAX_FILE_BYTES = 5 * 1024 * 1024;
/** Rotated files; the oldest is replaced. */
export const MAX_FILES = 3;
/** Lines a minute for each event. The first line after more has the number of those left out. */
export const MAX_LINES_PER_MINUTE = 60;

interface Count {
  since: number;
  lines: number;
  leftOut: number;
}

/** @param file null: no audit log */
export function createAudit(file: string | null, log: Log, clock: Clock): Audit {
  if (!file) return () => {};
  const counts = new Map<string, Count>();
  let size = existsSync(file) ? statSync(file).size : 0;
  let failed = false;

  const append = (line: string) => {
    try {
      checkRegularFile(file);
      if (size + line.length > MAX_FILE_BYTES) {
        rotate(file);
        size = 0;
      }
      appendFileSync(file, line, { mode: 0o600 });
      if (size === 0) chmodSync(file, 0o600);
      size += Buffer.byteLength(line);
      failed = false;
    } catch (error) {
      if (!failed) log.error('The audit log cannot be written.', { file, error: (error as Error).message });
      failed = true;
    }
  };

  return (event, fields) => {
    const leftOut = admit(counts, event, clock.monotonic());
    if (leftOut === null) return;
    const time = new Date(clock.now()).toISOString();
    append(`${JSON.stringify({ time, event, ...escaped(fields), ...(leftOut ? { leftOut } : {}) })}\n`);
  };
}

/** @returns how many lines of this event were left out since the last line, or null when this line is left out */
function admit(counts: Map<string, Count>, event: string, now: number): number | null {
  let count = counts.get(event);
  if (!count) counts.set(event, count = { since: now, lines: 0, leftOut: 0 });
  if (now - count.since >= 60_000) Object.assign(count, { since: now, lines: 0 });
  if (count.lines >= MAX_LINES_PER_MINUTE) {
    count.leftOut++;
    return null;
  }
  count.lines++;
  const { leftOut } = count;
  count.leftOut = 0;
  return leftOut;
}

const escaped = (fields: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? escapeLogText(value) : value]),
  );

function rotate(file: string): void {
  for (let n = MAX_FILES - 1; n >= 1; n--) {
    if (existsSync(`${file}.${n}`)) renameSync(`${file}.${n}`, `${file}.${n + 1}`);
  }
  renameSync(file, `${file}.1`);
}

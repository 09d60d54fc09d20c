/** The audit log: one JSON object a line, for logins, sessions and tunnels. Bounded in rate and size; never stops the relay. */
import { Buffer } from 'node:buffer';
import { chmodSync, existsSync, renameSync, statSync } from 'node:fs';
import { appendFileSync } from 'node:fs';
import type { Audit } from '../core/auth/gate.ts';
import type { Clock } from '../core/clock.ts';
import { escapeLogText, type Log } from '../core/log.ts';

/** A file of this size becomes `.1`, that becomes `.2` …; what was `.KEPT` goes. */
export const ROTATE_BYTES = 5 * 1024 * 1024;
export const KEPT = 3;
/** Lines a minute of each event; the next line after more tells how many were left out. */
export const LINES_A_MINUTE = 60;

interface Count {
  since: number;
  lines: number;
  left: number;
}

/** @param file null: no audit log */
export function createAudit(file: string | null, log: Log, clock: Clock): Audit {
  if (!file) return () => {};
  const counts = new Map<string, Count>();
  let size = existsSync(file) ? statSync(file).size : 0;
  let failed = false;

  const append = (line: string) => {
    try {
      if (size + line.length > ROTATE_BYTES) {
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
    const left = admit(counts, event, clock.monotonic());
    if (left === null) return;
    const time = new Date(clock.now()).toISOString();
    append(`${JSON.stringify({ time, event, ...escaped(fields), ...(left ? { leftOut: left } : {}) })}\n`);
  };
}

/** @returns how many lines of this event were left out since the last one, or null for one that is left out itself */
function admit(counts: Map<string, Count>, event: string, now: number): number | null {
  let count = counts.get(event);
  if (!count) counts.set(event, count = { since: now, lines: 0, left: 0 });
  if (now - count.since >= 60_000) Object.assign(count, { since: now, lines: 0 });
  if (count.lines >= LINES_A_MINUTE) {
    count.left++;
    return null;
  }
  count.lines++;
  const left = count.left;
  count.left = 0;
  return left;
}

const escaped = (fields: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? escapeLogText(value) : value]),
  );

function rotate(file: string): void {
  for (let n = KEPT - 1; n >= 1; n--) {
    if (existsSync(`${file}.${n}`)) renameSync(`${file}.${n}`, `${file}.${n + 1}`);
  }
  renameSync(file, `${file}.1`);
}

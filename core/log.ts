/**
 * One-line logs: `2026-01-31T12:00:00.000Z [Tunnel] text key=value`. Whatever is logged comes out as one line without control
 * characters, so that no name, header or path can forge a line or drive the terminal of whoever reads it.
 */
import process from 'node:process';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Record<string, string | number | boolean | null | undefined>;

export interface Log {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
  /** The same log with another tag: `[Tunnel]`. */
  tagged(tag: string): Log;
}

const ORDER: LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** Longest text or value that one line carries; the rest is cut with an ellipsis. */
const MAX_FIELD = 2000;

/** Control, format, separator and surrogate characters as \u escapes; cut to MAX_FIELD characters. */
export function escapeLogText(text: string): string {
  const cut = text.length > MAX_FIELD ? `${text.slice(0, MAX_FIELD)}…` : text;
  return cut.replace(
    // deno-lint-ignore no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (c) =>
      c === '\n'
        ? '\\n'
        : c === '\r'
        ? '\\r'
        : c === '\t'
        ? '\\t'
        : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function fieldText(value: LogFields[string]): string {
  const text = escapeLogText(String(value));
  return /[\s"=]/.test(text) || text === '' ? `"${text.replaceAll('"', '\\"')}"` : text;
}

/** @param write takes one finished line without its newline */
export function createLog(
  options: { level?: LogLevel; tag?: string; write?: (line: string, level: LogLevel) => void; now?: () => Date } = {},
): Log {
  const { level = 'info', tag = '', now = () => new Date() } = options;
  const write = options.write ??
    ((line, at) => (at === 'error' || at === 'warn' ? process.stderr : process.stdout).write(`${line}\n`));
  const line = (at: LogLevel) => (text: string, fields?: LogFields) => {
    if (ORDER.indexOf(at) < ORDER.indexOf(level)) return;
    const pairs = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${fieldText(value)}`).join('');
    const mark = at === 'warn' || at === 'error' ? `${at.toUpperCase()} ` : '';
    write(`${now().toISOString()} ${tag ? `[${tag}] ` : ''}${mark}${escapeLogText(text)}${pairs}`, at);
  };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    tagged: (next) => createLog({ level, tag: next, write, now }),
  };
}

/** Lines that cannot be written (a full disk, a reader that has left) are lost; the program goes on. Once, at start. */
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** A log that keeps nothing. */
export const silentLog: Log = createLog({ write: () => {} });

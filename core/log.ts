/**
 * One-line logs: `2026-01-31T12:00:00.000Z [Tunnel] text key=value`. Each entry is written as one line without control
 * characters, so that no name, header or path can forge a line or control the reader's terminal.
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
/** Longest text or value of a line, characters; the rest is replaced by an ellipsis. */
const MAX_FIELD = 2000;

/** Escapes control, format and separator characters as \u sequences, and truncates to MAX_FIELD characters. */
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

/** @param write receives each finished line without its newline */
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

/** Drops lines that cannot be written (a full disk, a closed pipe) so that the program goes on. Call once, at start. */
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/**
 * Logs what nobody caught and goes on: many people's connections must not end with one failed request. Call once, when the
 * program's own start can no longer fail by it.
 */
export function outliveErrors(log: Log): void {
  const textOf = (error: unknown) => error instanceof Error ? error.stack ?? error.message : String(error);
  process.on('uncaughtException', (error) => log.error('unexpected error', { error: textOf(error) }));
  process.on('unhandledRejection', (error) => log.error('unexpected rejection', { error: textOf(error) }));
}

/** A log that writes nothing. */
export const silentLog: Log = createLog({ write: () => {} });

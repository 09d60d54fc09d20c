/** Numbers and times as people read them. Pure. */
import { locale, t } from './i18n/t.ts';

/** Dollars: `< 1 ¢`, `$0.31`, `$12.40`; an empty text for null (the provider does not tell) and for nothing. */
export function money(usd: number | null): string {
  if (usd === null || usd <= 0) return '';
  return usd < 0.01 ? '< 1 ¢' : `$${usd.toFixed(2)}`;
}

/** Counts: `950`, `12.3k`, `1.2M`. */
export function count(n: number): string {
  if (n < 1000) return String(n);
  if (n < 999_950) return `${short(n / 1000)}k`;
  return `${short(n / 1_000_000)}M`;
}

const short = (n: number) => (n < 100 ? n.toFixed(1).replace(/\.0$/, '') : String(Math.round(n)));

/** Sizes: `512 B`, `48 KB`, `3.2 MB`. */
export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  if (n < 1024 * 1024) return `${Math.round(n / 1024)} KB`;
  return `${(n / 1024 / 1024).toFixed(1)} MB`;
}

/** How long something took: `< 1 s`, `12 s`, `3 min 5 s`, `2 h 4 min`. */
export function took(ms: number): string {
  const { seconds, minutes, hours } = t.time;
  if (ms < 1000) return `< ${seconds(1)}`;
  if (ms < 60_000) return seconds(Math.floor(ms / 1000));
  if (ms < 3_600_000) return `${minutes(Math.floor(ms / 60_000))} ${seconds(Math.floor((ms % 60_000) / 1000))}`;
  return `${hours(Math.floor(ms / 3_600_000))} ${minutes(Math.floor((ms % 3_600_000) / 60_000))}`;
}

/** The end of a long path: `…/project/src`. */
export function shortPath(path: string, segments = 2): string {
  const parts = path.split('/').filter(Boolean);
  return parts.length <= segments + 1 ? path : `…/${parts.slice(-segments).join('/')}`;
}

/** A path below a folder as seen from the folder: `src/a.ts`. Any other path, and one that climbs (`..`), stays as it is. */
export function relativePath(directory: string, path: string): string {
  const prefix = directory.endsWith('/') ? directory : `${directory}/`;
  if (prefix === '/' || !path.startsWith(prefix)) return path;
  const rest = path.slice(prefix.length);
  // `..` may lead out of the folder, and what is left of `folder//etc` would look like another place.
  const isPlain = rest.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  return isPlain ? rest : path;
}

/**
 * Text of a program without what drives a terminal: escape sequences (colours, cursor, titles, OSC 8 links, OSC 52
 * clipboard) and control characters other than tab and newline. A carriage return inside a line keeps what came last.
 */
export function plain(text: string): string {
  return text
    // deno-lint-ignore no-control-regex
    .replace(
      /\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g,
      '',
    )
    .replace(/\r\n/g, '\n')
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .join('\n')
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, '');
}

/** One line of markdown as text: without what marks headings, bold words and links. Code stays as it was written. */
export const gist = (line: string): string =>
  line.replace(/^#{1,6}\s+/, '').replace(/\*\*(\S|\S.*?\S)\*\*/g, '$1').replace(/\[([^\][]+)\]\([^()\s]*\)/g, '$1');

/** Made at its first use, and once: that takes a hundred times as long as using it. */
let clock: Intl.DateTimeFormat | undefined;

/** The time of day, in the browser's own way: `14:02`. @param at ms since the epoch */
export const clockTime = (at: number): string =>
  (clock ??= new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })).format(at);

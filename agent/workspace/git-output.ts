/** Reads git's output and writes its input. */
import { Buffer } from 'node:buffer';

/** Splits output of `-z` commands; without the empty piece behind the last NUL. */
export function splitNul(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, start)) {
    pieces.push(bytes.subarray(start, at));
    start = at + 1;
  }
  if (start < bytes.length) pieces.push(bytes.subarray(start));
  return pieces;
}

/** Paths as `--stdin -z` and `--pathspec-file-nul` take them. */
export const nulJoined = (paths: readonly Buffer[]): Buffer =>
  Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)]));

/** A file name as text, and whether the text is exact: bytes that are not UTF-8 are shown as \xNN. */
export function pathText(bytes: Buffer): { path: string; exact: boolean } {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return { path: text, exact: true };
  let shown = '';
  for (const byte of bytes) {
    shown += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return { path: shown, exact: false };
}

/** The name that `pathText` shows by this text; null where it shows none that is not UTF-8. */
export function shownBytes(text: string): Buffer | null {
  // deno-lint-ignore no-control-regex
  if (!/\\x[89a-f][0-9a-f]/.test(text) || /[^\x00-\x7f]/.test(text)) return null;
  const decoded = text.replace(/\\x([89a-f][0-9a-f])/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  const bytes = Buffer.from(decoded, 'latin1');
  return pathText(bytes).path === text ? bytes : null;
}

/** Names shown in one sentence. */
const MAX_NAMES = 5;

/** The first names of a list for a sentence. */
export const names = (paths: readonly Buffer[], most = MAX_NAMES): string =>
  paths.slice(0, most).map((path) => pathText(path).path).join(', ') + (paths.length > most ? ' …' : '');

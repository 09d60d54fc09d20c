/** Windows of a large text: which bytes, and the text of them. Pure. */

/** Bytes of one window. */
export const WINDOW = 2 * 1024 * 1024;
/** Bytes beyond the window that its last character may need. */
export const TAIL = 3;
/** Lines of one window that are shown, and characters of a line. */
export const MAX_WINDOW_LINES = 200_000;
export const MAX_LINE_CHARACTERS = 5000;
/** Bytes that are looked at for what a text has not. */
const PROBED = 8192;

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** The bytes of window `index`, without the part of a character that belongs to the window before or after. */
export function windowBytes(bytes: Uint8Array, index: number): Uint8Array {
  let from = 0;
  while (index > 0 && from < TAIL && isContinuation(bytes[from])) from++;
  let to = Math.min(bytes.length, WINDOW);
  while (to < bytes.length && isContinuation(bytes[to])) to++;
  return bytes.subarray(from, to);
}

/** A text has no NUL near its beginning. */
export const isBinary = (bytes: Uint8Array): boolean => bytes.subarray(0, PROBED).includes(0);

export interface TextWindow {
  lines: string[];
  /** Line breaks in it, also of lines that are not shown. */
  breaks: number;
}

export function textWindow(bytes: Uint8Array): TextWindow {
  const lines = new TextDecoder('utf-8', { ignoreBOM: false }).decode(bytes).split('\n');
  const breaks = lines.length - 1;
  // The line behind the last line break is none.
  if (lines.length > 1 && lines.at(-1) === '') lines.pop();
  return { lines: lines.slice(0, MAX_WINDOW_LINES), breaks };
}

/** What a browser's text field gives back as it was; null: it would not, so that it is not edited here. */
export function editable(bytes: Uint8Array): { text: string; eol: '\n' | '\r\n' } | null {
  if (isBinary(bytes)) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const breaks = text.match(/\r\n|\r|\n/g) ?? [];
    const eol = breaks[0] === '\r\n' ? '\r\n' : '\n';
    if (breaks.some((entry) => entry !== eol)) return null;
    return { text: text.replaceAll('\r\n', '\n'), eol };
  } catch {
    return null;
  }
}

/** Rows of bytes: offset, hexadecimal, what is ASCII. */
export const BYTES_PER_ROW = 16;
export function hexRow(bytes: Uint8Array, row: number, base: number): string {
  const part = [...bytes.subarray(row * BYTES_PER_ROW, (row + 1) * BYTES_PER_ROW)];
  const offset = (base + row * BYTES_PER_ROW).toString(16).padStart(8, '0');
  const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ').padEnd(BYTES_PER_ROW * 3 - 1);
  const ascii = part.map((byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.').join('');
  return `${offset}  ${hex}  ${ascii}`;
}

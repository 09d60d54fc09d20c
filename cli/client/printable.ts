/**
 * Text of agents, models and people on its way to a terminal: nothing in it may act upon the terminal (ECMA-48 control
 * functions) or change the order in which the rest is drawn.
 */

/** C0 but tab and line feed, DEL, C1; marks and overrides of the writing direction; line and paragraph separators. */
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Any number of lines; each unsafe character becomes `⟨U+001B⟩`, and CR LF a line feed. */
export const printable = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(
    UNSAFE,
    (char) => `⟨U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );

/** One line without unsafe characters: names, titles, cells of a table. */
export const printableLine = (text: string): string => text.replace(/\s+/g, ' ').replace(UNSAFE, '').trim();

/** JSON on one line; what JSON.stringify leaves as it is and a terminal would act upon is escaped, too. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Columns that a text takes in a terminal, nearly: wide East Asian characters and emoji take two, marks none. */
export function columns(text: string): number {
  let width = 0;
  for (const char of text) width += /\p{M}/u.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** At most this many columns, with an ellipsis. */
export function clipColumns(text: string, limit: number): string {
  if (columns(text) <= limit) return text;
  let width = 0;
  let end = '';
  for (const char of text) {
    width += columns(char);
    if (width > limit - 1) break;
    end += char;
  }
  return `${end}…`;
}

/** Rows as aligned columns, two blanks between; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => columns(row[i] ?? ''))));
  return rows.map((row) =>
    row.map((cell, i) => i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - columns(cell) + 2)).join('')
      .trimEnd()
  ).join('\n');
}

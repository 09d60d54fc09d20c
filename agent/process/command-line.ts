/** A command as one types it into a POSIX shell. */

/** Characters that mean nothing to a shell. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word of a command line, whatever is in it. */
export const quoted = (word: string): string => PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A terminal acts on control characters as they are pasted, before a shell sees a quotation mark. */
// deno-lint-ignore no-control-regex
export const isPasteable = (word: string): boolean => !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(word);

export const commandLine = (directory: string, words: readonly string[]): string =>
  `cd ${quoted(directory)} && ${words.map(quoted).join(' ')}`;

/** A command as one types it into a POSIX shell. */

/** Characters that mean nothing to a shell. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word of a command line, whatever is in it. */
export const quoted = (word: string): string => PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export const commandLine = (directory: string, words: readonly string[]): string =>
  `cd ${quoted(directory)} && ${words.map(quoted).join(' ')}`;

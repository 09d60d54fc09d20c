/**
 * A pattern that finds, in the bytes of a journal, every line that can match: parsing all lines would take ten times as long. Bytes
 * are read as Latin-1, one character each.
 */
import { Buffer } from 'node:buffer';

/** What JSON escapes, what stands between the parts of a text, and white space, whose runs count as one space. */
const BREAKS = /["\\·\s\p{Cc}\p{Surrogate}\ufffd]+/u;
/** Every record of a message. */
const ANY = '"m":';

/** @param terms folded */
export function createPrefilter(terms: readonly string[]): RegExp {
  const runs = terms.flatMap((term) => term.split(BREAKS)).filter(Boolean);
  const longest = runs.reduce((a, b) => Buffer.byteLength(b) > Buffer.byteLength(a) ? b : a, '');
  return new RegExp(longest ? [...longest].map(pattern).join('') : ANY, 'g');
}

function pattern(character: string): string {
  const forms = new Set([character, character.toUpperCase(), character.toLowerCase()]);
  const bytes = [...forms].map((form) => escape(Buffer.from(form).toString('latin1')));
  return bytes.length === 1 ? bytes[0]! : `(?:${bytes.join('|')})`;
}

const escape = (text: string): string =>
  text.replace(/[^]/g, (c) => /[a-zA-Z0-9]/.test(c) ? c : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** Texts that are cut to a length, for names, previews and bounds: never within a character as people see it. Browser-safe. */

/** Characters before and behind the cut that are looked at: a character of more parts than this may be cut within. */
const MAX_GRAPHEME = 64;

let graphemes: Intl.Segmenter | undefined;

/** Made when it is needed: it loads tables for tens of milliseconds. */
const segmenter = (): Intl.Segmenter => graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * The beginning of a text: at most `max` UTF-16 units, with `mark` when something was cut off.
 * Surrogate pairs and, up to 64 units, grapheme clusters (an accent, a family, a flag) stay whole or are left out.
 */
export function cut(text: string, max: number, mark = ''): string {
  if (text.length <= max) return text;
  return text.slice(0, boundary(text, Math.max(0, max - mark.length))) + mark;
}

/** The end of a text: at most `max` UTF-16 units, without the half of a surrogate pair at its beginning. */
export function cutStart(text: string, max: number): string {
  return text.slice(-max).replace(/^[\udc00-\udfff]/, '');
}

/** The last place at or before `at` where a character ends. */
function boundary(text: string, at: number): number {
  const from = pairStart(text, Math.max(0, at - MAX_GRAPHEME));
  const around = text.slice(from, at + MAX_GRAPHEME);
  // The only character of two parts in ASCII is CR LF.
  if (/^[\0-\x0c\x0e-\x7f]*$/.test(around)) return at;
  const start = segmenter().segment(around).containing(at - from)?.index ?? at - from;
  // A heap of accents that is longer than what was looked at.
  return start === 0 && from > 0 ? pairStart(text, at) : from + start;
}

const pairStart = (text: string, at: number): number =>
  at > 0 && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1)) ? at - 1 : at;

/**
 * Text made visible: what a person reads must be all that a program gets. Characters without a shape of their own become
 * marks, and runs of blanks that would push an end out of sight are counted instead of drawn. Pure; used by the page and by
 * notifications.
 */

/** One part of a text as it is shown. */
export type Piece =
  | { kind: 'text'; text: string }
  /** Characters that cannot be seen, or that change how others are drawn. */
  | { kind: 'unseen'; text: string }
  /** A run of blanks, too long to be drawn as such; `tabs` also when there is only one. */
  | { kind: 'spaces' | 'tabs' | 'lines'; text: string; count: number };

/** Longest runs that are drawn: between words, as an indentation, and ends of lines. */
const MAX_SPACES = 16;
const MAX_INDENT = 40;
const MAX_LINE_ENDS = 3;

/**
 * What has no shape of its own: the default ignorable (zero width, variation selectors, tags, fillers), format and control
 * characters, separators other than U+0020, private, unassigned and lone surrogate code points, blank symbols (U+2800,
 * U+1D159), marks that are drawn over their neighbours, and piles of marks.
 */
const UNSEEN =
  /(?:(?![ \t\n])[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}\u2800\u{1d159}\u0334-\u0338\u20d0-\u20f0])+|\p{M}{3,}/u;
const TOKEN = new RegExp(`[ \\t\\n]{2,}|\\t|${UNSEEN.source}`, 'gu');
/** Letters that are written from right to left: beside them the order on the screen is not the order of the text. */
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A text in pieces; joined, their `text` is the text again. */
export function visiblePieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    add(pieces, { kind: 'text', text: text.slice(end, match.index) });
    const token = match[0];
    end = match.index + token.length;
    if (!/^[ \t\n]/.test(token)) add(pieces, { kind: 'unseen', text: token });
    else addBlanks(pieces, token, match.index === 0 || text[match.index - 1] === '\n');
  }
  add(pieces, { kind: 'text', text: text.slice(end) });
  return pieces;
}

/** Neighbouring pieces of text become one; empty ones are left out. */
function add(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (piece.text === '') return;
  if (piece.kind === 'text' && last?.kind === 'text') last.text += piece.text;
  else pieces.push(piece);
}

function addBlanks(pieces: Piece[], blanks: string, isLineStart: boolean): void {
  const first = blanks.indexOf('\n');
  const last = blanks.lastIndexOf('\n');
  const lineEnds = blanks.split('\n').length - 1;
  if (lineEnds > MAX_LINE_ENDS) {
    addInLine(pieces, blanks.slice(0, first), isLineStart);
    add(pieces, { kind: 'lines', text: blanks.slice(first, last + 1), count: lineEnds });
    return addInLine(pieces, blanks.slice(last + 1), true);
  }
  for (const [i, part] of blanks.split('\n').entries()) {
    if (i > 0) add(pieces, { kind: 'text', text: '\n' });
    addInLine(pieces, part, i > 0 || isLineStart);
  }
}

/** Spaces and tabs of one line. */
function addInLine(pieces: Piece[], blanks: string, isLineStart: boolean): void {
  let isIndent = isLineStart;
  for (const run of blanks.match(/ +|\t+/g) ?? []) {
    if (run[0] === '\t') add(pieces, { kind: 'tabs', text: run, count: run.length });
    else if (run.length <= (isIndent ? MAX_INDENT : MAX_SPACES)) add(pieces, { kind: 'text', text: run });
    else add(pieces, { kind: 'spaces', text: run, count: run.length });
    isIndent = false;
  }
}

/** True when the text is drawn as it is: nothing in it needs a mark. */
export const isPlain = (text: string): boolean => visiblePieces(text).every(({ kind }) => kind === 'text');

/** True when a reader may see it in another order than it has. */
export const isReordered = (text: string): boolean => RIGHT_TO_LEFT.test(text);

/** Code points of one mark that are named; of a longer run the first and the last. */
const MAX_NAMED = 4;

/** "U+200B", "U+200B U+200D", "U+E0001 … U+E007F (40)". */
export function codeNames(text: string): string {
  const names = Array.from(text, (char) => `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`);
  return names.length <= MAX_NAMED ? names.join(' ') : `${names[0]} … ${names.at(-1)} (${names.length})`;
}

/** The text with its marks written in ⟨…⟩, for places that have no other way to mark: mails, chats, notifications. */
export const markedText = (text: string): string => visiblePieces(text).map(markOf).join('');

function markOf(piece: Piece): string {
  switch (piece.kind) {
    case 'text':
      return piece.text;
    case 'unseen':
      return `⟨${codeNames(piece.text)}⟩`;
    case 'spaces':
      return `⟨${piece.count} spaces⟩`;
    case 'tabs':
      return piece.count === 1 ? '⟨tab⟩' : `⟨${piece.count} tabs⟩`;
    case 'lines':
      return `\n⟨${piece.count} line ends⟩\n`;
  }
}

/** JSON in which every character that cannot be seen is written as an escape, so that an editor shows it. */
export const visibleJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(
    new RegExp(UNSEEN, 'gu'),
    (found) => Array.from({ length: found.length }, (_, i) => escape(found.charCodeAt(i))).join(''),
  );

const escape = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;

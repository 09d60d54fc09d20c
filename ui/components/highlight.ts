/** Comments, strings, numbers and keywords of common languages, line by line. Pure; it knows no grammar and never changes a text. */

export type TokenKind = 'comment' | 'string' | 'number' | 'keyword';

export interface Token {
  text: string;
  /** null: anything else. */
  kind: TokenKind | null;
}

/** What a line is inside of when it begins: the end of a comment or a string that goes over several lines; '': nothing. */
export type LineState = string;

export interface Language {
  /** Words behind which the rest of a line is a comment. */
  readonly line: readonly string[];
  /** Comments over several lines. */
  readonly block: readonly (readonly [open: string, close: string])[];
  /** Quotes of strings that end with their line, and of those that do not. */
  readonly quotes: readonly string[];
  readonly long: readonly string[];
  readonly keywords: ReadonlySet<string>;
  readonly ignoresCase?: boolean;
}

/** A longer line is not looked at: it is data, or made by a machine. */
const MAX_LINE = 2000;

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const C_BLOCK = [['/*', '*/']] as const;
const C: Language = {
  line: ['//'],
  block: C_BLOCK,
  quotes: ['"', "'"],
  long: [],
  keywords: words(
    'abstract as async await bool break case catch char class const continue default defer delete do double else enum ' +
      'explicit export extends extern false final finally float fn for foreach friend func function go goto guard if impl ' +
      'implements import in inline instanceof int interface internal is let long loop match mod module mut namespace new nil ' +
      'null nullptr object operator override package private protected protocol pub public raise readonly record ref return ' +
      'sealed select self short signed sizeof static struct super switch template this throw throws trait true try type ' +
      'typedef typename typeof undefined union unsafe unsigned use using val var virtual void volatile where while with yield',
  ),
};
const SCRIPT: Language = { ...C, long: ['`'] };
const HASH: Language = {
  line: ['#'],
  block: [],
  quotes: ['"', "'"],
  long: [],
  keywords: words('true false null yes no on off'),
};
const PYTHON: Language = {
  ...HASH,
  long: ['"""', "'''"],
  keywords: words(
    'False None True and as assert async await break class continue def del elif else except finally for from global if ' +
      'import in is lambda match nonlocal not or pass raise return self try while with yield',
  ),
};
const RUBY: Language = {
  ...HASH,
  keywords: words(
    'alias and begin break case class def defined do else elsif end ensure false for if in module next nil not or redo ' +
      'require rescue retry return self super then true undef unless until when while yield',
  ),
};
const SHELL: Language = {
  ...HASH,
  keywords: words(
    'case do done elif else esac exit export fi for function if in local return select set then until while',
  ),
};
const RUST: Language = { ...C, quotes: ['"'] }; // ' begins a lifetime too
const CSS: Language = { line: [], block: C_BLOCK, quotes: ['"', "'"], long: [], keywords: new Set() };
const MARKUP: Language = { line: [], block: [['<!--', '-->']], quotes: ['"'], long: [], keywords: new Set() };
const SQL: Language = {
  line: ['--'],
  block: C_BLOCK,
  quotes: ["'", '"'],
  long: [],
  ignoresCase: true,
  keywords: words(
    'add all alter and as asc between by case check column constraint create cross default delete desc distinct drop else end ' +
      'exists false foreign from full group having in index inner insert into is join key left like limit not null on or order ' +
      'outer primary references right select set table then true union unique update values view when where with',
  ),
};
const LUA: Language = {
  line: ['--'],
  block: [['--[[', ']]']],
  quotes: ['"', "'"],
  long: [],
  keywords: words(
    'and break do else elseif end false for function goto if in local nil not or repeat return then true until while',
  ),
};

const BY_EXTENSION: Readonly<Record<string, Language>> = {
  ...all('ts tsx mts cts js jsx mjs cjs', SCRIPT),
  ...all('java c h cc cpp hpp cs kt kts swift scala dart go php proto groovy m mm', C),
  ...all('rs', RUST),
  ...all('json jsonc json5', { ...C, keywords: words('true false null') }),
  ...all('py pyi', PYTHON),
  ...all('rb rake', RUBY),
  ...all('sh bash zsh fish', SHELL),
  ...all('yml yaml toml ini cfg conf properties env tf', HASH),
  ...all('css scss less', CSS),
  ...all('html htm xml svg vue svelte', MARKUP),
  ...all('sql', SQL),
  ...all('lua', LUA),
};
const BY_NAME: Readonly<Record<string, Language>> = {
  dockerfile: SHELL,
  makefile: SHELL,
  gemfile: RUBY,
  rakefile: RUBY,
};

function all(extensions: string, language: Language): Record<string, Language> {
  return Object.fromEntries(extensions.split(' ').map((extension) => [extension, language]));
}

/** The language of a file by its name; null: none that is known. */
export function languageOf(path: string): Language | null {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name]!;
  const extension = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1) : '';
  return Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension]! : null;
}

/** The tokens of a line, which are the line again, and what the next one begins in. */
export function tokenize(text: string, state: LineState, language: Language): { tokens: Token[]; state: LineState } {
  if (text.length > MAX_LINE) return { tokens: [{ text, kind: null }], state };
  const reader = new LineReader(text, language);
  return { tokens: reader.read(state), state: reader.state };
}

class LineReader {
  readonly #text: string;
  readonly #language: Language;
  readonly #tokens: Token[] = [];
  #at = 0;
  /** Where what is nothing special begins. */
  #plainFrom = 0;
  state: LineState = '';

  constructor(text: string, language: Language) {
    this.#text = text;
    this.#language = language;
  }

  read(state: LineState): Token[] {
    if (state) this.#readUntil(state, 0);
    while (this.#at < this.#text.length) this.#next();
    this.#flush(this.#at);
    return this.#tokens;
  }

  #next(): void {
    const { block, line, long, quotes } = this.#language;
    const at = this.#at;
    const begins = (word: string) => this.#text.startsWith(word, at);
    const comment = block.find(([open]) => begins(open));
    if (comment) return this.#readUntil(comment[1], at + comment[0].length);
    if (line.some(begins) && this.#isCommentHere()) return this.#push(this.#text.length, 'comment');
    const open = long.find(begins);
    if (open) return this.#readUntil(open, at + open.length);
    const quote = quotes.find(begins);
    if (quote) return this.#push(endOfString(this.#text, at + 1, quote), 'string');
    this.#readWord();
  }

  /** "#" within a word, as in an address or a colour, begins no comment. */
  #isCommentHere(): boolean {
    return this.#text[this.#at] !== '#' || this.#at === 0 || /\s/.test(this.#text[this.#at - 1]!);
  }

  /** Reads to the end of a comment or string that may go over several lines. @param from where its content begins */
  #readUntil(close: string, from: number): void {
    const isString = this.#language.long.includes(close);
    const end = isString ? endOfLong(this.#text, from, close) : endOf(this.#text, from, close);
    this.state = end < 0 ? close : '';
    this.#push(end < 0 ? this.#text.length : end, isString ? 'string' : 'comment');
  }

  #readWord(): void {
    const word = /[\p{L}_$][\p{L}\p{N}_$]*|\d[\w.]*|./suy;
    word.lastIndex = this.#at;
    const found = word.exec(this.#text)![0];
    const { keywords, ignoresCase } = this.#language;
    const isKeyword = keywords.has(ignoresCase ? found.toLowerCase() : found);
    if (/^\d/.test(found)) this.#push(this.#at + found.length, 'number');
    else if (isKeyword) this.#push(this.#at + found.length, 'keyword');
    else this.#at += found.length;
  }

  #push(end: number, kind: TokenKind): void {
    this.#flush(this.#at);
    if (end > this.#at) this.#tokens.push({ text: this.#text.slice(this.#at, end), kind });
    this.#at = this.#plainFrom = end;
  }

  #flush(end: number): void {
    if (end > this.#plainFrom) this.#tokens.push({ text: this.#text.slice(this.#plainFrom, end), kind: null });
    this.#plainFrom = end;
  }
}

/** Behind the quote, or the end of the line. */
function endOfString(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

/** Behind `close`; -1: it is not there. */
function endOf(text: string, from: number, close: string): number {
  const at = text.indexOf(close, from);
  return at < 0 ? -1 : at + close.length;
}

/** Behind the end of a string over several lines; -1: it goes on. */
function endOfLong(text: string, from: number, close: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text.startsWith(close, at)) return at + close.length;
  }
  return -1;
}

/**
 * Markdown as a list of blocks. marked only splits the text into tokens; ./markdown-view.ts draws them as elements, so that
 * nothing in the text can become markup. A streaming text costs only its last blocks: those before are kept as they are.
 */
import { Marked } from 'marked';
import type { Token, Tokens } from 'marked';

/** GitHub strikes `~3~5` out; people and models mean "about". One tilde is text, two are a mark. */
const marked = new Marked({ tokenizer: { del: (text) => text.startsWith('~~') ? false : undefined } });

export interface Block {
  /** Where the block begins in the text: stable while text is appended. */
  key: number;
  token: Token;
}

/** A block larger than this is shown as plain text; characters. */
export const MAX_BLOCK = 60_000;
/** Nesting of quotes, lists and emphasis beyond this is shown as plain text. */
export const MAX_DEPTH = 24;
/** The last blocks of a growing text may still change their meaning. */
const OPEN_BLOCKS = 2;

/** Parses a text that mostly grows: give it the whole text each time. */
export class Markdown {
  #text = '';
  #closed: Block[] = [];
  /** Length of the text that #closed covers. */
  #end = 0;
  #last: Block[] = [];

  parse(text: string): readonly Block[] {
    if (text === this.#text && this.#last.length) return this.#last;
    if (!text.startsWith(this.#text.slice(0, this.#end)) || text.length < this.#end) {
      this.#closed = [];
      this.#end = 0;
    }
    this.#text = text;
    const open = blocks(text.slice(this.#end), this.#end);
    const closing = open.slice(0, Math.max(0, open.length - OPEN_BLOCKS));
    if (closing.length) {
      this.#closed = [...this.#closed, ...closing];
      this.#end = open[closing.length]!.key;
    }
    this.#last = [...this.#closed, ...open.slice(closing.length)];
    return this.#last;
  }
}

/** The page's own heading is the first level; h6 is the last that there is. */
const LEVELS = { first: 2, last: 6 };

/**
 * The level of each heading among the blocks, by the block's key. A text may begin with its third level, or leave one out;
 * whoever goes from heading to heading by a screen reader must not miss one.
 */
export function headingLevels(blocks: readonly Block[]): Map<number, number> {
  const levels = new Map<number, number>();
  const open: number[] = [];
  for (const { key, token } of blocks) {
    if (token.type !== 'heading') continue;
    const { depth } = token as Tokens.Heading;
    while (open.length && open.at(-1)! >= depth) open.pop();
    open.push(depth);
    levels.set(key, Math.min(LEVELS.last, LEVELS.first + open.length - 1));
  }
  return levels;
}

function blocks(text: string, offset: number): Block[] {
  const found: Block[] = [];
  let key = offset;
  for (const token of tokens(text)) {
    if (token.type !== 'space') found.push({ key, token });
    key += token.raw.length;
  }
  return found;
}

/** Tokens of a text; what could cost too much stands as it is, and only its own paragraph does. Never throws. */
function tokens(text: string): Token[] {
  if (!isHostile(text)) {
    try {
      return marked.lexer(text);
    } catch {
      // Nesting that the check did not see: as plain text below.
    }
  }
  const parts = text.match(/[\s\S]+?(?:\n\s*\n|$)/g) ?? [];
  return parts.length > 1 ? parts.flatMap(tokens) : [asText(text)];
}

const asText = (text: string): Token => ({ type: 'plain', raw: text, text }) as Token;

/** What makes the lexer recurse or backtrack without bound. */
const HOSTILE: RegExp[] = [
  // Quotes and lists within each other, on one line or by indenting.
  new RegExp(`(?:[ \\t]{0,8}(?:>|[-+*](?=[ \\t])|\\d{1,9}[.)](?=[ \\t]))){${MAX_DEPTH},}`),
  /\n[ \t]{200,}\S/,
  // Runs of marks that open something, alone or with a character between them.
  /[[\]()*_~`<!]{200,}/,
  /(?:[[(*_~<!]\S?){400,}/,
  // Very long words and gaps.
  /\S{4000,}/,
  /[ \t]{1000,}/,
];

export const isHostile = (text: string): boolean =>
  (text.length > MAX_BLOCK && !/\n\s*\n/.test(text)) || HOSTILE.some((pattern) => pattern.test(text));

/** The token with every link, picture and definition in it as it is written, unless that is its address. */
export function withAddresses(token: Token): Token {
  switch (token.type) {
    case 'def':
      return asText(token.raw);
    case 'link':
    case 'image':
      return [token.href, `<${token.href}>`].includes(token.raw) ? token : { type: 'source', raw: token.raw } as Token;
    case 'list':
      return { ...token, items: (token as Tokens.List).items.map(withAddresses) } as Token;
    case 'table':
      return tableWithAddresses(token as Tokens.Table);
    default:
      return 'tokens' in token && token.tokens ? { ...token, tokens: token.tokens.map(withAddresses) } as Token : token;
  }
}

function tableWithAddresses(token: Tokens.Table): Token {
  const cell = (part: Tokens.TableCell) => ({ ...part, tokens: part.tokens.map(withAddresses) });
  return { ...token, header: token.header.map(cell), rows: token.rows.map((row) => row.map(cell)) };
}

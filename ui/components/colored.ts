/** Lines with their comments, strings, numbers and keywords in colour, once the code for that is here. */
import { html, useEffect, useMemo } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import type { Language, LineState, Token } from './highlight.ts';

type Highlighter = typeof import('./highlight.ts');

const highlighter = signal<Highlighter | null>(null);

/** null: it is not here yet, could not be loaded, or the language is not known. */
function useLanguage(path: string): { highlight: Highlighter; language: Language } | null {
  const highlight = useSignalValue(highlighter);
  useEffect(() => {
    if (!highlighter.value) import('./highlight.ts').then((module) => highlighter.value = module, () => {});
  }, []);
  const language = highlight?.languageOf(path);
  return useMemo(() => highlight && language ? { highlight, language } : null, [highlight, language]);
}

const draw = (tokens: readonly Token[]): ComponentChildren =>
  tokens.map(({ text, kind }, i) => kind ? html`<span key=${i} class=${`tok-${kind}`}>${text}</span>` : text);

/** Of DiffRow. */
interface Row {
  kind: 'add' | 'del' | 'same' | 'gap';
  text: string;
  hunk?: unknown;
}

/** What the lines of both sides begin in. */
interface Sides {
  old: LineState;
  new: LineState;
}

/** Rows above the first one asked for that are read to find out what it begins in; a comment may be longer. */
const MAX_ABOVE = 500;
/** Ranges of rows that are remembered. */
const MAX_RANGES = 40;

/** Draws the texts of a diff's rows from `from` to `to`. */
export type ColoredRows = (from: number, to: number) => ComponentChildren[];

/** Both sides of a hunk are read for themselves. null: without colour. */
export function useColoredRows(path: string, rows: readonly Row[]): ColoredRows | null {
  const known = useLanguage(path);
  return useMemo(() => known && coloredRows(rows, known.highlight, known.language), [known, rows]);
}

function coloredRows(rows: readonly Row[], { tokenize }: Highlighter, language: Language): ColoredRows {
  const ranges = new Map<string, ComponentChildren[]>();
  /** By the row that begins with them. */
  const sides = new Map<number, Sides>();
  const read = (row: Row, states: Sides): { states: Sides; text: ComponentChildren } => {
    if (row.kind === 'gap') return { states: row.hunk ? NOTHING : states, text: row.text };
    const side = row.kind === 'del' ? 'old' : 'new';
    const { tokens, state } = tokenize(row.text.slice(1), states[side], language);
    const next = row.kind === 'same' ? { old: state, new: state } : { ...states, [side]: state };
    return { states: next, text: [row.text.slice(0, 1), draw(tokens)] };
  };
  const before = (from: number): Sides => {
    let at = Math.max(0, from - MAX_ABOVE);
    let states = sides.get(at) ?? NOTHING;
    for (; at < from; at++) states = sides.get(at + 1) ?? read(rows[at]!, states).states;
    return states;
  };
  return (from, to) => {
    const key = `${from} ${to}`;
    const known = ranges.get(key);
    if (known) return known;
    let states = sides.get(from) ?? before(from);
    const texts = rows.slice(from, to).map((row) => {
      const { text, states: next } = read(row, states);
      states = next;
      return text;
    });
    sides.set(to, states);
    ranges.set(key, texts);
    if (ranges.size > MAX_RANGES) ranges.delete(ranges.keys().next().value!);
    return texts;
  };
}

const NOTHING: Sides = { old: '', new: '' };

/** Draws single lines of a long text: what a line begins in is found out from those above, once. null: without colour. */
export function useColoredLines(path: string, lines: readonly string[]): ((index: number) => ComponentChildren) | null {
  const known = useLanguage(path);
  return useMemo(() => {
    if (!known) return null;
    const { highlight: { tokenize }, language } = known;
    const states: LineState[] = [''];
    return (index) => {
      while (states.length <= index) {
        states.push(tokenize(lines[states.length - 1]!, states.at(-1)!, language).state);
      }
      return draw(tokenize(lines[index]!, states[index]!, language).tokens);
    };
  }, [known, lines]);
}

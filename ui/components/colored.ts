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

/** The texts of a diff's first rows; both sides of a hunk are read for themselves. null: without colour. */
export function useColoredRows(path: string, rows: readonly Row[], count: number): ComponentChildren[] | null {
  const known = useLanguage(path);
  return useMemo(() => {
    if (!known) return null;
    let states = { old: '', new: '' };
    return rows.slice(0, count).map((row) => {
      if (row.kind === 'gap') {
        if (row.hunk) states = { old: '', new: '' };
        return row.text;
      }
      const side = row.kind === 'del' ? 'old' : 'new';
      const { tokens, state } = known.highlight.tokenize(row.text.slice(1), states[side], known.language);
      states = row.kind === 'same' ? { old: state, new: state } : { ...states, [side]: state };
      return [row.text.slice(0, 1), draw(tokens)];
    });
  }, [known, rows, count]);
}

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

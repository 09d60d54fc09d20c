import { html, useEffect, useRef, useState } from '../html.ts';
import { IconButton } from '../components/mod.ts';
import { tt } from '../i18n/en-terminal.ts';
import { pageColors } from './colors.ts';
import type { TerminalSession } from './session.ts';

/** Colours of matches; the addon takes no variables. The active match is also the selection, which hides its own colour. */
const colors = () => {
  const isDark = document.documentElement.dataset.theme === 'dark';
  return isDark ? { match: '#5a4a14', active: '#9a5b00' } : { match: '#ffe9a8', active: '#ffb454' };
};

export function SearchBar({ session, onClose }: { session: TerminalSession; onClose: () => void }) {
  const [text, setText] = useState('');
  const [result, setResult] = useState<{ resultIndex: number; resultCount: number } | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    const listener = session.search.onDidChangeResults(setResult);
    session.terminal.options.theme = { ...pageColors(), selectionInactiveBackground: colors().active };
    return () => {
      listener.dispose();
      session.terminal.options.theme = pageColors();
      session.search.clearDecorations();
      session.terminal.focus();
    };
  }, [session]);
  const { match, active } = colors();
  const options = {
    decorations: {
      matchBackground: match,
      activeMatchBackground: active,
      matchOverviewRuler: match,
      activeMatchColorOverviewRuler: active,
    },
  };
  const next = (incremental = false) => session.search.findNext(text, { ...options, incremental });
  const previous = () => session.search.findPrevious(text, options);
  useEffect(() => {
    if (text) next(true);
    else session.search.clearDecorations();
  }, [text]);
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose();
    else if (event.key !== 'Enter') return;
    else if (event.shiftKey) previous();
    else next();
    event.preventDefault();
  };
  return html`
    <div class="terminal-search" role="search">
      <input ref=${field} class="input" type="search" value=${text} aria-label=${tt.searchHint} placeholder=${tt
        .searchHint}
        autocapitalize="off" autocomplete="off" spellcheck=${false} onKeyDown=${onKey}
        onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)} />
      <span class="hint" role="status">${text && result && tt.found(result.resultIndex + 1, result.resultCount)}</span>
      <${IconButton} icon="up" label=${tt.previous} onClick=${previous} />
      <${IconButton} icon="arrowDown" label=${tt.next} onClick=${() => next()} />
      <${IconButton} icon="cross" label=${tt.closeSearch} onClick=${onClose} />
    </div>
  `;
}

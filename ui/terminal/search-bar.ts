import { html, useEffect, useRef, useState } from '../html.ts';
import { IconButton } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { isComposing } from '../keyboard.ts';
import { pageColors } from './colors.ts';
import type { TerminalSession } from './session.ts';

/** Colours of matches; the addon takes no variables. The active match is also the selection, which hides its own colour. */
const colors = () => {
  const isDark = document.documentElement.dataset.theme === 'dark';
  return isDark ? { match: '#5a4a14', active: '#9a5b00' } : { match: '#ffe9a8', active: '#ffb454' };
};

const options = () => {
  const { match, active } = colors();
  return {
    decorations: {
      matchBackground: match,
      activeMatchBackground: active,
      matchOverviewRuler: match,
      activeMatchColorOverviewRuler: active,
    },
  };
};

export function SearchBar({ session, onClose }: { session: TerminalSession; onClose: () => void }) {
  const [text, setText] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const found = useSearch(session);
  const { search } = session;
  const next = (incremental = false) => search.findNext(text, { ...options(), incremental });
  const previous = () => search.findPrevious(text, options());
  useEffect(() => field.current?.focus(), [session]);
  useEffect(() => {
    if (text) next(true);
    else search.clearDecorations();
  }, [text]);
  function onKey(event: KeyboardEvent): void {
    if (isComposing(event)) return;
    if (event.key === 'Escape') onClose();
    else if (event.key !== 'Enter') return;
    else if (event.shiftKey) previous();
    else next();
    event.preventDefault();
  }
  return html`
    <div class="terminal-search" role="search">
      <input
        ref=${field}
        class="input"
        type="search"
        aria-label=${t.terminal.searchHint}
        placeholder=${t.terminal.searchHint}
        autocapitalize="off"
        autocomplete="off"
        spellcheck=${false}
        value=${text}
        onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)}
        onKeyDown=${onKey}
      />
      <span class="hint" role="status">${text && found}</span>
      <${IconButton} icon="up" label=${t.terminal.previous} onClick=${previous} />
      <${IconButton} icon="arrowDown" label=${t.terminal.next} onClick=${() => next()} />
      <${IconButton} icon="cross" label=${t.terminal.closeSearch} onClick=${onClose} />
    </div>
  `;
}

/** How many matches there are, in words; marks the active one while the bar is open. */
function useSearch({ search, terminal }: TerminalSession): string {
  const [result, setResult] = useState<{ resultIndex: number; resultCount: number } | null>(null);
  useEffect(() => {
    const listener = search.onDidChangeResults(setResult);
    terminal.options.theme = { ...pageColors(), selectionInactiveBackground: colors().active };
    return () => {
      listener.dispose();
      terminal.options.theme = pageColors();
      search.clearDecorations();
      terminal.focus();
    };
  }, [search]);
  return result ? t.terminal.found(result.resultIndex + 1, result.resultCount) : '';
}

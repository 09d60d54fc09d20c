/** Unsent text, kept on this device. */
import { useCallback, useState } from '../html.ts';

const PREFIX = 'draft.';

/** State that survives leaving the page and reloading, from the very key press on; an empty text is forgotten. */
export function useDraft(name: string): [string, (text: string) => void] {
  const [text, show] = useState(() => localStorage.getItem(PREFIX + name) ?? '');
  const setText = useCallback((next: string) => {
    keep(PREFIX + name, next);
    show(next);
  }, [name]);
  return [text, setText];
}

function keep(key: string, text: string): void {
  try {
    if (text) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // A full storage: the draft lives as long as the page.
  }
}

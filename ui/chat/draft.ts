/** Unsent text, kept on this device. */
import { useEffect, useState } from '../html.ts';

const PREFIX = 'draft.';

/** State that survives leaving the page and reloading; an empty text is forgotten. */
export function useDraft(name: string): [string, (text: string) => void] {
  const [text, setText] = useState(() => localStorage.getItem(PREFIX + name) ?? '');
  useEffect(() => {
    try {
      if (text) localStorage.setItem(PREFIX + name, text);
      else localStorage.removeItem(PREFIX + name);
    } catch {
      // A full storage: the draft lives as long as the page.
    }
  }, [name, text]);
  return [text, setText];
}

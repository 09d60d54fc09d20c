/** What is not sent yet: text is kept on this device, anything else as long as the page lives. */
import { cell, useCell } from '../cell.ts';
import type { Cell } from '../cell.ts';
import { useCallback, useMemo, useState } from '../html.ts';

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

/** Only what differs from its beginning. */
const kept = new Map<string, Cell<any>>();

/** State that survives that another tab of the agent is shown meanwhile. @param initial compared by identity */
export function useKept<T>(name: string, initial: T): [T, (next: T | ((old: T) => T)) => void] {
  const mine = useMemo((): Cell<T> => kept.get(name) ?? cell(initial), [name]);
  const set = (next: T | ((old: T) => T)) => {
    const value = next instanceof Function ? next(mine.get()) : next;
    if (Object.is(value, initial)) kept.delete(name);
    else kept.set(name, mine);
    mine.set(value);
  };
  return [useCell(mine), set];
}

/** What is not sent yet: text is kept on this device, anything else as long as the page lives. */
import { deviceStorage, keep } from '../device-storage.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';
import { useCallback, useMemo, useState } from '../html.ts';

const PREFIX = 'draft.';

/** State that survives leaving the page and reloading, from the very key press on; an empty text is forgotten. */
export function useDraft(name: string): [string, (text: string) => void] {
  const [text, show] = useState(() => deviceStorage.getItem(PREFIX + name) ?? '');
  const setText = useCallback((next: string) => {
    keep(PREFIX + name, next);
    show(next);
  }, [name]);
  return [text, setText];
}

/** Only what differs from its beginning. */
const retained = new Map<string, Signal<any>>();

/** State that survives that another tab of the agent is shown meanwhile. @param initial compared by identity */
export function usePageState<T>(name: string, initial: T): [T, (next: T | ((old: T) => T)) => void] {
  const mine = useMemo((): Signal<T> => retained.get(name) ?? signal(initial), [name]);
  const set = (next: T | ((old: T) => T)) => {
    const value = next instanceof Function ? next(mine.value) : next;
    if (Object.is(value, initial)) retained.delete(name);
    else retained.set(name, mine);
    mine.value = value;
  };
  return [useSignalValue(mine), set];
}

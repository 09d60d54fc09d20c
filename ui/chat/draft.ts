/** What is not sent yet: text is kept on this device, anything else as long as the page lives. */
import { deviceStorage, keep } from '../device-storage.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';
import { useCallback, useMemo, useState } from '../html.ts';

const PREFIX = 'draft.';

/** A text for a composer that is shown later. */
export const keepDraft = (name: string, text: string): void => keep(PREFIX + name, text);

/** State that survives leaving the page and reloading, from the very key press on; an empty text is forgotten. */
export function useDraft(name: string): [string, (text: string) => void] {
  const [text, show] = useState(() => deviceStorage.getItem(PREFIX + name) ?? '');
  const setText = useCallback((next: string) => {
    keep(PREFIX + name, next);
    show(next);
  }, [name]);
  return [text, setText];
}

/** States that are shared by name; of more than these, those that are as they began are forgotten. */
const MAX_STATES = 500;
const states = new Map<string, { state: Signal<any>; initial: unknown }>();

/**
 * The state of a name. It is one from the first use on: a picture is still being read when the page that took it is left, and
 * belongs to the page that is shown by then.
 */
export function pageState<T>(name: string, initial: T): Signal<T> {
  const known = states.get(name);
  if (known) return known.state;
  if (states.size >= MAX_STATES) forgetUnchanged();
  const state = signal(initial);
  states.set(name, { state, initial });
  return state;
}

function forgetUnchanged(): void {
  for (const [name, { state, initial }] of states) if (Object.is(state.value, initial)) states.delete(name);
}

/** State that survives that another tab of the agent is shown meanwhile. @param initial compared by identity */
export function usePageState<T>(name: string, initial: T): [T, (next: T | ((old: T) => T)) => void] {
  const mine = useMemo(() => pageState(name, initial), [name]);
  const set = (next: T | ((old: T) => T)) => void (mine.value = next instanceof Function ? next(mine.value) : next);
  return [useSignalValue(mine), set];
}

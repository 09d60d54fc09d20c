import { useApp, useIsConnected } from '../app.ts';
import { useCallback, useEffect, useMemo } from '../html.ts';
import { createEntry } from '../state/resource.ts';
import type { ResourceState } from '../state/resource.ts';
import { useSignalValue } from '../state/signal.ts';

export interface Resource<T> extends ResourceState<T> {
  reload: () => void;
  set: (value: T) => void;
}

/**
 * Data that a component asks for by itself, beside the store. What could not be loaded is asked for again when the
 * connection is back.
 * @param load asks the server; called again when one of `about` changes or by reload()
 * @param key keeps the value beyond the component and shares it with others that use the same key: those that are about the same
 * ask once
 */
export function useResource<T>(
  load: (old: T | null) => Promise<T>,
  about: readonly unknown[],
  key?: string,
): Resource<T> {
  const { resources } = useApp();
  const entry = useMemo(() => (key === undefined ? createEntry<T>() : resources.entry<T>(key)), [key]);
  const state = useSignalValue(entry.state);
  const reload = useCallback(() => entry.load(load), [entry, ...about]);
  const want = () => entry.want(reasonOf(about), load);
  useEffect(key === undefined ? reload : want, [reload]);
  const isUp = useIsConnected();
  useEffect(() => {
    if (isUp && state.error && !entry.state.value.loading) reload();
  }, [isUp]);
  return { ...state, reload, set: entry.set };
}

/** Two that ask about the same have the same reason. */
export const reasonOf = (about: readonly unknown[]): string => JSON.stringify(about);

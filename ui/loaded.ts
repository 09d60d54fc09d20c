/**
 * Data that a page asks for by itself, beside the store: the last value stays on show while it is loaded again. What could not
 * be loaded is asked for again when the connection is back.
 */
import { useCell } from './cell.ts';
import { useCallback, useEffect, useRef, useState } from './html.ts';
import { live } from './services.ts';

export interface Loaded<T> {
  value: T | null;
  error: string;
  loading: boolean;
  reload: () => void;
  set: (value: T) => void;
}

/** @param load asks the server; called again when one of `about` changes or by reload() */
export function useLoaded<T>(load: () => Promise<T>, about: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; error: string; loading: boolean }>({
    value: null,
    error: '',
    loading: true,
  });
  const turn = useRef(0);
  const reload = useCallback(() => {
    const mine = ++turn.current;
    setState((old) => ({ ...old, loading: true }));
    load().then(
      (value) => mine === turn.current && setState({ value, error: '', loading: false }),
      (error: Error) => mine === turn.current && setState((old) => ({ ...old, error: error.message, loading: false })),
    );
  }, about);
  useEffect(() => {
    reload();
    return () => void turn.current++;
  }, [reload]);
  const isUp = useCell(live.link, (link) => link.phase === 'up');
  useEffect(() => {
    if (isUp && state.error) reload();
  }, [isUp]);
  const set = useCallback((value: T) => {
    turn.current++;
    setState({ value, error: '', loading: false });
  }, []);
  return { ...state, reload, set };
}

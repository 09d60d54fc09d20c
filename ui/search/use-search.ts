import { isSearchable } from '../../core/api/search.ts';
import { useApp, useIsConnected } from '../app.ts';
import { useEffect, useRef, useState } from '../html.ts';
import { useSignalValue } from '../state/signal.ts';
import { askMachine, begun, type MachineResult } from './search-state.ts';

/** So long after the last key the search begins, ms. */
const TYPING_MS = 250;

export interface SearchView {
  /** Of each machine; empty: nothing is searched. */
  results: readonly MachineResult[];
  /** Asks those that have more. */
  more: () => void;
  /** Asks all of them from the beginning. */
  again: () => void;
}

/** Searches all machines side by side, once the query stays as it is; again when the connection is back. */
export function useSearch(query: string): SearchView {
  const apps = useSignalValue(useApp().fleet.apps);
  const [results, setResults] = useState<readonly MachineResult[]>([]);
  const [round, setRound] = useState(0);
  const abort = useRef(new AbortController());
  const isUp = useIsConnected();
  const report = (result: MachineResult) =>
    setResults((old) => old.map((other) => other.app === result.app ? result : other));
  const ask = (from: MachineResult) => void askMachine(from, query, abort.current.signal, report);
  useEffect(() => {
    abort.current.abort();
    abort.current = new AbortController();
    if (!isSearchable(query)) return setResults([]);
    const start = () => {
      const first = apps.map(begun);
      setResults(first);
      first.forEach(ask);
    };
    const timer = setTimeout(start, results.length ? TYPING_MS : 0);
    return () => {
      clearTimeout(timer);
      abort.current.abort();
    };
  }, [query, apps, round]);
  const again = () => setRound(round + 1);
  useEffect(() => {
    if (isUp && results.some(({ error }) => error)) again();
  }, [isUp]);
  const more = () => results.filter(({ answer, isBusy }) => answer?.cursor && !isBusy).forEach(askAgain);
  const askAgain = (from: MachineResult) => {
    report({ ...from, isBusy: true });
    ask(from);
  };
  return { results, more, again };
}

/**
 * The phone's Back closes what lies over the page before it leaves the page. While something lies there, the history has one
 * entry of ours for each of it, with the page's own address; whatever closes it otherwise takes its entry out again.
 */
import { useLayoutEffect, useRef } from './html.ts';

interface Layer {
  close(): void;
}

/** Open layers, the uppermost last. */
const layers: Layer[] = [];
/** How many entries of ours the current entry stands on, itself included. */
let entries = 0;
/** We asked the browser to go back; until it has, the history is left alone. */
let isReturning = false;
let isScheduled = false;
/** What goes on once no more than one entry is left. */
let departure: (() => void) | null = null;

const entriesOf = (state: unknown): number => Number((state as { layers?: unknown } | null)?.layers) || 0;

/** Follows the history from now on. What an earlier page of this tab left (it was loaded again with a dialog open) is taken out. */
export function startBack(): void {
  addEventListener('popstate', (event) => arrived(entriesOf(event.state)));
  entries = entriesOf(history.state);
  settle();
}

/** While the component is drawn with `isOpen`, Back calls `close` instead of leaving the page. */
export function useBack(close: () => void, isOpen = true): void {
  const current = useRef(close);
  current.current = close;
  useLayoutEffect(() => isOpen ? addLayer({ close: () => current.current() }) : undefined, [isOpen]);
}

/** Something lies over the page, or its entry is not yet taken out. */
export const isCovered = (): boolean => entries > 0 || layers.length > 0;

function addLayer(layer: Layer): () => void {
  layers.push(layer);
  schedule();
  return () => {
    layers.splice(layers.indexOf(layer), 1);
    schedule();
  };
}

/**
 * Closes everything and runs `move`, which goes to another address.
 * @param move with whether the current entry is ours: then it becomes the other address's, so that Back finds none of ours
 */
export function leave(move: (isOurs: boolean) => void): void {
  closeAbove(0);
  departure = () => {
    const isOurs = entries > 0;
    entries = 0;
    move(isOurs);
    history.scrollRestoration = 'auto';
  };
  settle();
}

/** Later than what closes one thing and opens the next: those two need no change of the history. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setTimeout(() => {
    isScheduled = false;
    settle();
  });
}

/** Makes the history fit what is open. */
function settle(): void {
  if (isReturning) return;
  const wanted = departure ? Math.min(entries, 1) : layers.length;
  if (wanted < entries) {
    isReturning = true;
    history.go(wanted - entries);
    return;
  }
  // The page may have been scrolled meanwhile, and stays where it is.
  if (entries < wanted) history.scrollRestoration = 'manual';
  while (entries < wanted) history.pushState({ layers: ++entries }, '');
  const move = departure;
  departure = null;
  move?.();
}

function arrived(at: number): void {
  // Nobody pressed Back: what has been opened since stays open.
  if (!isReturning) closeAbove(at);
  isReturning = false;
  entries = at;
  if (at === 0) history.scrollRestoration = 'auto';
  schedule();
}

function closeAbove(count: number): void {
  for (const layer of layers.slice(count).reverse()) layer.close();
}

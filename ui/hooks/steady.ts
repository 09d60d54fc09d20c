/**
 * An answer is taken only from a button that has stood where it is for a while: what was pressed was then what was seen. New
 * buttons, buttons that moved and buttons that were covered are not there yet.
 */
import { useEffect, useRef, useState } from '../html.ts';

/** A button must have been seen at its place for so long, ms. */
export const STEADY_MS = 600;
/** How often places are looked at, ms. */
const SAMPLE_MS = 100;
/** Less than this is not a move; px. */
const MAX_SHIFT = 2;

/** Where a button is: on the screen, and in what is scrolled. */
interface Place {
  box: DOMRect;
  scrolled: number;
  /** Of the content of the scroller: it changes when something comes or goes. */
  height: number;
}

interface Watch {
  readonly element: HTMLElement;
  readonly scroller: Element;
  place: Place;
  /** Since when it is seen where it is now. */
  since: number;
  isSteady: boolean;
  readonly onChange: (isSteady: boolean) => void;
}

const watches = new Set<Watch>();
let timer: ReturnType<typeof setInterval> | undefined;
let clickedAt = -Infinity;

export interface Steady {
  /** For the element. */
  ref: { current: HTMLButtonElement | null };
  /** It may be pressed. */
  isSteady: boolean;
  /** The same, looked at this very moment. */
  check: () => boolean;
}

/** Watches the element that gets `ref`. */
export function useSteady(): Steady {
  const ref = useRef<HTMLButtonElement>(null);
  const [isSteady, setSteady] = useState(false);
  const watch = useRef<Watch | null>(null);
  useEffect(() => {
    watch.current = start(ref.current!, setSteady);
    return () => stop(watch.current!);
  }, []);
  return { ref, isSteady, check: () => watch.current !== null && look(watch.current, performance.now()) };
}

function start(element: HTMLElement, onChange: (isSteady: boolean) => void): Watch {
  const scroller = scrollerOf(element);
  const place = placeOf(element, scroller);
  const watch = { element, scroller, place, since: performance.now(), isSteady: false, onChange };
  if (watches.size === 0) listen();
  watches.add(watch);
  return watch;
}

function stop(watch: Watch): void {
  watches.delete(watch);
  if (watches.size === 0) ignore();
}

function listen(): void {
  timer = setInterval(lookAtAll, SAMPLE_MS);
  addEventListener('click', onClick, { capture: true, passive: true });
}

function ignore(): void {
  clearInterval(timer);
  removeEventListener('click', onClick, { capture: true });
}

function onClick(): void {
  clickedAt = performance.now();
}

function lookAtAll(): void {
  const now = performance.now();
  for (const watch of watches) look(watch, now);
}

function look(watch: Watch, now: number): boolean {
  const { element, scroller, place: before } = watch;
  watch.place = placeOf(element, scroller);
  if (isMoved(before, watch.place, now) || isCovered(element, before, watch.place)) watch.since = now;
  const isSteady = now - watch.since >= STEADY_MS;
  if (isSteady !== watch.isSteady) {
    watch.isSteady = isSteady;
    watch.onChange(isSteady);
  }
  return isSteady;
}

/** The nearest element around it that scrolls, or the page. */
function scrollerOf(element: HTMLElement): Element {
  for (let up = element.parentElement; up; up = up.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(up).overflowY)) return up;
  }
  return document.scrollingElement ?? document.documentElement;
}

const placeOf = (element: HTMLElement, scroller: Element): Place => ({
  box: element.getBoundingClientRect(),
  scrolled: scroller.scrollTop,
  height: scroller.scrollHeight,
});

/** Who scrolls sees what moves. A scroll that follows a click was the page's own doing, and so is any other move. */
function isMoved(before: Place, after: Place, now: number): boolean {
  if (isSameBox(before.box, after.box)) return false;
  const shift = before.scrolled - after.scrolled;
  const { x, y, width, height } = before.box;
  const isScrolled = before.height === after.height && isSameBox(new DOMRect(x, y + shift, width, height), after.box);
  return !isScrolled || now - clickedAt < STEADY_MS;
}

const isSameBox = (a: DOMRect, b: DOMRect): boolean =>
  Math.abs(a.x - b.x) <= MAX_SHIFT && Math.abs(a.y - b.y) <= MAX_SHIFT &&
  Math.abs(a.width - b.width) <= MAX_SHIFT && Math.abs(a.height - b.height) <= MAX_SHIFT;

/**
 * Something lies before it: a dialog, a menu, a bar. What is out of view is not covered, it can only be scrolled to; what is
 * scrolled comes from under a bar.
 */
function isCovered(element: HTMLElement, before: Place, { box: { x, y, width, height }, scrolled }: Place): boolean {
  if (before.scrolled !== scrolled) return false;
  const hit = document.elementFromPoint(x + width / 2, y + height / 2);
  return hit !== null && !element.contains(hit);
}

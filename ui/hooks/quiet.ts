/**
 * Nothing moves under a finger: while the user presses something, and shortly after, lists keep their order and answered
 * cards stay where they are.
 */
import { useEffect, useRef } from '../html.ts';
import { signal, useSignalValue } from '../state/signal.ts';

/** After the last press the page stays as it is for so long, ms. */
export const QUIET_MS = 1000;
/** A press whose end was never seen (it ended outside of the window) is over after, ms. */
const MAX_PRESS_MS = 10_000;

const isQuiet = signal(true);
let users = 0;
let isPressed = false;
let pressedAt = -Infinity;
let timer: ReturnType<typeof setTimeout> | undefined;

/** False while something is pressed and for QUIET_MS after it. */
export function useQuiet(): boolean {
  useEffect(() => {
    if (users++ === 0) listen();
    return () => {
      if (--users === 0) ignore();
    };
  }, []);
  return useSignalValue(isQuiet);
}

const EVENTS = [
  'pointerdown',
  'pointerup',
  'pointercancel',
  'touchstart',
  'touchend',
  'touchcancel',
  'click',
  'keydown',
];
const OPTIONS = { capture: true, passive: true };

function listen(): void {
  for (const name of EVENTS) addEventListener(name, onEvent, OPTIONS);
  addEventListener('blur', release);
}

function ignore(): void {
  for (const name of EVENTS) removeEventListener(name, onEvent, OPTIONS);
  removeEventListener('blur', release);
  clearTimeout(timer);
  isPressed = false;
  isQuiet.value = true;
}

function onEvent(event: Event): void {
  if (event.type === 'keydown' && !['Enter', ' '].includes((event as KeyboardEvent).key)) return;
  // Drawing anew while a choice is being made would take it back: what pressed it was seen already, and an arrow key moves nothing.
  if (event.type === 'click' && event.target instanceof HTMLInputElement) return;
  // A touch that scrolls ends its pointer, but the finger is still there.
  if (event.type.startsWith('touch')) isPressed = (event as TouchEvent).touches.length > 0;
  else if (event.type === 'pointerdown') isPressed = true;
  else if (event.type === 'pointerup') isPressed = false;
  else if (event.type === 'pointercancel' && (event as PointerEvent).pointerType !== 'touch') isPressed = false;
  pressedAt = performance.now();
  isQuiet.value = false;
  clearTimeout(timer);
  timer = setTimeout(settle, QUIET_MS);
}

function release(): void {
  isPressed = false;
}

function settle(): void {
  const left = (isPressed ? MAX_PRESS_MS : QUIET_MS) - (performance.now() - pressedAt);
  if (left > 0) {
    timer = setTimeout(settle, Math.min(left, QUIET_MS));
    return;
  }
  isPressed = false;
  isQuiet.value = true;
}

interface Item {
  readonly id: string;
  /** Where ids alone are not unique. */
  readonly key?: string;
}

const keyOf = ({ key, id }: Item): string => key ?? id;

/**
 * A list whose entries keep their place until the page is quiet: none goes, none comes before another.
 * @param items as they are now
 * @param find an entry that is no longer among the items, by its key, as it is now
 * @param about while this is the same, the list is the same; a filter that the user chose, say
 */
export function useSteadyList<T extends Item>(
  items: readonly T[],
  find: (key: string) => T | undefined,
  about: string,
): readonly T[] {
  const quiet = useQuiet();
  const shown = useRef<{ about: string; keys: string[] }>({ about, keys: [] });
  const isHeld = !quiet && shown.current.about === about;
  const list = isHeld ? steady(shown.current.keys, items, find) : items;
  shown.current = { about, keys: list.map(keyOf) };
  return list;
}

/** Those of before in their order, then the new ones. */
export function steady<T extends Item>(
  before: readonly string[],
  items: readonly T[],
  find: (key: string) => T | undefined,
): readonly T[] {
  const current = new Map(items.map((item) => [keyOf(item), item]));
  const old = before.map((key) => current.get(key) ?? find(key)).filter((item) => item !== undefined);
  const known = new Set(old.map(keyOf));
  return [...old, ...items.filter((item) => !known.has(keyOf(item)))];
}

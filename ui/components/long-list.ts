/**
 * A list in the page's own scroll, with rows of any height, of which only those near the view are drawn: a thousand entries
 * cost as much as twenty. The rows above and below are one space each.
 */
import { html, useEffect, useLayoutEffect, useMemo, useReducer, useRef } from '../html.ts';
import type { VNode } from '../html.ts';
import { whenIdle } from '../idle.ts';
import { averageOf, geometryOf, isSame, nextRange, partsOf, rowsWithin } from './row-window.ts';
import type { Geometry, Part, Range, Wanted } from './row-window.ts';

/** Drawn at once beyond what is seen, on each side; px. */
const NEAR = 200;
/** Drawn row by row while the page has nothing else to do: a row that comes into view is there before; px. */
const FAR = 700;
/** So long after the last step of a scroll the list stands still, ms. */
const SCROLL_REST_MS = 150;
/** A page with so many entries draws them all. */
const MAX_WHOLE = 24;

interface Props<T extends object> {
  items: readonly T[];
  keyOf: (item: T) => string;
  /** Called once for an item, and again when `about` changes. */
  draw: (item: T) => VNode;
  about?: unknown;
  /** Entries of all lists of the page. */
  total: number;
  /** Which list it is: the heights of its rows are remembered. */
  name: string;
  class?: string;
}

export function LongList<T extends object>(props: Props<T>) {
  const { items, keyOf, draw, about } = props;
  const { box, parts, gap } = useWindow(props);
  const drawn = useMemo(() => new WeakMap<T, VNode>(), [about]);
  const entry = (item: T) => {
    const known = drawn.get(item) ?? draw(item);
    drawn.set(item, known);
    return known;
  };
  const children = parts.map((part) => {
    if ('height' in part) return space(part.height - gap);
    const item = items[part.index]!;
    const key = keyOf(item);
    return html`<li key=${key} data-key=${key}>${entry(item)}</li>`;
  });
  return html`<ul ref=${box} class=${props.class}>${children}</ul>`;
}

/** The list's gap follows it, as it follows every row. */
const space = (height: number) =>
  html`<li class="list-space" aria-hidden="true" style=${{ height: `${Math.max(0, height)}px` }}></li>`;

/** What is in the list now: follows scrolling, the focus, the list's width, and how high that is which was drawn. */
function useWindow<T extends object>({ items, keyOf, total, name }: Props<T>) {
  const box = useRef<HTMLUListElement>(null);
  const geometry = useMemo(() => geometryOf(name), [name]);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const range = useRef<Range>(useMemo(() => firstRange(geometry), [geometry]));
  const gap = useRef(0);
  const isWhole = total <= MAX_WHOLE;
  const rows = Math.ceil(items.length / geometry.columns);
  const focused = isWhole ? undefined : focusedKey(box.current);
  const focus = focused === undefined ? -1 : items.findIndex((item) => keyOf(item) === focused);
  const shown = isWhole ? { from: 0, to: rows } : range.current;
  const parts = partsOf(items.length, geometry, shown, Math.floor(focus / geometry.columns));
  const { columns } = geometry;
  const onLayout = () => {
    if (!isWhole && box.current) gap.current = measure(box.current, parts, geometry);
  };
  // Here, so that it is in the time that was idle, where the row was drawn: the next frame finds it laid out.
  useLayoutEffect(onLayout);
  /** @returns whether there is more to draw, or less */
  const look = (isIdle: boolean): boolean => {
    if (!box.current) return false;
    const next = nextRange(range.current, inView(box.current, geometry, rows), isIdle);
    if (isSame(range.current, next.range) && columns === geometry.columns) return next.isMore;
    range.current = next.range;
    redraw(undefined as never);
    return true;
  };
  useFollowing(box, { look, onLayout, redraw: () => redraw(undefined as never) }, isWhole);
  return { box, parts, gap: gap.current };
}

/** Before the page has said where it is scrolled to: its beginning. */
const firstRange = ({ heights, columns }: Geometry): Range => ({
  from: 0,
  to: Math.max(1, Math.ceil((innerHeight + NEAR) / averageOf(heights) / columns)),
});

/** Rows that must be there now, and those that are drawn when there is time. */
function inView(list: HTMLElement, { heights }: Geometry, rows: number): Wanted {
  const { top } = list.getBoundingClientRect();
  const within = (beyond: number) => rowsWithin(heights, rows, -top - beyond, innerHeight - top + beyond);
  return { near: within(NEAR), far: within(FAR) };
}

/** The entry that has the focus. */
const focusedKey = (list: HTMLElement | null): string | undefined =>
  list?.contains(document.activeElement)
    ? document.activeElement!.closest<HTMLElement>('li[data-key]')?.dataset.key
    : undefined;

interface ListSteps {
  look(isIdle: boolean): boolean;
  onLayout(): void;
  redraw(): void;
}

/** Looks after whatever may change the rows in view, and goes on while the page has time. */
function useFollowing(
  box: { readonly current: HTMLElement | null },
  list: ListSteps,
  isWhole: boolean,
): void {
  const latest = useRef(list);
  latest.current = list;
  const later = useRef(() => {});
  useEffect(() => {
    const element = box.current;
    if (isWhole || !element) return;
    let cancel: (() => void) | null = null;
    const run = (isIdle: boolean) => {
      if (latest.current.look(isIdle)) later.current();
    };
    later.current = () => {
      cancel ??= whenIdle(() => {
        cancel = null;
        run(true);
      });
    };
    const endStillness = stillWhileScrolling(element);
    const onScroll = (event: Event) => isAround(event.target, element) && run(false);
    const observer = new ResizeObserver(() => {
      latest.current.onLayout();
      run(false);
    });
    observer.observe(element);
    // Lists scroll by themselves on a wide screen, and with the page on a phone.
    addEventListener('scroll', onScroll, { passive: true, capture: true });
    const onFocus = () => latest.current.redraw();
    element.addEventListener('focusin', onFocus);
    return () => {
      cancel?.();
      endStillness();
      later.current = () => {};
      observer.disconnect();
      removeEventListener('scroll', onScroll, { capture: true });
      element.removeEventListener('focusin', onFocus);
    };
  }, [isWhole]);
  useLayoutEffect(() => later.current());
}

/** What was scrolled moves the list: another part of the page does not. */
const isAround = (scrolled: EventTarget | null, list: HTMLElement): boolean =>
  scrolled instanceof Node && scrolled.contains(list);

/**
 * Marks the list while it is scrolled: what turns in its rows stops meanwhile, for each of them costs a part of every frame.
 * @returns the function that ends it
 */
function stillWhileScrolling(list: HTMLElement): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let scrolledAt = 0;
  const look = () => {
    const left = scrolledAt + SCROLL_REST_MS - performance.now();
    timer = left > 0 ? setTimeout(look, left) : null;
    if (!timer) delete list.dataset.scrolling;
  };
  const onScroll = ({ target }: Event) => {
    if (!isAround(target, list)) return;
    scrolledAt = performance.now();
    if (timer) return;
    list.dataset.scrolling = '';
    timer = setTimeout(look, SCROLL_REST_MS);
  };
  addEventListener('scroll', onScroll, { passive: true, capture: true });
  return () => {
    removeEventListener('scroll', onScroll, { capture: true });
    if (timer) clearTimeout(timer);
  };
}

/** Takes down how high the drawn rows are, and how many columns there are. @returns the gap between rows, px */
function measure(list: HTMLElement, parts: readonly Part[], geometry: Geometry): number {
  const { display, gridTemplateColumns, rowGap } = getComputedStyle(list);
  const columns = display === 'grid' ? gridTemplateColumns.split(' ').length : 1;
  const gap = parseFloat(rowGap) || 0;
  if (columns !== geometry.columns) {
    geometry.columns = columns;
    geometry.heights = [];
    return gap;
  }
  const { children } = list;
  const topOf = (i: number) => (children[i] as HTMLElement | undefined)?.offsetTop;
  const bottom = list.offsetTop + list.offsetHeight + gap;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if ('height' in part || part.index % columns) continue;
    let next = i + 1;
    for (let other = parts[next]; next < i + columns && other && 'index' in other; other = parts[next]) next++;
    geometry.heights[part.index / columns] = (topOf(next) ?? bottom) - topOf(i)!;
  }
  return gap;
}

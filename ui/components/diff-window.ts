/**
 * Which rows of a long diff are drawn: those near what is seen of its box, in chunks, with one space above and one below. A
 * chunk has the height that its text suggests until it was drawn, then the one that it had.
 */
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef } from '../html.ts';
import { type Geometry, type Part, partsOf, type Range, rowsWithin } from './row-window.ts';

/** Rows of a chunk. */
export const CHUNK = 50;
/** A diff with so many rows is drawn as a whole: the browser's own search finds everything in it. */
export const MAX_WHOLE = 400;
/** Drawn beyond what is seen, on each side; px. */
const OVERSCAN = 600;
/** A character's width, of the size of its font. */
const CHARACTER = 0.6;
const LINE_HEIGHT = 1.5;
/** What a row has beside its text, in characters. */
const FRAME = 6;

interface TextRow {
  text: string;
}

export interface DiffWindow {
  box: { current: HTMLDivElement | null };
  /** Chunks and spaces, in order. */
  parts: readonly Part[];
  /** To be called when the box was scrolled. */
  look: () => void;
  /** Brings a row into view. */
  show: (row: number) => void;
}

export function useDiffWindow(rows: readonly TextRow[]): DiffWindow {
  const box = useRef<HTMLDivElement>(null);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const geometry = useMemo<Geometry & { width: number }>(() => ({ columns: 1, heights: [], width: 0 }), [rows]);
  const range = useRef<Range>({ from: 0, to: 1 });
  const wanted = useRef(-1);
  const count = Math.ceil(rows.length / CHUNK);
  const shown = rows.length <= MAX_WHOLE ? { from: 0, to: count } : clamped(range.current, count);
  const parts = partsOf(count, geometry, shown, focusedChunk(box.current));
  const look = () => {
    const next = box.current ? inView(box.current, geometry, count) : range.current;
    if (next.from === next.to || (next.from === range.current.from && next.to === range.current.to)) return;
    range.current = next;
    redraw(undefined as never);
  };
  useLayoutEffect(() => {
    if (!box.current || rows.length <= MAX_WHOLE) return;
    measure(box.current, rows, geometry);
    if (wanted.current >= 0) scrollTo(box.current, wanted.current);
    wanted.current = -1;
    look();
  });
  useResize(box, () => redraw(undefined as never));
  const show = (row: number) => {
    wanted.current = row;
    const chunk = Math.floor(row / CHUNK);
    range.current = { from: chunk, to: chunk + 1 };
    redraw(undefined as never);
  };
  return { box, parts, look, show };
}

const clamped = ({ from, to }: Range, count: number): Range =>
  from < count ? { from, to: Math.min(to, count) } : { from: Math.max(0, count - 1), to: count };

function inView({ scrollTop, clientHeight }: HTMLElement, { heights }: Geometry, count: number): Range {
  if (!clientHeight) return { from: 0, to: 0 };
  return rowsWithin(heights, count, scrollTop - OVERSCAN, scrollTop + clientHeight + OVERSCAN);
}

/** It stays where it is drawn: who writes a comment may scroll. -1: none. */
function focusedChunk(box: HTMLElement | null): number {
  const focused = box?.contains(document.activeElement) ? document.activeElement!.closest('tbody') : null;
  return focused?.dataset.chunk === undefined ? -1 : Number(focused.dataset.chunk);
}

/** Takes down the heights of what is drawn; all of them are guessed anew when the width has changed. */
function measure(box: HTMLElement, rows: readonly TextRow[], geometry: Geometry & { width: number }): void {
  if (geometry.width !== box.clientWidth) {
    geometry.width = box.clientWidth;
    geometry.heights = guess(box, rows);
  }
  for (const chunk of box.querySelectorAll<HTMLElement>('tbody[data-chunk]')) {
    geometry.heights[Number(chunk.dataset.chunk)] = chunk.getBoundingClientRect().height;
  }
}

function guess(box: HTMLElement, rows: readonly TextRow[]): number[] {
  const size = parseFloat(getComputedStyle(box.querySelector('table') ?? box).fontSize) || 13;
  const digits = String(rows.length).length * 2;
  const columns = Math.max(10, Math.floor(box.clientWidth / (size * CHARACTER)) - digits - FRAME);
  const heights: number[] = [];
  rows.forEach(({ text }, i) => {
    const chunk = Math.floor(i / CHUNK);
    heights[chunk] = (heights[chunk] ?? 0) + Math.max(1, Math.ceil(text.length / columns)) * size * LINE_HEIGHT;
  });
  return heights;
}

/** The row is drawn by now; it comes to a third of the box. */
function scrollTo(box: HTMLElement, row: number): void {
  const found = box.querySelector(`tr[data-row="${row}"]`);
  if (!found) return;
  box.scrollTop += found.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 3;
}

function useResize(box: DiffWindow['box'], redraw: () => void): void {
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(redraw);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
}

/** Which rows of a long list are drawn: the arithmetic of their heights, apart from the page. */

/** The height of a row before one was measured; px. */
const FIRST_GUESS = 160;
/** Lists whose heights are remembered for who comes back; the one that was used longest ago goes first. */
const MAX_REMEMBERED = 100;

/** Rows of a list: each has as many entries as the list has columns. A height has the gap to the next row; 0 or none: unknown. */
export interface Geometry {
  columns: number;
  heights: number[];
}

/** Rows [from, to) are drawn. */
export interface Range {
  from: number;
  to: number;
}

/** The rows that must be drawn, and all that should be: `near` lies within `far`. */
export interface Wanted {
  near: Range;
  far: Range;
}

/** What stands in the list: an entry, or a space for rows that are not drawn. */
export type Part = { readonly index: number } | { readonly height: number };

const remembered = new Map<string, Geometry>();

/** What is known of a list from the last time that it was shown. */
export function geometryOf(name: string): Geometry {
  const geometry = remembered.get(name) ?? { columns: 1, heights: [] };
  remembered.delete(name);
  remembered.set(name, geometry);
  if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
  return geometry;
}

/** The height of rows that were never drawn: that of the others, on average. */
export function averageOf(heights: readonly number[]): number {
  const known = heights.filter((height) => height > 0);
  return known.length ? known.reduce((sum, height) => sum + height, 0) / known.length : FIRST_GUESS;
}

/** The rows that cross the band from `top` to `bottom`, px from the list's own top. */
export function rowsWithin(heights: readonly number[], rows: number, top: number, bottom: number): Range {
  const average = averageOf(heights);
  let [end, from, to] = [0, rows, 0];
  for (let row = 0; row < rows; row++) {
    const begin = end;
    end += heights[row] || average;
    if (end <= top || begin >= bottom) continue;
    from = Math.min(from, row);
    to = row + 1;
  }
  return from < to ? { from, to } : { from: 0, to: 0 };
}

export const isSame = (a: Range, b: Range): boolean => a.from === b.from && a.to === b.to;

/**
 * What is drawn next: all that must be there at once; while the page is idle a row at each end, and no row beyond `far`. A list
 * that is out of sight is emptied at once.
 * @returns `isMore`: some of `far` is not drawn yet, or more than it is
 */
export function nextRange(drawn: Range, { near, far }: Wanted, isIdle: boolean): { range: Range; isMore: boolean } {
  const must = near.from < near.to ? near : { from: far.from, to: far.from };
  const isElsewhere = far.from === far.to || drawn.to < far.from || drawn.from > far.to;
  const isShort = drawn.from > must.from || drawn.to < must.to;
  let range = drawn;
  if (isElsewhere) range = must;
  else if (isShort) range = { from: Math.min(drawn.from, must.from), to: Math.max(drawn.to, must.to) };
  else if (isIdle) range = { from: drawn.from - 1, to: drawn.to + 1 };
  if (range !== drawn) range = { from: Math.max(range.from, far.from), to: Math.min(range.to, far.to) };
  return { range, isMore: !isSame(range, far) };
}

/**
 * Entries and spaces, in order.
 * @param focus row that has the focus: it stays, with its neighbours, wherever the page is scrolled to; -1: none
 */
export function partsOf(count: number, { columns, heights }: Geometry, { from, to }: Range, focus = -1): Part[] {
  const average = averageOf(heights);
  const parts: Part[] = [];
  let space = 0;
  const endSpace = () => {
    if (space > 0) parts.push({ height: space });
    space = 0;
  };
  for (let row = 0; row * columns < count; row++) {
    const isNearFocus = focus >= 0 && Math.abs(row - focus) <= 1;
    if (!isNearFocus && (row < from || row >= to)) {
      space += heights[row] || average;
      continue;
    }
    endSpace();
    for (let i = row * columns; i < Math.min(count, (row + 1) * columns); i++) parts.push({ index: i });
  }
  endSpace();
  return parts;
}

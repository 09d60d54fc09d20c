/** The difference of two whole texts as one hunk: what they begin and end with alike is left out. */
import type { FileDiff } from '../../core/api/messages.ts';

/** Lines of one diff; the rest is marked as truncated. */
export const MAX_DIFF_LINES = 2000;
/** Lines that stay the same shown around a change. */
const CONTEXT = 3;

/** @param before null: there was no file */
export function textDiff(path: string, before: string | null, after: string): FileDiff {
  const [old, now] = [linesOf(before ?? ''), linesOf(after)];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  let end = 0;
  while (end < old.length - same && end < now.length - same && old.at(-1 - end) === now.at(-1 - end)) end++;
  const [from, to] = [Math.max(0, same - CONTEXT), Math.max(0, end - CONTEXT)];
  const removed = old.slice(same, old.length - end);
  const added = now.slice(same, now.length - end);
  const lines = [
    ...old.slice(from, same).map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...old.slice(old.length - end, old.length - to).map((line) => ` ${line}`),
  ];
  const context = same - from + end - to;
  const hunk = {
    oldStart: old.length ? from + 1 : 0,
    oldLines: removed.length + context,
    newStart: now.length ? from + 1 : 0,
    newLines: added.length + context,
    lines: lines.slice(0, MAX_DIFF_LINES),
  };
  return {
    path,
    kind: before === null ? 'add' : 'update',
    hunks: removed.length || added.length ? [hunk] : [],
    ...(lines.length > MAX_DIFF_LINES ? { truncated: true } : {}),
  };
}

function linesOf(text: string): string[] {
  if (!text) return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

import { cut } from '../../core/api/cut.ts';
import type { FileDiff } from '../../core/api/messages.ts';

/** Most lines of one file's diff that are shown, and most characters of one line. */
export const MAX_LINE = 200_000;
export const LINE_LENGTH = 2000;

type Hunk = FileDiff['hunks'][number];

/**
 * The first file of a unified diff. `path` and `kind` are those of the caller. Lines keep their mark (" ", "+", "-", "\");
 * what is beyond MAX_LINE is left out and `truncated` says so. A binary file has no hunks.
 */
export function parseDiff(text: string, path: string, kind: FileDiff['kind']): FileDiff {
  const hunks: Hunk[] = [];
  let count = 0;
  let rest = { old: 0, new: 0 };
  let truncated = false;
  for (const line of text.split('\n')) {
    const isBody = rest.old > 0 || rest.new > 0 || line.startsWith('\\');
    if (isBody && hunks.length) {
      rest = remaining(rest, line);
      if (++count > MAX_LINE || line.length > LINE_LENGTH) truncated = true;
      if (count <= MAX_LINE) hunks.at(-1)!.lines.push(cut(line, LINE_LENGTH + 1, '…'));
      continue;
    }
    if (line.startsWith('diff --git ') && hunks.length) break;
    const hunk = hunkOf(line);
    if (!hunk) continue;
    if (count >= MAX_LINE) {
      truncated = true;
      break;
    }
    hunks.push(hunk);
    rest = { old: hunk.oldLines, new: hunk.newLines };
  }
  return { path, kind, hunks, ...(truncated ? { truncated } : {}) };
}

/** `@@ -1,3 +1,4 @@`; a count that is left out is 1. */
function hunkOf(line: string): Hunk | null {
  const match = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
  if (!match) return null;
  const [, oldStart, oldLines = '1', newStart, newLines = '1'] = match;
  return {
    oldStart: Number(oldStart),
    oldLines: Number(oldLines),
    newStart: Number(newStart),
    newLines: Number(newLines),
    lines: [],
  };
}

function remaining(rest: { old: number; new: number }, line: string): { old: number; new: number } {
  switch (line[0]) {
    case '+':
      return { old: rest.old, new: rest.new - 1 };
    case '-':
      return { old: rest.old - 1, new: rest.new };
    case '\\':
      return rest;
    default:
      return { old: rest.old - 1, new: rest.new - 1 };
  }
}

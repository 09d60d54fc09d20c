import type { FileDiff } from '../../../core/api/messages.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';

/** Lines of one file's diff; the rest is marked as truncated. */
export const MAX_DIFF_LINES = 2000;

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/;

/** One file of a patch, as it is drawn and as it is asked for. */
export interface FileChange {
  diff: FileDiff;
  /** Path and kind, and what the diff does not show: `movePath`, fields of later versions, the text with lines in no hunk. */
  input: JsonObject;
}

/** @param changes `changes` of a fileChange item */
export const fileChanges = (changes: unknown): FileChange[] => list(changes).map(object).map(fileChange);

/** The diffs of a patch, each with what of it can be drawn. */
export const fileDiffs = (changes: unknown): FileDiff[] => fileChanges(changes).map(({ diff }) => diff);

function fileChange(change: JsonObject): FileChange {
  const { path: _path, kind: _kind, diff: _diff, ...others } = change;
  const { type, move_path: moved, ...kindDetails } = object(change.kind);
  const path = string(change.path);
  const kind = type === 'add' || type === 'delete' ? type : 'update';
  const movePath = string(moved);
  // Codex writes the new path below the hunks too.
  const text = withoutEnd(string(change.diff), movePath ? `\n\nMoved to: ${movePath}` : '');
  const lines = linesOf(text);
  const { hunks, isExact } = kind === 'update' ? unified(lines.slice(0, MAX_DIFF_LINES)) : wholeFile(kind, lines);
  const isCut = lines.length > MAX_DIFF_LINES;
  return {
    diff: { path, kind, hunks, ...(isCut ? { truncated: true } : {}) },
    input: {
      path,
      kind,
      ...(movePath ? { movePath } : {}),
      ...(kind !== type ? { kindDetails: change.kind } : Object.keys(kindDetails).length ? { kindDetails } : {}),
      ...others,
      ...(isCut || !isExact ? { diff: string(change.diff) } : {}),
    },
  };
}

const withoutEnd = (text: string, end: string): string =>
  text.endsWith(end) ? text.slice(0, text.length - end.length) : text;

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

interface Drawn {
  hunks: FileDiff['hunks'];
  /** Every line of the text is in a hunk. */
  isExact: boolean;
}

/** A file that is added or deleted comes as its content, whatever that looks like. */
function wholeFile(kind: 'add' | 'delete', content: string[]): Drawn {
  if (!content.length) return { hunks: [], isExact: true };
  const lines = content.slice(0, MAX_DIFF_LINES).map((line) => (kind === 'add' ? '+' : '-') + line);
  const [old, now] = kind === 'add' ? [0, lines.length] : [lines.length, 0];
  const hunk = { oldStart: old ? 1 : 0, oldLines: old, newStart: now ? 1 : 0, newLines: now, lines };
  return { hunks: [hunk], isExact: true };
}

function unified(lines: string[]): Drawn {
  const hunks: FileDiff['hunks'] = [];
  let isExact = true;
  for (const line of lines) {
    const hunk = hunkOf(line);
    if (hunk) hunks.push(hunk);
    if (hunk) isExact &&= line.endsWith('@@');
    else if (/^(?:[-+ \\]|$)/.test(line) && hunks.length) hunks.at(-1)!.lines.push(line || ' ');
    else isExact = false;
  }
  return { hunks, isExact };
}

function hunkOf(line: string): FileDiff['hunks'][number] | null {
  const head = HUNK.exec(line);
  if (!head) return null;
  const [oldStart, oldLines, newStart, newLines] = head.slice(1, 5).map((text) =>
    text === undefined ? 1 : Number(text)
  );
  return { oldStart: oldStart!, oldLines: oldLines!, newStart: newStart!, newLines: newLines!, lines: [] };
}

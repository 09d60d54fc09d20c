/** Codex's file changes as FileDiffs: a unified diff without file headers for an update, the bare content for add and delete. */
import type { FileDiff } from '../../core/wire/types.ts';
import { list, object, string } from './loose.ts';

/** Lines of one file's diff that are kept; the rest is marked as truncated. */
export const DIFF_LINES = 2000;

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** @param changes `changes` of a fileChange item */
export function fileDiffs(changes: unknown): FileDiff[] {
  return list(changes).map((one) => {
    const change = object(one);
    const kind = string(object(change.kind).type);
    return fileDiff(string(change.path), kind === 'add' || kind === 'delete' ? kind : 'update', string(change.diff));
  });
}

function fileDiff(path: string, kind: FileDiff['kind'], diff: string): FileDiff {
  const all = diff.split('\n');
  if (all.at(-1) === '') all.pop();
  const lines = all.slice(0, DIFF_LINES);
  const isWhole = kind !== 'update' && !HUNK.test(lines[0] ?? '');
  const hunks = isWhole ? wholeFile(kind === 'add' ? '+' : '-', lines) : unified(lines);
  return { path, kind, hunks, ...(all.length > lines.length ? { truncated: true } : {}) };
}

function wholeFile(sign: '+' | '-', content: string[]): FileDiff['hunks'] {
  if (!content.length) return [];
  const lines = content.map((line) => sign + line);
  const [old, now] = sign === '+' ? [0, lines.length] : [lines.length, 0];
  return [{ oldStart: old ? 1 : 0, oldLines: old, newStart: now ? 1 : 0, newLines: now, lines }];
}

function unified(lines: string[]): FileDiff['hunks'] {
  const hunks: FileDiff['hunks'] = [];
  for (const line of lines) {
    const head = HUNK.exec(line);
    if (head) {
      const [oldStart, oldLines, newStart, newLines] = head.slice(1).map((text) =>
        text === undefined ? 1 : Number(text)
      );
      hunks.push({ oldStart: oldStart!, oldLines: oldLines!, newStart: newStart!, newLines: newLines!, lines: [] });
    } else if (/^[-+ \\]/.test(line)) hunks.at(-1)?.lines.push(line);
    else if (line === '') hunks.at(-1)?.lines.push(' ');
  }
  return hunks;
}

/** Hunks of a diff as git printed them, byte by byte: what is shown of them may be cut. */
import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { FileDiff } from '../../core/api/messages.ts';

export interface RawHunk {
  /** Of its place and all of its bytes. */
  id: string;
  /** In latin1: one character a byte. */
  text: string;
}

export interface RawDiff {
  /** The lines `---` and `+++`. */
  names: string;
  hunks: RawHunk[];
}

/** @param output of `git diff` for one file */
export function rawHunks(output: Buffer): RawDiff {
  const lines = output.toString('latin1').split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@ '));
  if (first < 2) return { names: '', hunks: [] };
  const texts: string[] = [];
  let rest = 0;
  for (const line of lines.slice(first, -1)) {
    const counts = rest > 0 ? null : /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (counts) {
      rest = Number(counts[1] ?? 1) + Number(counts[2] ?? 1);
      texts.push(`${line}\n`);
    } else {
      rest -= line[0] === ' ' ? 2 : line[0] === '\\' ? 0 : 1;
      texts[texts.length - 1] += `${line}\n`;
    }
  }
  const hunks = texts.map((text) => ({
    id: createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 32),
    text,
  }));
  return { names: `${lines[first - 2]}\n${lines[first - 1]}\n`, hunks };
}

/** The diff with the ids of its hunks. */
export function withHunkIds(diff: FileDiff, output: Buffer): FileDiff {
  const { hunks } = rawHunks(output);
  if (hunks.length !== diff.hunks.length) return diff;
  return { ...diff, hunks: diff.hunks.map((hunk, i) => ({ ...hunk, id: hunks[i]!.id })) };
}

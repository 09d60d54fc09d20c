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
  /** The lines `diff`, `---` and `+++`: what it says of modes is another change. */
  names: string;
  hunks: RawHunk[];
}

/** Of a submodule: its line is no line of a file. */
const isPointer = (line: string) => /^index [0-9a-f]+\.\.[0-9a-f]+ 160000$/.test(line);

/** @param output of `git diff` for one file */
export function rawHunks(output: Buffer): RawDiff {
  const lines = output.toString('latin1').split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@ '));
  if (first < 2 || lines.slice(0, first).some(isPointer)) return { names: '', hunks: [] };
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
  return { names: `${lines[0]}\n${lines[first - 2]}\n${lines[first - 1]}\n`, hunks };
}

/** The hunks, where each can be taken by itself: not of a file that is new or gone, nor where not all of it is shown. */
export function separableHunks(diff: FileDiff, output: Buffer): RawDiff {
  const raw = rawHunks(output);
  const isWhole = diff.kind === 'update' && !diff.truncated && raw.hunks.length === diff.hunks.length;
  return isWhole ? raw : { ...raw, hunks: [] };
}

/** The diff with the ids of its hunks, where they have some. */
export function withHunkIds(diff: FileDiff, output: Buffer): FileDiff {
  const { hunks } = separableHunks(diff, output);
  return hunks.length ? { ...diff, hunks: diff.hunks.map((hunk, i) => ({ ...hunk, id: hunks[i]!.id })) } : diff;
}

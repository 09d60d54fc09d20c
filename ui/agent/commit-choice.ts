/** What of the uncommitted files goes into a commit: each file as a whole, some of its hunks, or nothing of it. Pure. */
import type { ChangedFile, ChosenHunks } from '../../core/api/workspace.ts';

export type FileChoice = 'all' | 'none' | { ids: ReadonlySet<string>; total: number };

/** By the files' paths; a file that is not in it is chosen as a whole. */
export type Choices = ReadonlyMap<string, FileChoice>;

export const choiceOf = (choices: Choices, path: string): FileChoice => choices.get(path) ?? 'all';

export const withChoice = (choices: Choices, path: string, choice: FileChoice): Choices =>
  new Map([...choices, [path, choice]]);

export const isChosen = (choice: FileChoice, id: string): boolean =>
  typeof choice === 'string' ? choice === 'all' : choice.ids.has(id);

/** @param all the ids of the file's hunks, as they are shown */
export function toggleHunk(choice: FileChoice, all: readonly string[], id: string): FileChoice {
  const ids = new Set(all.filter((other) => isChosen(choice, other) !== (other === id)));
  return !ids.size ? 'none' : ids.size === all.length ? 'all' : { ids, total: all.length };
}

/** The hunks that are there now: what is gone was chosen in vain, what is new was not chosen. */
export function keepShown(choice: FileChoice, all: readonly string[]): FileChoice {
  if (typeof choice === 'string') return choice;
  const ids = new Set(all.filter((id) => choice.ids.has(id)));
  return ids.size ? { ids, total: all.length } : 'none';
}

/** What a request for the commit says of it; nothing at all when everything is chosen. */
export function chosenParts(
  files: readonly ChangedFile[],
  choices: Choices,
): { paths?: string[]; hunks?: ChosenHunks[] } {
  const entries = files.map(({ path }) => ({ path, choice: choiceOf(choices, path) }));
  if (entries.every(({ choice }) => choice === 'all')) return {};
  const hunks = entries.flatMap(({ path, choice }) =>
    typeof choice === 'string' ? [] : [{ path, ids: [...choice.ids] }]
  );
  const paths = entries.filter(({ choice }) => choice === 'all').map(({ path }) => path);
  return { paths, ...(hunks.length ? { hunks } : {}) };
}

/** Comments on lines of an agent's changes: kept on this device until they are sent, all of them as one message. */
import { deviceStorage, keep } from '../device-storage.ts';
import { type Signal, signal } from '../state/signal.ts';
import { t } from '../i18n/all.ts';

export interface LinePlace {
  /** Relative to the repository. */
  path: string;
  /** `old`: a line that was removed, with its number of before. */
  side: 'new' | 'old';
  line: number;
}

export interface LineComment extends LinePlace {
  /** The line as it was shown, with its sign. */
  code: string;
  text: string;
}

/** Comments on one agent's changes; more are not taken. */
export const MAX_COMMENTS = 100;
/** Characters of a line that is repeated in the message. */
const MAX_CODE = 300;

const KEY = 'review.';
const drafts = new Map<string, Signal<readonly LineComment[]>>();

/** The comments that are not sent yet, ordered by file and line. Those without a text live as long as the page. */
export function commentsOf(agent: string): Signal<readonly LineComment[]> {
  let draft = drafts.get(agent);
  if (!draft) drafts.set(agent, draft = signal<readonly LineComment[]>(read(agent)));
  return draft;
}

function read(agent: string): LineComment[] {
  try {
    const list = JSON.parse(deviceStorage.getItem(KEY + agent) ?? '[]') as LineComment[];
    return Array.isArray(list) ? list.filter(isComment).slice(0, MAX_COMMENTS) : [];
  } catch {
    return [];
  }
}

const isComment = (value: LineComment | null): boolean =>
  typeof value === 'object' && value !== null && (value.side === 'new' || value.side === 'old') &&
  Number.isSafeInteger(value.line) && [value.path, value.code, value.text].every((part) => typeof part === 'string');

export const isAt = (a: LinePlace, b: LinePlace): boolean =>
  a.path === b.path && a.side === b.side && a.line === b.line;

/** Writes, changes or, with null, removes the comment on a line. */
export function setComment(agent: string, place: LinePlace, comment: LineComment | null): void {
  const draft = commentsOf(agent);
  const others = draft.value.filter((other) => !isAt(other, place));
  if (comment && others.length >= MAX_COMMENTS) return;
  draft.value = comment ? [...others, comment].sort(inOrder) : others;
  save(agent);
}

/** After they were sent, or thrown away. */
export function clearComments(agent: string): void {
  commentsOf(agent).value = [];
  save(agent);
}

function save(agent: string): void {
  const written = commentsOf(agent).value.filter(({ text }) => text.trim());
  keep(KEY + agent, written.length ? JSON.stringify(written) : '');
}

const inOrder = (a: LineComment, b: LineComment): number =>
  a.path === b.path ? a.line - b.line || (a.side < b.side ? 1 : -1) : a.path < b.path ? -1 : 1;

/** `src/a.ts:12`, and of a removed line that it is one. */
export const placeName = ({ path, line, side }: LinePlace): string =>
  side === 'new' ? `${path}:${line}` : t.review.oldLine(`${path}:${line}`);

/** One message about all of them: each with its file, its line and the line's text. Empty: there is nothing to say. */
export function messageOf(comments: readonly LineComment[]): string {
  const parts = comments.filter(({ text }) => text.trim()).map((comment) => {
    const code = comment.code.trimEnd();
    const quoted = code.length > MAX_CODE ? `${code.slice(0, MAX_CODE)}…` : code;
    // An empty line ends the quotation: what was said is not the file's.
    return `${placeName(comment)}\n> ${quoted}\n\n${comment.text.trim()}`;
  });
  return parts.length ? [t.review.opening(parts.length), ...parts].join('\n\n') : '';
}

/** Lines of an agent's files that hold a text: by git grep where there is git, else by reading what lies there. Bounded. */
import type { ContentSearch, FoundLine } from '../../core/api/files.ts';
import { Failure } from '../../core/api/errors.ts';
import { git, GitError } from '../workspace/git.ts';
import type { GitIsolation } from '../workspace/isolation.ts';
import { findRepository } from '../workspace/repository.ts';
import { openInside } from './inside.ts';
import { walkFiles } from './search.ts';

/** Lines that are answered. */
export const MAX_FOUND_LINES = 200;
const MAX_QUERY = 200;
/** Characters of a line that are shown, and of those before what was found. */
const MAX_SHOWN = 200;
const SHOWN_BEFORE = 40;
/** Without git: bytes of one file, and of all files, that are looked through; and the time for it. */
const MAX_FILE = 1024 * 1024;
const MAX_TOTAL = 256 * 1024 * 1024;
const MAX_MS = 10_000;
/** Files that are read at a time. */
const BATCH = 32;
/** Bytes of git's output. */
const MAX_OUTPUT = 1024 * 1024;

/** @param root the agent's folder; @param text as it stands, in any case */
export async function searchContent(isolation: GitIsolation, root: string, text: string): Promise<ContentSearch> {
  const wanted = text.slice(0, MAX_QUERY);
  if (!wanted.trim() || /[\0\n]/.test(wanted)) return { found: [], truncated: false };
  try {
    const repository = await findRepository(isolation, root);
    if (repository) return await byGit({ ...repository, top: root }, wanted);
  } catch (error) {
    if (!(error instanceof GitError || error instanceof Failure)) throw error;
  }
  return await byReading(root, wanted);
}

async function byGit(where: Parameters<typeof git>[0], wanted: string): Promise<ContentSearch> {
  const args = ['grep', '-z', '-n', '-I', '-i', '--untracked', '--no-color', '--fixed-strings'];
  // 1: nothing was found.
  const options = { limit: MAX_OUTPUT, cut: true, codes: [1], timeoutMs: MAX_MS };
  const { stdout } = await git(where, [...args, '-e', wanted], options);
  const lines = stdout.toString('utf8').split('\n');
  const found: FoundLine[] = [];
  for (const line of lines) {
    const [path, number, ...rest] = line.split('\0');
    if (rest.length === 0 || path!.includes('\ufffd')) continue;
    found.push({ path: path!, line: Number(number), text: shownPart(rest.join('\0'), wanted) });
    if (found.length > MAX_FOUND_LINES) break;
  }
  const truncated = found.length > MAX_FOUND_LINES || stdout.length >= MAX_OUTPUT;
  return { found: found.slice(0, MAX_FOUND_LINES), truncated };
}

async function byReading(root: string, wanted: string): Promise<ContentSearch> {
  const { paths, truncated } = await walkFiles(root);
  const found: FoundLine[] = [];
  const until = performance.now() + MAX_MS;
  let total = 0;
  for (let from = 0; from < paths.length; from += BATCH) {
    if (found.length >= MAX_FOUND_LINES || total > MAX_TOTAL || performance.now() > until) {
      return { found, truncated: true };
    }
    const batch = paths.slice(from, from + BATCH);
    const texts = await Promise.all(batch.map(({ path }) => textOf(root, path)));
    for (const [i, text] of texts.entries()) {
      total += text.length;
      found.push(...linesWith(batch[i]!.path, text, wanted).slice(0, MAX_FOUND_LINES - found.length));
    }
  }
  return { found, truncated };
}

/** '' for what is no text, or larger than is looked through. */
async function textOf(root: string, path: string): Promise<string> {
  const opened = await openInside(root, path).catch(() => null);
  if (!opened) return '';
  try {
    const status = await opened.handle.stat();
    if (!status.isFile() || status.size > MAX_FILE) return '';
    const text = await opened.handle.readFile('utf8');
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  } finally {
    await opened.handle.close();
  }
}

function linesWith(path: string, text: string, wanted: string): FoundLine[] {
  const lower = wanted.toLowerCase();
  if (!text.toLowerCase().includes(lower)) return [];
  return text.split('\n').flatMap((line, i) =>
    line.toLowerCase().includes(lower) ? [{ path, line: i + 1, text: shownPart(line, wanted) }] : []
  );
}

function shownPart(line: string, wanted: string): string {
  const at = line.toLowerCase().indexOf(wanted.toLowerCase());
  const from = Math.max(0, at - SHOWN_BEFORE);
  return `${from ? '…' : ''}${line.slice(from, from + MAX_SHOWN).trimEnd()}`;
}

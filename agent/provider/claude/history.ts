/**
 * Claude Code's sessions on disk: `<config>/projects/<slug>/<id>.jsonl`, one event a line. parentUuid makes them a tree: a
 * session that was rewound has more than one branch. The slug cannot be turned back into a path; the lines hold \`cwd\`.
 */
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SessionBranch } from './session-branch.ts';
import { isShown, promptOf, timeOf, toMessages } from './history-lines.ts';
import { liveSessions } from './live-sessions.ts';
import { type JsonObject, number, string } from '../untyped-json.ts';
import type { StoredSession, StoredSessions } from '../provider.ts';
import { readEnds, readTail } from '../history-files.ts';
import { type HistoryMessage, notice, titleOf } from '../history-message.ts';

/** Bytes read of each file for the list: title and directory are at its beginning, cost and name at its end. */
const MAX_HEAD = 64 * 1024;
const MAX_TAIL = 64 * 1024;
/** Bytes read of one file for its messages. */
const MAX_HISTORY = 16 * 1024 * 1024;
/** Directories and files that are read. */
const MAX_DIRECTORY = 2000;
const MAX_FILE = 20_000;
export const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface SessionFile {
  id: string;
  path: string;
  changedAt: number;
}

/** @param configured CLAUDE_CONFIG_DIR */
export const configDirectory = (configured: string): string => configured || join(homedir(), '.claude');

/** @param configured CLAUDE_CONFIG_DIR; `~/.claude` when empty */
export function claudeSessions(configured: string): StoredSessions {
  const directory = configDirectory(configured);
  return {
    list: (limit) => listClaudeSessions(directory, limit),
    read: (id, limit) => readClaudeHistory(directory, id, limit),
    isOpen: async (id) => (await openSessions(directory)).has(id),
  };
}

/** Newest first. A missing directory is an empty list. */
export async function listClaudeSessions(configDir: string, limit: number): Promise<StoredSession[]> {
  const files = (await sessionFiles(configDir)).sort((a, b) => b.changedAt - a.changedAt);
  const open = await openSessions(configDir);
  const listed: StoredSession[] = [];
  for (const file of files) {
    if (listed.length >= limit) break;
    const session = await summarise(file, open);
    if (session) listed.push(session);
  }
  return listed;
}

async function sessionFiles(configDir: string, wanted?: string): Promise<SessionFile[]> {
  const projects = join(configDir, 'projects');
  const directories = (await entries(projects)).filter((entry) => entry.isDirectory()).slice(0, MAX_DIRECTORY);
  const files: SessionFile[] = [];
  for (const directory of directories) {
    const names = (await entries(join(projects, directory.name))).filter((entry) => entry.isFile()).map((entry) =>
      entry.name
    );
    const sessions = names.map((name) => ({
      id: name.replace(/\.jsonl$/, ''),
      path: join(projects, directory.name, name),
    }))
      .filter(({ id, path }) => path.endsWith('.jsonl') && SESSION_ID.test(id) && (!wanted || id === wanted));
    files.push(...await Promise.all(sessions.slice(0, MAX_FILE - files.length).map(withTime)));
  }
  return files;
}

async function withTime(file: { id: string; path: string }): Promise<SessionFile> {
  const stat = await lstat(file.path).catch(() => null);
  return { ...file, changedAt: stat?.mtimeMs ?? 0 };
}

const entries = (directory: string): Promise<Dirent[]> => readdir(directory, { withFileTypes: true }).catch(() => []);

/** Ids of the sessions that a running Claude has open. */
const openSessions = async (configDir: string): Promise<Set<string>> =>
  new Set((await liveSessions(configDir)).map(({ id }) => id));

async function summarise({ id, path, changedAt }: SessionFile, open: Set<string>): Promise<StoredSession | null> {
  const ends = await readEnds(path, MAX_HEAD, MAX_TAIL);
  if (!ends) return null;
  const lines = [...ends.head, ...ends.tail];
  const last = (type: string) => lines.findLast((line) => line.type === type) ?? {};
  const title = string(last('custom-title').customTitle) || firstPrompt(lines) ||
    string(last('last-prompt').lastPrompt);
  if (!title) return null; // opened and never used
  return {
    provider: 'claude',
    id,
    title: titleOf(title),
    directory: string(lines.find((line) => string(line.cwd))?.cwd),
    createdAt: timeOf(lines.find((line) => string(line.timestamp)) ?? {}) || null,
    updatedAt: Math.round(changedAt),
    costUsd: number(last('cost-state').totalCostUSD),
    inUse: open.has(id),
  };
}

function firstPrompt(lines: JsonObject[]): string {
  for (const line of lines) {
    const text = promptOf(line);
    if (text) return text;
  }
  return '';
}

/** Where a session is stored: the file that was written last. null: there is none (yet), as before the first message. */
export async function sessionPath(configDir: string, id: string): Promise<string | null> {
  if (!SESSION_ID.test(id)) return null;
  const [file] = (await sessionFiles(configDir, id)).sort((a, b) => b.changedAt - a.changedAt);
  return file?.path ?? null;
}

/**
 * The newest `limit` messages of a session's current branch, oldest first.
 * @returns null when there is no such session
 */
export async function readClaudeHistory(
  configDir: string,
  id: string,
  limit: number,
): Promise<HistoryMessage[] | null> {
  const path = await sessionPath(configDir, id);
  if (path === null) return null;
  const lines: JsonObject[] = [];
  const tree = new SessionBranch();
  const read = await readTail(path, MAX_HISTORY, (line) => {
    const parent = string(line.parentUuid) || string(line.logicalParentUuid);
    tree.add(string(line.uuid), parent, line.isSidechain === true);
    if (isShown(line)) lines.push(line);
  }, () => tree.addDamage());
  if (!read) return null;
  const shownIds = new Set(lines.map((line) => string(line.uuid)));
  const { branch, behindGap } = tree.to(string(lines.at(-1)?.uuid), shownIds);
  const messages = toMessages(lines, branch, behindGap);
  const isCut = read.isCut || messages.length > limit;
  const shown = messages.slice(-limit);
  const first = notice(
    'earlier',
    'Older messages of this session are not shown here. The agent knows them.',
    shown[0]?.at ?? 0,
  );
  return isCut ? [first, ...shown] : shown;
}

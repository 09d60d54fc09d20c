/**
 * Claude Code's sessions on disk: `<config>/projects/<slug>/<id>.jsonl`, one event a line. parentUuid makes them a tree: a
 * session that was rewound has more than one branch. The slug cannot be turned back into a path; the lines hold \`cwd\`.
 */
import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { imageType, type Picture } from '../../../core/api/messages.ts';
import { SessionBranch } from './session-branch.ts';
import { contentText, toolEnd, toolTitle } from './tools.ts';
import { parseObject } from '../../process/jsonl.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';
import { isSameProcess, processIdentity } from '../../process/identity.ts';
import type { StoredSession, StoredSessions } from '../provider.ts';
import { readEnds, readTail } from '../history-files.ts';
import { bounded, type HistoryMessage, notice, titleOf } from '../history-message.ts';

/** Bytes read of each file for the list: title and directory are at its beginning, cost and name at its end. */
const MAX_HEAD = 64 * 1024;
const MAX_TAIL = 64 * 1024;
/** Bytes read of one file for its messages. */
const MAX_HISTORY = 16 * 1024 * 1024;
/** Directories and files that are read. */
const MAX_DIRECTORY = 2000;
const MAX_FILE = 20_000;
const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface SessionFile {
  id: string;
  path: string;
  changedAt: number;
}

/** @param configured CLAUDE_CONFIG_DIR; `~/.claude` when empty */
export function claudeSessions(configured: string): StoredSessions {
  const directory = configured || join(homedir(), '.claude');
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

/** Ids of the sessions that a running Claude has open: `<config>/sessions/<pid>.json`. */
async function openSessions(configDir: string): Promise<Set<string>> {
  const directory = join(configDir, 'sessions');
  const open = new Set<string>();
  for (const entry of (await entries(directory)).slice(0, MAX_DIRECTORY)) {
    const pid = /^(\d+)\.json$/.exec(entry.name)?.[1];
    if (!pid || !entry.isFile()) continue;
    const record = parseObject(await readFile(join(directory, entry.name), 'utf8').catch(() => ''));
    if (record && isAlive(Number(pid), string(record.procStart))) open.add(string(record.sessionId));
  }
  return open;
}

/** `procStart` is the start time of /proc: the pid alone may belong to another process by now. */
function isAlive(pid: number, procStart: string): boolean {
  const identity = processIdentity(pid);
  return identity !== null && isSameProcess(identity) && (!procStart || identity.startTime === procStart);
}

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

/** What a user typed; empty for tool results, for what Claude inserted itself and for the output of local commands. */
function promptOf(line: JsonObject): string {
  if (line.type !== 'user' || line.isMeta === true || line.isSidechain === true || line.isCompactSummary === true) {
    return '';
  }
  const { content } = object(line.message);
  if (list(content).some((block) => object(block).type === 'tool_result')) return '';
  const text = contentText(content).trim();
  return /^<(local-command|command-|bash-|system-reminder|task-notification)/.test(text) ? '' : text;
}

const timeOf = (line: JsonObject): number => Date.parse(string(line.timestamp)) || 0;

/**
 * The newest `limit` messages of a session's current branch, oldest first.
 * @returns null when there is no such session
 */
export async function readClaudeHistory(
  configDir: string,
  id: string,
  limit: number,
): Promise<HistoryMessage[] | null> {
  if (!SESSION_ID.test(id)) return null;
  const [file] = (await sessionFiles(configDir, id)).sort((a, b) => b.changedAt - a.changedAt);
  if (!file) return null;
  const lines: JsonObject[] = [];
  const tree = new SessionBranch();
  const read = await readTail(file.path, MAX_HISTORY, (line) => {
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

const isShown = (line: JsonObject): boolean =>
  line.isSidechain !== true &&
  (line.type === 'user' || line.type === 'assistant' || line.subtype === 'compact_boundary');

function toMessages(lines: JsonObject[], branch: Set<string>, behindGap: Set<string>): HistoryMessage[] {
  const messages: HistoryMessage[] = [];
  const tools = new Map<string, Extract<HistoryMessage, { kind: 'tool' }>>();
  for (const line of lines) {
    // Results of parallel tools belong to different branches of lines: they are matched by their tool.
    if (line.type === 'user') applyResults(line, tools);
    if (!branch.has(string(line.uuid))) continue;
    if (behindGap.has(string(line.uuid))) messages.push(damageNotice(line));
    const added = lineMessages(line);
    messages.push(...added);
    for (const message of added) if (message.kind === 'tool') tools.set(message.id, message);
  }
  return messages;
}

function damageNotice(line: JsonObject): HistoryMessage {
  const text = 'A part of this session is missing here: its file is damaged. The agent may not know it either.';
  return { ...notice('lost', text, timeOf(line)), id: `history-lost-${string(line.uuid)}` };
}

function lineMessages(line: JsonObject): HistoryMessage[] {
  const at = timeOf(line);
  if (line.subtype === 'compact_boundary') return [notice('compacted', 'The conversation was summarised here.', at)];
  return line.type === 'user' ? userMessages(line, at) : assistantMessages(line, at);
}

function userMessages(line: JsonObject, at: number): HistoryMessage[] {
  const text = promptOf(line);
  if (!text) return [];
  const images = list(object(line.message).content).map(object).filter((block) => block.type === 'image').map(
    (block) => {
      const source = object(block.source);
      return { mediaType: string(source.media_type), size: Math.floor(string(source.data).length * 3 / 4) };
    },
  );
  return [{ kind: 'user', id: string(line.uuid), text: bounded(text), images, status: 'sent', by: '', at }];
}

function assistantMessages(line: JsonObject, at: number): HistoryMessage[] {
  return list(object(line.message).content).map(object).flatMap((block, index): HistoryMessage[] => {
    const id = `${string(line.uuid)}-${index}`;
    if (block.type === 'text' && string(block.text)) {
      return [{ kind: 'text', id, text: bounded(string(block.text)), done: true, at }];
    }
    if (block.type === 'thinking' && string(block.thinking)) {
      return [{ kind: 'thinking', id, text: bounded(string(block.thinking)), done: true, at }];
    }
    if (block.type !== 'tool_use') return [];
    const input = object(block.input);
    return [{
      kind: 'tool',
      id: string(block.id) || id,
      tool: string(block.name),
      title: toolTitle(input),
      input: boundInput(input),
      inputText: '',
      output: '',
      status: 'cancelled', // until its result is found
      at,
    }];
  });
}

function applyResults(line: JsonObject, tools: Map<string, Extract<HistoryMessage, { kind: 'tool' }>>): void {
  for (const block of list(object(line.message).content).map(object)) {
    const tool = block.type === 'tool_result' ? tools.get(string(block.tool_use_id)) : undefined;
    if (!tool) continue;
    const { status, result, pictures } = toolEnd(block, line.toolUseResult, line.toolResultMeta);
    const described = pictures ? { pictures: pictures.map(describePicture) } : {};
    const ended = { ...result, text: bounded(result.text), ...described };
    Object.assign(tool, { status, result: ended, endedAt: timeOf(line) });
  }
}

/** The bytes stay in the CLI's own file. */
const describePicture = ({ data }: { data: string }): Picture => ({
  mediaType: imageType(data) ?? '',
  size: Math.floor(data.length * 3 / 4),
});

const boundInput = (input: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(input).map(([key, value]) => [key, typeof value === 'string' ? bounded(value) : value]),
  );

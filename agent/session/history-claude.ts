/**
 * Claude Code's sessions on disk: `<config>/projects/<slug>/<id>.jsonl`, one line an event, with parentUuid making a tree
 * (a session that was rewound has more than one branch). The slug cannot be turned back into a path: `cwd` is in the lines.
 */
import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskSession } from '../../core/wire/types.ts';
import { contentText, toolEnd, toolTitle } from '../provider/claude-tools.ts';
import { parseObject } from '../provider/jsonl.ts';
import { list, type Loose, number, object, string } from '../provider/loose.ts';
import { processIdentity } from '../provider/process.ts';
import { readEnds, readTail } from './history-files.ts';
import { cut, type HistoryMessage, notice, titleOf } from './history-message.ts';

/** Read of each file for the list: title and folder stand at its beginning, cost and name at its end. */
const HEAD_BYTES = 64 * 1024;
const TAIL_BYTES = 64 * 1024;
/** Read of one file for its messages. */
const HISTORY_BYTES = 16 * 1024 * 1024;
/** Folders and files that are looked at. */
const FOLDER_LIMIT = 2000;
const FILE_LIMIT = 20_000;
const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

interface SessionFile {
  id: string;
  path: string;
  changedAt: number;
}

type Listed = Omit<DiskSession, 'agentId'>;

/** Newest first. A folder that is not there is an empty list. */
export async function listClaudeSessions(configDir: string, limit: number): Promise<Listed[]> {
  const files = (await sessionFiles(configDir)).sort((a, b) => b.changedAt - a.changedAt);
  const open = await openSessions(configDir);
  const listed: Listed[] = [];
  for (const file of files) {
    if (listed.length >= limit) break;
    const session = await summarise(file, open);
    if (session) listed.push(session);
  }
  return listed;
}

async function sessionFiles(configDir: string, wanted?: string): Promise<SessionFile[]> {
  const projects = join(configDir, 'projects');
  const folders = (await entries(projects)).filter((entry) => entry.isDirectory()).slice(0, FOLDER_LIMIT);
  const files: SessionFile[] = [];
  for (const folder of folders) {
    const names = (await entries(join(projects, folder.name))).filter((entry) => entry.isFile()).map((entry) =>
      entry.name
    );
    const sessions = names.map((name) => ({
      id: name.replace(/\.jsonl$/, ''),
      path: join(projects, folder.name, name),
    }))
      .filter(({ id, path }) => path.endsWith('.jsonl') && SESSION_ID.test(id) && (!wanted || id === wanted));
    files.push(...await Promise.all(sessions.slice(0, FILE_LIMIT - files.length).map(withTime)));
  }
  return files;
}

async function withTime(file: { id: string; path: string }): Promise<SessionFile> {
  const stat = await lstat(file.path).catch(() => null);
  return { ...file, changedAt: stat?.mtimeMs ?? 0 };
}

const entries = (folder: string): Promise<Dirent[]> => readdir(folder, { withFileTypes: true }).catch(() => []);

/** Ids of the sessions that a living Claude has open: `<config>/sessions/<pid>.json`. */
async function openSessions(configDir: string): Promise<Set<string>> {
  const folder = join(configDir, 'sessions');
  const open = new Set<string>();
  for (const entry of (await entries(folder)).slice(0, FOLDER_LIMIT)) {
    const pid = /^(\d+)\.json$/.exec(entry.name)?.[1];
    if (!pid || !entry.isFile()) continue;
    const record = parseObject(await readFile(join(folder, entry.name), 'utf8').catch(() => ''));
    if (record && isAlive(Number(pid), string(record.procStart))) open.add(string(record.sessionId));
  }
  return open;
}

/** `procStart` is the start time of /proc: the same number alone may be another process by now. */
function isAlive(pid: number, procStart: string): boolean {
  const identity = processIdentity(pid);
  return identity !== null && (!procStart || identity.startTime === procStart);
}

async function summarise({ id, path, changedAt }: SessionFile, open: Set<string>): Promise<Listed | null> {
  const ends = await readEnds(path, HEAD_BYTES, TAIL_BYTES);
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

function firstPrompt(lines: Loose[]): string {
  for (const line of lines) {
    const text = promptOf(line);
    if (text) return text;
  }
  return '';
}

/** What a user typed; empty for tool results, what Claude inserted by itself, and the output of local commands. */
function promptOf(line: Loose): string {
  if (line.type !== 'user' || line.isMeta === true || line.isSidechain === true || line.isCompactSummary === true) {
    return '';
  }
  const { content } = object(line.message);
  if (list(content).some((block) => object(block).type === 'tool_result')) return '';
  const text = contentText(content).trim();
  return /^<(local-command|command-|bash-|system-reminder|task-notification)/.test(text) ? '' : text;
}

const timeOf = (line: Loose): number => Date.parse(string(line.timestamp)) || 0;

/**
 * The newest `limit` messages of a session, oldest first, along the branch that is current.
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
  const lines: Loose[] = [];
  const parents = new Map<string, string>();
  const read = await readTail(file.path, HISTORY_BYTES, (line) => {
    if (string(line.uuid)) parents.set(string(line.uuid), string(line.parentUuid) || string(line.logicalParentUuid));
    if (isShown(line)) lines.push(line);
  });
  if (!read) return null;
  const messages = toMessages(lines, currentBranch(lines, parents));
  const isCut = read.isCut || messages.length > limit;
  const shown = messages.slice(-limit);
  const first = notice(
    'earlier',
    'Older messages of this session are not shown here. The agent knows them.',
    shown[0]?.at ?? 0,
  );
  return isCut ? [first, ...shown] : shown;
}

const isShown = (line: Loose): boolean =>
  line.isSidechain !== true &&
  (line.type === 'user' || line.type === 'assistant' || line.subtype === 'compact_boundary');

function currentBranch(lines: Loose[], parents: Map<string, string>): Set<string> {
  const branch = new Set<string>();
  let at = string(lines.at(-1)?.uuid);
  while (at && !branch.has(at)) {
    branch.add(at);
    at = parents.get(at) ?? '';
  }
  return branch;
}

function toMessages(lines: Loose[], branch: Set<string>): HistoryMessage[] {
  const messages: HistoryMessage[] = [];
  const tools = new Map<string, Extract<HistoryMessage, { kind: 'tool' }>>();
  for (const line of lines) {
    // Results of tools that ran side by side hang from different lines: they count by their tool.
    if (line.type === 'user') applyResults(line, tools);
    if (!branch.has(string(line.uuid))) continue;
    const at = timeOf(line);
    if (line.subtype === 'compact_boundary') {
      messages.push(notice('compacted', 'The conversation was summarised here.', at));
    } else if (line.type === 'user') messages.push(...userMessages(line, at));
    else {for (const message of assistantMessages(line, at)) {
        messages.push(message);
        if (message.kind === 'tool') tools.set(message.id, message);
      }}
  }
  return messages;
}

function userMessages(line: Loose, at: number): HistoryMessage[] {
  const text = promptOf(line);
  if (!text) return [];
  const images = list(object(line.message).content).map(object).filter((block) => block.type === 'image').map(
    (block) => {
      const source = object(block.source);
      return { mediaType: string(source.media_type), size: Math.floor(string(source.data).length * 3 / 4) };
    },
  );
  return [{ kind: 'user', id: string(line.uuid), text: cut(text), images, status: 'sent', by: '', at }];
}

function assistantMessages(line: Loose, at: number): HistoryMessage[] {
  return list(object(line.message).content).map(object).flatMap((block, index): HistoryMessage[] => {
    const id = `${string(line.uuid)}-${index}`;
    if (block.type === 'text' && string(block.text)) {
      return [{ kind: 'text', id, text: cut(string(block.text)), done: true, at }];
    }
    if (block.type === 'thinking' && string(block.thinking)) {
      return [{ kind: 'thinking', id, text: cut(string(block.thinking)), done: true, at }];
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

function applyResults(line: Loose, tools: Map<string, Extract<HistoryMessage, { kind: 'tool' }>>): void {
  for (const block of list(object(line.message).content).map(object)) {
    const tool = block.type === 'tool_result' ? tools.get(string(block.tool_use_id)) : undefined;
    if (!tool) continue;
    const { status, result } = toolEnd(block, line.toolUseResult, line.toolResultMeta);
    Object.assign(tool, { status, result: { ...result, text: cut(result.text) }, endedAt: timeOf(line) });
  }
}

const boundInput = (input: Loose): Loose =>
  Object.fromEntries(
    Object.entries(input).map(([key, value]) => [key, typeof value === 'string' ? cut(value) : value]),
  );

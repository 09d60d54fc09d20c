/** An agent's data beside its messages: DATA_DIR/agents/<id>/agent.json. */
import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import { basename } from 'node:path';
import { NO_USAGE, parseAgentInfo } from '../../core/api/agent-info.ts';
import { cut } from '../../core/api/cut.ts';
import type { AgentInfo, CreateAgentBody } from '../../core/api/agents.ts';
import { bool, type Check, need, pick, string, time, wrong } from '../../core/api/schema.ts';
import { parseProcessIdentity, type ProcessIdentity } from '../process/identity.ts';
import type { AgentWorkspace } from '../workspace/workspace.ts';
import { parseRunRecord, type RunRecord } from './run-record.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

/** Characters of a name taken from the prompt. */
const MAX_NAME = 60;

export interface AgentRecord {
  version: 1;
  info: AgentInfo;
  /** Where its process runs: in the worktree, or in the chosen directory itself. */
  cwd: string;
  /** The first prompt and the instructions, as the user wrote them. */
  prompt: string;
  instructions: string;
  /** The name was taken from the prompt: a title from the CLI may replace it. */
  isAutoNamed: boolean;
  /** Id of the create command: repeating the command creates no second agent. */
  clientId: string | null;
  /** The CLI has lost the session that it was to resume (flags.resume); it is not asked for again. */
  isResumeLost: boolean;
  /** It is a fork, and where the agent works that it is a copy of; empty: in the same place, or it is none. */
  movedFrom: string;
  /** What had been answered when it went on by itself last; null: it has not since a person said something. */
  goneOn: { outputTokens: number } | null;
  /** The CLI's process while it runs. */
  process: ProcessIdentity | null;
  /** The holder of the CLI, while it runs in one, and what of its output is in the messages. */
  run: RunRecord | null;
}

/** The session that the agent's CLI goes on with; null: it begins a new one, or a copy. */
export function sessionOf({ info, isResumeLost }: AgentRecord): string | null {
  const { resume = null, forkSession = false } = isResumeLost ? {} : info.flags;
  return info.sessionId ?? (forkSession ? null : resume);
}

/** Throws a sentence when the value is not an agent's record of this version. */
export function parseRecord(value: unknown): AgentRecord {
  const record = pick<AgentRecord>(value, {
    version: isVersion,
    info: parseAgentInfo,
    cwd: string,
    prompt: string,
    instructions: string,
    isAutoNamed: bool,
    clientId: string,
    isResumeLost: bool,
    movedFrom: string,
    goneOn: (input, name) => need(pick<{ outputTokens: number }>(input, { outputTokens: time }, name), 'outputTokens'),
    process: parseProcessIdentity,
    run: (run) => parseRun(run, (value as { info?: unknown }).info) as RunRecord,
  });
  return {
    isAutoNamed: false,
    clientId: null,
    isResumeLost: false,
    movedFrom: '',
    goneOn: null,
    process: null,
    run: null,
    prompt: '',
    instructions: '',
    ...need(record, 'version', 'info', 'cwd'),
  };
}

/** null when this version does not understand it: the agent itself is there. */
function parseRun(run: unknown, info: unknown): RunRecord | null {
  try {
    return parseRunRecord(run, info);
  } catch {
    return null;
  }
}

const isVersion: Check<1> = (value, name) => value === 1 ? value : wrong(name, `1, not ${JSON.stringify(value)}`);

type Place = Awaited<ReturnType<AgentWorkspace['prepare']>>;

type CreateCommand = CreateAgentBody & { taskId?: string; copy?: { cwd: string }; clientId: string };

/** The record of an agent that is about to start. */
export function newRecord(
  id: string,
  body: CreateCommand,
  place: Place,
  { demo, now }: { demo: boolean; now: number },
): AgentRecord {
  return {
    version: 1,
    cwd: place.cwd,
    prompt: body.prompt ?? '',
    instructions: body[INSTRUCTIONS_FIELD] ?? '',
    isAutoNamed: !body.name?.trim(),
    clientId: body.clientId,
    isResumeLost: false,
    movedFrom: body.copy && body.copy.cwd !== place.cwd ? body.copy.cwd : '',
    goneOn: null,
    process: null,
    run: null,
    info: { ...newInfo(id, body, place, now), demo },
  };
}

/** A line that fits into a name; a longer one ends behind a word, where that is not far. */
function beginning(line: string): string {
  const short = cut(line, MAX_NAME, '…');
  const end = short.lastIndexOf(' ');
  return short === line || end < MAX_NAME / 2 ? short : `${short.slice(0, end)}…`;
}

function newInfo(
  id: string,
  body: CreateCommand,
  { directory, worktree }: Place,
  now: number,
): Omit<AgentInfo, 'demo'> {
  const { flags = {}, prompt = '' } = body;
  const firstLine = beginning(prompt.trim().split('\n')[0]!);
  return {
    id,
    name: body.name?.trim() || firstLine || basename(directory),
    provider: body.provider ?? DEFAULT_PROVIDER,
    directory,
    worktree,
    state: 'starting',
    stateReason: 'created',
    stateText: '',
    stateSince: now,
    sessionId: null,
    resumable: true,
    model: flags.model ?? '',
    mode: flags.dangerouslySkipPermissions ? 'bypassPermissions' : flags.permissionMode ?? 'default',
    effort: flags.effort ?? '',
    createdAt: now,
    activeAt: now,
    usage: { ...NO_USAGE },
    queue: [],
    pending: [],
    lastSeq: 0,
    preview: firstLine,
    cli: { running: false, pid: null, version: '', seenAt: null },
    flags,
    adminEmail: body.adminEmail ?? '',
    whatsappPhone: body.whatsappPhone ?? '',
    slackWebhookUrl: body.slackWebhookUrl ?? '',
    taskId: body.taskId ?? null,
  };
}

/** What is kept of an agent beside its messages, in DATA_DIR/agents/<id>/agent.json. */
import { basename } from 'node:path';
import type { AgentInfo, CreateAgentBody, Usage } from '../../core/wire/types.ts';
import type { ProcessIdentity } from '../provider/proc.ts';
import type { Workspace } from '../rooms.ts';

/** Characters of a name that is taken from the prompt. */
const NAME_LENGTH = 60;

export interface AgentRecord {
  version: 1;
  info: AgentInfo;
  /** Where its process runs: the worktree, or the folder. */
  cwd: string;
  /** The first prompt and the instructions, as they were given. */
  prompt: string;
  instructions: string;
  /** The name came from the prompt: a title that the CLI finds may replace it. */
  isAutoNamed: boolean;
  /** Id of the create command: repeating it makes no second agent. */
  clientId: string | null;
  /** The CLI has lost the session that it was to go on with (flags.resume): it is not asked for again. */
  isResumeLost: boolean;
  /** The CLI's process while one runs. */
  process: ProcessIdentity | null;
}

export const NO_USAGE: Usage = {
  costUsd: null,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  contextTokens: null,
  contextWindow: null,
  turns: 0,
};

/** Throws when this is no agent's record of this version. */
export function parseRecord(value: unknown): AgentRecord {
  const record = value as Partial<AgentRecord> | null;
  if (typeof record !== 'object' || record === null) throw new Error('not an agent');
  if (record.version !== 1) throw new Error(`version ${String(record.version)} is not known here`);
  const info = record.info as Partial<AgentInfo> | undefined;
  const isWhole = typeof info?.id === 'string' && typeof info.name === 'string' && typeof info.state === 'string' &&
    typeof info.directory === 'string' && typeof info.flags === 'object' && Array.isArray(info.queue) &&
    Array.isArray(info.pending) && typeof info.usage === 'object' && typeof info.cli === 'object' &&
    typeof record.cwd === 'string';
  if (!isWhole) throw new Error('fields are missing');
  return {
    isAutoNamed: false,
    clientId: null,
    isResumeLost: false,
    process: null,
    prompt: '',
    instructions: '',
    ...record,
  } as AgentRecord;
}

type Place = Awaited<ReturnType<Workspace['prepare']>>;

/** The record of an agent that is about to be started. */
export function newRecord(
  id: string,
  body: CreateAgentBody & { taskId?: string; clientId: string },
  place: Place,
  { demo, now }: { demo: boolean; now: number },
): AgentRecord {
  const { flags = {}, prompt = '' } = body;
  const firstLine = prompt.trim().split('\n')[0]!.slice(0, NAME_LENGTH);
  return {
    version: 1,
    cwd: place.cwd,
    prompt,
    instructions: body.claudeMd ?? '',
    isAutoNamed: !body.name?.trim(),
    clientId: body.clientId,
    isResumeLost: false,
    process: null,
    info: {
      id,
      name: body.name?.trim() || firstLine || basename(place.directory),
      provider: body.provider ?? 'claude',
      demo,
      directory: place.directory,
      worktree: place.worktree,
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
    },
  };
}

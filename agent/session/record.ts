/** What is kept of an agent beside its messages, in DATA_DIR/agents/<id>/agent.json. */
import type { AgentInfo, Usage } from '../../core/wire/types.ts';
import type { ProcessIdentity } from '../provider/proc.ts';

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
  return { isAutoNamed: false, clientId: null, process: null, prompt: '', instructions: '', ...record } as AgentRecord;
}

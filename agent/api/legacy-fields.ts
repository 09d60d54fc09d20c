import type { AgentInfo, AgentState } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

/** The four words that scripts of the reference product poll for; `state` is more precise. */
export type LegacyStatus = 'running' | 'stopped' | 'error' | 'waiting_input';

export interface LegacyMessage {
  id: string;
  role: 'user' | 'assistant' | 'system' | 'tool';
  content: string;
  timestamp: number;
}

export interface LegacyFields {
  status: LegacyStatus;
  config: {
    provider: string;
    directory: string;
    prompt: string;
    [INSTRUCTIONS_FIELD]: string;
    adminEmail: string;
    whatsappPhone: string;
    slackWebhookUrl: string;
    flags: AgentInfo['flags'];
  };
  worktreePath?: string;
  worktreeBranch?: string;
  lastActivity: number;
  costUsd?: number;
  tokenUsage: { input: number; output: number };
}

/** Such a script waits for anything but "running", so an idle session counts as stopped. */
const STATUS: Record<AgentState, LegacyStatus> = {
  starting: 'running',
  running: 'running',
  waiting_input: 'waiting_input',
  waiting_limit: 'error',
  idle: 'stopped',
  stopped: 'stopped',
  error: 'error',
};

export function legacyFields(info: AgentInfo, firstPrompt = '', instructions = ''): LegacyFields {
  return {
    status: STATUS[info.state],
    config: {
      provider: info.provider,
      directory: info.directory,
      prompt: firstPrompt,
      [INSTRUCTIONS_FIELD]: instructions,
      adminEmail: info.adminEmail,
      whatsappPhone: info.whatsappPhone,
      slackWebhookUrl: info.slackWebhookUrl,
      flags: info.flags,
    },
    ...(info.worktree ? { worktreePath: info.worktree.path, worktreeBranch: info.worktree.branch } : {}),
    lastActivity: info.activeAt,
    ...(info.usage.costUsd === null ? {} : { costUsd: info.usage.costUsd }),
    tokenUsage: { input: info.usage.inputTokens, output: info.usage.outputTokens },
  };
}

/** Messages that the reference product has a counterpart of; a message that still streams has its text so far. */
export function legacyMessages(messages: readonly Message[]): LegacyMessage[] {
  return messages.flatMap((message) => {
    const entry = roleAndContent(message);
    return entry ? [{ id: message.id, ...entry, timestamp: message.at }] : [];
  });
}

function roleAndContent(message: Message): Pick<LegacyMessage, 'role' | 'content'> | null {
  switch (message.kind) {
    case 'user':
      return { role: 'user', content: message.text };
    case 'text':
      return { role: 'assistant', content: message.text };
    case 'tool':
      return {
        role: 'tool',
        content: [`${message.tool}: ${message.title}`, message.result?.text].filter(Boolean).join('\n'),
      };
    case 'notice':
      return { role: 'system', content: message.text };
    case 'turn':
      return message.outcome === 'error' ? { role: 'system', content: message.text } : null;
    case 'thinking':
    case 'request':
    case 'todos':
      return null;
  }
}

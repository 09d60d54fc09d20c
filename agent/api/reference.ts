/**
 * The fields under which the reference product's scripts know an agent, added to what the REST API answers (never to the live
 * feed): `status`, `config`, `messages` with roles, `costUsd`, `tokenUsage`, `lastActivity`.
 */
import type { AgentInfo, AgentState, Message } from '../../core/wire/types.ts';

/** The four words that scripts poll for. `state` beside it is the precise one. */
export type ReferenceStatus = 'running' | 'stopped' | 'error' | 'waiting_input';

export interface ReferenceMessage {
  id: string;
  role: 'user' | 'assistant' | 'system' | 'tool';
  content: string;
  timestamp: number;
}

export interface ReferenceFields {
  status: ReferenceStatus;
  config: {
    provider: string;
    directory: string;
    prompt: string;
    claudeMd: string;
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

/** A script that waits for the end of a turn waits for anything but "running": an idle session counts as stopped there. */
const STATUS: Record<AgentState, ReferenceStatus> = {
  starting: 'running',
  running: 'running',
  waiting_input: 'waiting_input',
  idle: 'stopped',
  stopped: 'stopped',
  error: 'error',
};

export function referenceFields(info: AgentInfo, firstPrompt = '', claudeMd = ''): ReferenceFields {
  return {
    status: STATUS[info.state],
    config: {
      provider: info.provider,
      directory: info.directory,
      prompt: firstPrompt,
      claudeMd,
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

/** Messages that had a counterpart there; what is still streaming is given as far as it came. */
export function referenceMessages(messages: readonly Message[]): ReferenceMessage[] {
  return messages.flatMap((message) => {
    const entry = roleAndContent(message);
    return entry ? [{ id: message.id, ...entry, timestamp: message.at }] : [];
  });
}

function roleAndContent(message: Message): Pick<ReferenceMessage, 'role' | 'content'> | null {
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

/**
 * Sessions at the desk: those of a CLI that runs in a terminal of the machine, begun by somebody who sits there. They are seen
 * and read along here; what runs them is not this server. Browser-safe.
 */
import type { AgentInfo, PermissionMode, ProviderName } from './agents.ts';
import { bool, pick, uuid } from './schema.ts';

/** Sessions that are listed; the newest first. */
export const MAX_DESK_SESSIONS = 50;

/** Where it is: `idle` after a turn, `busy` in one, `waiting` for somebody at the desk. */
export type DeskStatus = 'idle' | 'busy' | 'waiting';

export const DESK_STATUS: readonly DeskStatus[] = ['idle', 'busy', 'waiting'];

export interface DeskSession {
  /** The session's id: what `flags.resume` takes. */
  id: string;
  provider: ProviderName;
  pid: number;
  /** null: it has a terminal. Else it runs in the background, and this command opens it in one. */
  attach: string | null;
  /** It runs in a terminal of this server. */
  isHere: boolean;
  /** As the CLI calls it; may be empty. */
  name: string;
  directory: string;
  startedAt: number;
  status: DeskStatus;
  /** What it waits for, in words of the CLI ("permission prompt"); empty when it does not. */
  waitingFor: string;
  statusAt: number;
  version: string;
  /** Further processes that have the same session open: their turns are lost to each other. */
  others: number;
  /** Ids of what it asks that can be answered here too, the oldest first; missing: nothing. */
  pending?: readonly string[];
}

/** GET /api/handoff/:id: a session that can be read along from now on, as the chat `deskChat(id)`. */
export interface DeskDetail {
  session: DeskSession;
  /** In which it would go on here; null: the file does not say. */
  mode: PermissionMode | null;
}

/** POST /api/handoff/:id/take: the program at the desk is ended, and an agent goes on with its session. */
export interface TakeOverBody {
  /** Also in the middle of a turn, whose answer is lost then as far as it is not written down. */
  interrupt?: boolean;
  /** Made by the client: posting the same id again answers with the agent already made. */
  clientId?: string;
}

export const parseTakeOver = (value: unknown): TakeOverBody =>
  pick<TakeOverBody>(value, { interrupt: bool, clientId: uuid });

/** POST /api/agents/:id/give-back */
export interface GiveBackReply {
  agent: AgentInfo;
  /** What to type in a terminal of the machine to go on with the session. */
  command: string;
}

const CHAT = 'desk-';

/** Under which the live feed has the messages of a session at the desk, as those of an agent. */
export const deskChat = (id: string): string => `${CHAT}${id}`;

/** Where a page of an agent, or of a session at the desk, is. */
export const chatPath = (chat: string): string => {
  const desk = deskSessionOf(chat);
  return desk === null ? `/agents/${encodeURIComponent(chat)}` : `/desk/${encodeURIComponent(desk)}`;
};

/** The session of such a chat; null: it is an agent's. */
export const deskSessionOf = (chat: string): string | null => chat.startsWith(CHAT) ? chat.slice(CHAT.length) : null;

const NO_USAGE: AgentInfo['usage'] = {
  ...{ costUsd: null, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  ...{ contextTokens: null, contextWindow: null, turns: 0 },
};

/** A session at the desk as what tells of agents, and shows what they ask, takes it. Nothing else can be done with it. */
export const deskAgent = (session: DeskSession, preview = ''): AgentInfo => ({
  ...{ id: deskChat(session.id), provider: session.provider, directory: session.directory, preview },
  name: session.name || session.directory.split('/').filter(Boolean).at(-1) || session.id.slice(0, 8),
  pending: [...session.pending ?? []],
  ...{ state: session.pending?.length ? 'waiting_input' : 'idle', stateReason: 'at_desk', stateText: '' },
  ...{ stateSince: session.statusAt, createdAt: session.startedAt, activeAt: session.statusAt },
  ...{ sessionId: session.id, resumable: false, model: '', mode: 'default', effort: '', demo: false, worktree: null },
  ...{ usage: NO_USAGE, queue: [], lastSeq: 0, flags: {}, taskId: null },
  cli: { running: true, pid: session.pid, version: session.version, seenAt: null },
  ...{ adminEmail: '', whatsappPhone: '', slackWebhookUrl: '' },
});

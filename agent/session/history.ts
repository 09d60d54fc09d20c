/** Sessions that the CLIs themselves keep on disk: listed, looked into, and read so that an agent that goes on with one shows its past. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HttpError, json } from '../../core/http/reply.ts';
import type { Route, Router } from '../../core/http/router.ts';
import type { DiskSession, Message, ProviderName } from '../../core/wire/types.ts';
import type { CodexProvider } from '../provider/codex.ts';
import { listClaudeSessions, readClaudeHistory } from './history-claude.ts';
import { listCodexSessions, readCodexHistory } from './history-codex.ts';
import type { HistoryMessage } from './history-message.ts';

export type { HistoryMessage } from './history-message.ts';

export interface DiskSessionsOptions {
  /** CLAUDE_CONFIG_DIR; `~/.claude` when empty. */
  claudeConfigDir: string;
  codex: CodexProvider;
  /** The agent here that goes on with this session, if any. */
  agentOf(provider: ProviderName, sessionId: string): string | null;
}

export interface DiskSessions {
  /** Newest first. `notes`: why the sessions of a provider are missing, for people. Never rejects. */
  list(query: { provider?: ProviderName; limit: number }): Promise<{ sessions: DiskSession[]; notes: string[] }>;
  /** The newest messages, oldest first, to put into the journal of an agent that resumes it. Empty when there is nothing to read. */
  history(provider: ProviderName, sessionId: string, limit?: number): Promise<HistoryMessage[]>;
  /** Adds GET /api/sessions?provider=&limit= and GET /api/sessions/:provider/:id?limit= */
  routes(router: Router): void;
}

const LIST_DEFAULT = 50;
const LIST_LIMIT = 500;
const HISTORY_DEFAULT = 500;
const PREVIEW_DEFAULT = 50;

export function createDiskSessions(options: DiskSessionsOptions): DiskSessions {
  const { codex, agentOf } = options;
  const claudeDir = options.claudeConfigDir || join(homedir(), '.claude');

  async function list({ provider, limit }: { provider?: ProviderName; limit: number }) {
    const notes: string[] = [];
    const found = await Promise.all([
      provider === 'codex' ? [] : listClaudeSessions(claudeDir, limit),
      provider === 'claude' ? [] : listFromCodex(codex, limit, notes),
    ]);
    const sessions = found.flat().sort((a, b) => b.updatedAt - a.updatedAt).slice(0, limit)
      .map((session) => ({ ...session, agentId: agentOf(session.provider, session.id) }));
    return { sessions, notes };
  }

  /** null: there is no such session. */
  async function read(provider: ProviderName, id: string, limit: number): Promise<HistoryMessage[] | null> {
    if (provider === 'claude') return await readClaudeHistory(claudeDir, id, limit);
    return await readCodexHistory(codex, id, limit).catch(() => null);
  }

  return {
    list,
    history: async (provider, id, limit = HISTORY_DEFAULT) => await read(provider, id, limit) ?? [],
    routes(router) {
      router.get('/api/sessions', async (_req, res, { query }) => {
        const provider = query.get('provider') || undefined;
        if (provider !== undefined) checkProvider(provider);
        json(res, 200, await list({ provider, limit: limitOf(query, LIST_DEFAULT) }));
      });
      router.get('/api/sessions/:provider/:id', async (_req, res, { params, query }: Route) => {
        const provider: string = params.provider!;
        checkProvider(provider);
        const messages = await read(provider, params.id!, limitOf(query, PREVIEW_DEFAULT));
        if (!messages) throw new HttpError(404, 'not_found', 'There is no such session on this machine (any more).');
        json(res, 200, { messages: messages.map((message, i) => ({ ...message, seq: i + 1 }) as Message) });
      });
    },
  };
}

/** Codex is asked only when it is there: it would have to be started. */
async function listFromCodex(codex: CodexProvider, limit: number, notes: string[]) {
  const { available } = await codex.probe();
  if (!available) return [];
  return await listCodexSessions(codex, limit).catch((error: Error) => {
    notes.push(`The sessions of Codex could not be listed: ${error.message}`);
    return [];
  });
}

function checkProvider(name: string): asserts name is ProviderName {
  if (name !== 'claude' && name !== 'codex') throw new HttpError(400, 'bad_request', 'Use provider claude or codex.');
}

function limitOf(query: URLSearchParams, fallback: number): number {
  const text = query.get('limit');
  if (text === null) return fallback;
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1) {
    throw new HttpError(400, 'bad_request', `Use a limit between 1 and ${LIST_LIMIT}.`);
  }
  return Math.min(Number(text), LIST_LIMIT);
}

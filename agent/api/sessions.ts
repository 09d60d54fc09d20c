/** /api/sessions: the sessions that the CLIs keep on disk. */
import type { DiskSession, ProviderName } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';
import type { Message } from '../../core/api/messages.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { DiskSessions } from '../session/history.ts';

const LIST_DEFAULT = 50;
const MAX_LIST = 500;
const PREVIEW_DEFAULT = 50;

/** @param agentOf the agent here that goes on with a session, if any */
export function sessionRoutes(
  router: Router,
  sessions: DiskSessions,
  agentOf: (provider: ProviderName, id: string) => string | null,
): void {
  router.get('/api/sessions', async (_req, res, { query }) => {
    const provider = query.get('provider') || undefined;
    if (provider !== undefined) checkProvider(provider, sessions);
    const { sessions: list, notes } = await sessions.list({ provider, limit: limitOf(query, LIST_DEFAULT) });
    const withAgents: DiskSession[] = list.map((entry) => ({ ...entry, agentId: agentOf(entry.provider, entry.id) }));
    json(res, 200, { sessions: withAgents, notes });
  });
  router.get('/api/sessions/:provider/:id', async (_req, res, { params, query }) => {
    const provider: string = params.provider!;
    checkProvider(provider, sessions);
    const messages = await sessions.read(provider, params.id!, limitOf(query, PREVIEW_DEFAULT));
    if (!messages) throw new Failure('not_found', 'There is no such session on this machine (any more).');
    json(res, 200, { messages: messages.map((message, i) => ({ ...message, seq: i + 1 }) as Message) });
  });
}

function checkProvider(name: string, { providers }: DiskSessions): void {
  if (!providers.includes(name)) throw new Failure('bad_request', `Use provider ${providers.join(' or ')}.`);
}

function limitOf(query: URLSearchParams, fallback: number): number {
  const text = query.get('limit');
  if (text === null) return fallback;
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1) {
    throw new Failure('bad_request', `Use a limit between 1 and ${MAX_LIST}.`);
  }
  return Math.min(Number(text), MAX_LIST);
}

/** Folders, and what an agent changed: /api/directories, /api/agents/:id/changes, /api/agents/:id/claude-md. */
import { once } from 'node:events';
import { readJson } from '../../core/http/body.ts';
import { json } from '../../core/http/reply.ts';
import type { RouteHandler, Router } from '../../core/http/router.ts';
import type { HttpResponse } from '../../core/http/types.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import type { Agents } from '../rooms.ts';
import type { WorkspaceRoom } from '../workspace/mod.ts';
import { Fields, LIMITS } from './fields.ts';

/** Files that one request names. */
const PATH_COUNT = 5000;

export function workspaceRoutes(router: Router, agents: Agents, workspace: WorkspaceRoom): void {
  router.get('/api/directories', async (_req, res, { query }) => {
    const request = { path: query.get('path') ?? '', hidden: query.get('hidden') === '1' };
    json(res, 200, await workspace.directories(request));
  });

  const path = (rest: string) => `/api/agents/:id/${rest}`;
  /** A route that answers with JSON about one agent. */
  const about =
    (action: (agent: AgentInfo, fields: Fields, query: URLSearchParams) => Promise<unknown>): RouteHandler =>
    async (req, res, { params, query }) => {
      const agent = agents.info(params.id!);
      json(res, 200, await action(agent, new Fields(await readJson(req)), query));
    };
  router.get(path('claude-md'), about((agent) => workspace.instructions(agent)));
  router.put(
    path('claude-md'),
    about(async (agent, fields) => {
      const content = fields.text('content', LIMITS.document) ?? '';
      return { ok: true, ...await workspace.setInstructions(agent, content, fields.text('version', LIMITS.name)) };
    }),
  );
  router.get(path('changes'), about((agent) => workspace.changes(agent)));
  router.get(path('changes/file'), about((agent, _, query) => workspace.diff(agent, query.get('path') ?? '')));
  router.post(
    path('changes/commit'),
    about(async (agent, fields) => {
      const message = fields.needText('message', LIMITS.document);
      const commit = await workspace.commit(agent, message, fields.texts('paths', LIMITS.path, PATH_COUNT) ?? null);
      return { ok: true, commit, changes: await workspace.changes(agent) };
    }),
  );
  router.post(
    path('changes/merge'),
    about(async (agent) => {
      const outcome = await workspace.merge(agent);
      return { ok: true, ...outcome, changes: await workspace.changes(agent) };
    }),
  );
  router.post(
    path('changes/discard'),
    about(async (agent, fields) => {
      const discarded = await workspace.discard(agent, pathsOrAll(fields));
      return { ok: true, discarded, changes: await workspace.changes(agent) };
    }),
  );
  router.get(path('changes/patch'), async (_req, res, { params }) => {
    const agent = agents.info(params.id!);
    const { stream, close } = await workspace.patch(agent);
    res.once('close', () => void close());
    try {
      res.writeHead(200, {
        'content-type': 'text/x-patch; charset=utf-8',
        'content-disposition': `attachment; filename="${agent.worktree?.branch ?? 'changes'}.patch"`,
        'cache-control': 'no-store',
      });
      for await (const chunk of stream) if (!res.write(chunk) && !(await drained(res))) return;
      res.end();
    } finally {
      await close();
    }
  });
}

/** Throwing work away is never what an empty body means: {paths: […]} or {all: true}. */
function pathsOrAll(fields: Fields): string[] | null {
  if (fields.flag('all')) return null;
  return fields.needTexts('paths', LIMITS.path, PATH_COUNT);
}

/** false: the other side has gone. */
async function drained(res: HttpResponse): Promise<boolean> {
  if (res.destroyed) return false;
  const emitter = res as HttpResponse & NodeJS.EventEmitter;
  await Promise.race([once(emitter, 'drain'), once(emitter, 'close')]);
  return !res.destroyed;
}

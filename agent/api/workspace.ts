/** Folders, and what an agent changed: /api/directories, /api/agents/:id/changes, an agent's instructions. */
import { once } from 'node:events';
import { json } from '../../core/http/reply.ts';
import type { RouteHandler, Router } from '../../core/http/router.ts';
import type { HttpResponse } from '../../core/http/types.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import { fields, ValidationError } from '../../core/api/schema.ts';

import {
  parseCommit,
  parseDiscard,
  parseInstructions,
  parseNewDirectory,
  parsePullRequest,
  parseUndo,
  type PullRequestText,
} from '../../core/api/workspace.ts';
import type { Agents } from '../session/agents.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { checkStepUp } from './relay-word.ts';
import { readBody } from './request.ts';
import { INSTRUCTIONS_PATH } from '../../core/api/instructions.ts';

export function workspaceRoutes(router: Router, agents: Agents, workspace: Workspace): void {
  router.get('/api/directories', async (_req, res, { query }) => {
    const request = { path: query.get('path') ?? '', hidden: query.get('hidden') === '1' };
    json(res, 200, await workspace.directories(request));
  });
  router.post('/api/directories', async (req, res) => {
    json(res, 201, { path: await workspace.makeDirectory(await readBody(req, parseNewDirectory)) });
  });
  instructionRoutes(router, agents, workspace);
  changeRoutes(router, agents, workspace);
  remoteRoutes(router, agents, workspace);
}

function instructionRoutes(router: Router, agents: Agents, workspace: Workspace): void {
  const path = `/api/agents/:id/${INSTRUCTIONS_PATH}`;
  router.get(path, about(agents, (agent) => workspace.instructions(agent)));
  router.put(
    path,
    act(agents, parseInstructions, (agent, { content, version }) => workspace.setInstructions(agent, content, version)),
  );
}

function changeRoutes(router: Router, agents: Agents, workspace: Workspace): void {
  const path = '/api/agents/:id/changes';
  router.get(path, about(agents, (agent) => workspace.changes(agent)));
  router.get(`${path}/file`, about(agents, (agent, query) => readDiff(workspace, agent, query)));
  router.get(`${path}/patch`, async (_req, res, { params }) => {
    const agent = agents.info(params.id!);
    await sendPatch(res, (agent.worktree?.branch ?? 'changes').replaceAll('/', '-'), await workspace.patch(agent));
  });
  const change = <T>(name: string, parse: (value: unknown) => T, action: Action<T>, isFinal = false) => {
    const handle = act(agents, parse, async (agent, body) => ({
      ...await action(agent, body),
      changes: await workspace.changes(agent),
    }));
    router.post(`${path}/${name}`, (req, res, route) => {
      if (isFinal) checkStepUp(req);
      return handle(req, res, route);
    });
  };
  change('commit', parseCommit, async (agent, { message, paths, hunks }) => ({
    commit: await workspace.commit(agent, message, paths, hunks),
  }));
  change('merge', fields, async (agent) => {
    const outcome = await workspace.merge(agent);
    if (outcome.commits) await agents.noteMerge(agent.id, outcome);
    return outcome;
  });
  change('update', fields, (agent) => workspace.update(agent));
  const undo: Action<{ path: string; hunk: string }> = async (agent, { path, hunk }) => {
    await workspace.undo(agent, path, hunk);
    return {};
  };
  change('undo', parseUndo, undo, true);
  change('discard', parseDiscard, async (agent, paths) => ({ discarded: await workspace.discard(agent, paths) }), true);
}

function readDiff(workspace: Workspace, agent: AgentInfo, query: URLSearchParams): Promise<FileDiff> {
  const path = query.get('path') ?? '';
  const from = query.get('from') ?? 'base';
  if (from === 'base') return workspace.diff(agent, path);
  if (from === 'commit') return workspace.uncommittedDiff(agent, path);
  throw new ValidationError('"from" must be base or commit.', 'from');
}

/** What runs on after its request: it is asked for until it has ended. */
function remoteRoutes(router: Router, agents: Agents, workspace: Workspace): void {
  const path = '/api/agents/:id/changes';
  const start = <T>(name: string, parse: (value: unknown) => T, textOf: (body: T) => PullRequestText | null) =>
    router.post(`${path}/${name}`, async (req, res, { params }) => {
      const agent = agents.info(params.id!);
      json(res, 202, workspace.startRemoteWork(agent, textOf(await readBody(req, parse))));
    });
  start('push', fields, () => null);
  start('pull-request', parsePullRequest, (body) => body);
  router.get(`${path}/pull-request`, about(agents, (agent) => workspace.pullRequestTarget(agent)));
  router.get(`${path}/remote`, about(agents, (agent) => Promise.resolve({ work: workspace.remoteWork(agent) })));
  router.delete(
    `${path}/remote`,
    about(agents, async (agent) => ({ work: await workspace.cancelRemoteWork(agent) })),
  );
}

type Action<T> = (agent: AgentInfo, body: T) => Promise<object>;

/** Answers with JSON about one agent. */
const about =
  (agents: Agents, action: (agent: AgentInfo, query: URLSearchParams) => Promise<unknown>): RouteHandler =>
  async (_req, res, { params, query }) => json(res, 200, await action(agents.info(params.id!), query));

/** Changes something of one agent; the body is read before anything is done. */
const act = <T>(agents: Agents, parse: (value: unknown) => T, action: Action<T>): RouteHandler =>
async (
  req,
  res,
  { params },
) => {
  const agent = agents.info(params.id!);
  json(res, 200, { ok: true, ...await action(agent, await readBody(req, parse)) });
};

/** Sends the patch as a file; stops git when the other side goes away. */
async function sendPatch(res: HttpResponse, name: string, { stream, close }: Patch): Promise<void> {
  res.once('close', () => void close());
  try {
    res.writeHead(200, {
      'content-type': 'text/x-patch; charset=utf-8',
      'content-disposition': `attachment; filename="${name}.patch"`,
      'cache-control': 'no-store',
    });
    for await (const chunk of stream) if (!res.write(chunk) && !(await drained(res))) return;
    res.end();
  } finally {
    await close();
  }
}

type Patch = Awaited<ReturnType<Workspace['patch']>>;

/** false: the other side has gone. */
async function drained(res: HttpResponse): Promise<boolean> {
  if (res.destroyed) return false;
  const emitter = res as HttpResponse & NodeJS.EventEmitter;
  await Promise.race([once(emitter, 'drain'), once(emitter, 'close')]);
  return !res.destroyed;
}

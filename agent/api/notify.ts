/** What is told of one agent (/api/agents/:id/notify), and the one request that a notification leads to. */
import { Failure } from '../../core/api/errors.ts';
import { notifyLevel } from '../../core/api/notify.ts';
import type { RequestAnswer } from '../../core/api/push.ts';
import { parseField } from '../../core/api/schema.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { AgentLevels } from '../notify/agent-levels.ts';
import type { Agents } from '../session/agents.ts';
import { readBody } from './request.ts';

/** @param agents with the sessions at the desk */
export function notifyRoutes(router: Router, agents: Pick<Agents, 'info' | 'message'>, levels: AgentLevels): void {
  router.get('/api/agents/:id/requests/:requestId', (_req, res, { params }) => {
    const agent = agents.info(params.id!);
    const request = agents.message(agent.id, params.requestId!);
    if (request?.kind !== 'request') throw new Failure('not_found', 'There is no such request.');
    json(res, 200, { agent, request } satisfies RequestAnswer);
  });
  router.get('/api/agents/:id/notify', (_req, res, { params }) => {
    json(res, 200, { level: levels.of(agents.info(params.id!).id) });
  });
  router.put('/api/agents/:id/notify', async (req, res, { params }) => {
    const { id } = agents.info(params.id!);
    await levels.set(id, await readBody(req, (value) => parseField(value, 'level', notifyLevel)));
    json(res, 200, { level: levels.of(id) });
  });
}

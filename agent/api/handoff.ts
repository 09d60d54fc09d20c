/** /api/handoff: the sessions that run in a terminal of this machine. */
import { type DeskDetail, parseTakeOver } from '../../core/api/handoff.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Handoff } from '../handoff/handoff.ts';
import { queryInteger, readBody, whoAsks } from './request.ts';

export function handoffRoutes(router: Router, handoff: Handoff): void {
  const { desk, reading } = handoff;
  router.get('/api/handoff', async (_req, res) => json(res, 200, { sessions: await desk.refresh() }));
  router.get('/api/handoff/:id', async (_req, res, { params }) => {
    const session = await desk.find(params.id!);
    await reading.open(session.id);
    const detail: DeskDetail = { session, mode: await handoff.modeOf(session.id) };
    json(res, 200, detail);
  });
  router.post('/api/handoff/:id/take', async (req, res, { params }) => {
    const body = await readBody(req, parseTakeOver);
    json(res, 201, await handoff.take(params.id!, body, whoAsks(req)));
  });
  router.post('/api/agents/:id/give-back', async (req, res, { params }) => {
    json(res, 200, await handoff.giveBack(params.id!, whoAsks(req)));
  });
  router.get('/api/handoff/:id/messages', async (_req, res, { params, query }) => {
    const { id } = await desk.find(params.id!);
    await reading.open(id);
    const [before, limit] = ['before', 'limit'].map((name) => queryInteger(query, name));
    json(res, 200, reading.page(id, { before, limit }));
  });
}

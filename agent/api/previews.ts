/** /api/agents/:id/previews: ports of the agent's processes, those that are open, and what goes to them through the relay. */
import { Failure } from '../../core/api/errors.ts';
import { parsePreviewPort, parsePreviewTarget } from '../../core/api/previews.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Handler } from '../../core/http/types.ts';
import type { Previews } from '../preview/previews.ts';
import { relayPreview } from './relay-word.ts';
import { readBody, whoAsks } from './request.ts';

const BASE = '/api/agents/:id/previews';

export function previewRoutes(router: Router, previews: Previews): void {
  router.get(BASE, async (_req, res, { params }) => json(res, 200, await previews.list(params.id!)));
  router.get('/api/previews', (_req, res) => json(res, 200, { previews: previews.all() }));
  router.post(BASE, async (req, res, { params }) => {
    const port = await readBody(req, parsePreviewPort);
    json(res, 201, await previews.open(params.id!, port, whoAsks(req)));
  });
  router.delete(`${BASE}/:preview`, (req, res, { params }) => {
    previews.end(params.id!, params.preview!, whoAsks(req));
    json(res, 200, { ok: true });
  });
}

/** Serves what the relay asks of a preview; everything else is `next`'s. A page of the dashboard never gets a preview's content. */
export function servePreviews(previews: Previews, next: Handler): Handler {
  return (req, res) => {
    const target = parsePreviewTarget(req.url);
    if (!target) return next(req, res);
    if (relayPreview(req) !== target.preview) throw new Failure('not_found', 'There is nothing at this address.');
    return previews.forward(target.preview, target.url, req, res);
  };
}

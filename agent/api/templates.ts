/** /api/templates */
import { parseCreateTemplate, parseTemplatePatch } from '../../core/api/templates.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Templates } from '../settings/templates.ts';
import { readBody } from './request.ts';

export function templateRoutes(router: Router, templates: Templates): void {
  router.get('/api/templates', (_req, res) => json(res, 200, templates.list()));
  router.post('/api/templates', async (req, res) => {
    json(res, 201, await templates.add(await readBody(req, parseCreateTemplate)));
  });
  router.get('/api/templates/:id', (_req, res, { params }) => json(res, 200, templates.get(params.id!)));
  router.put('/api/templates/:id', async (req, res, { params }) => {
    json(res, 200, await templates.edit(params.id!, await readBody(req, parseTemplatePatch)));
  });
  router.delete('/api/templates/:id', async (_req, res, { params }) => {
    await templates.remove(params.id!);
    json(res, 200, { ok: true });
  });
}

/** /api/schedule: what is begun at a time, or again and again. */
import { parseScheduleBody, parseSchedulePatch } from '../../core/api/schedule.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Schedule } from '../schedule/schedule.ts';
import { checkStepUp, isBypass } from './relay-word.ts';
import { readBody } from './request.ts';

export function scheduleRoutes(router: Router, schedule: Schedule): void {
  router.get('/api/schedule', (_req, res) => json(res, 200, schedule.list()));
  router.post('/api/schedule', async (req, res) => {
    const body = await readBody(req, parseScheduleBody);
    if (isBypass(body.flags)) checkStepUp(req);
    json(res, 201, await schedule.add(body));
  });
  router.get('/api/schedule/:id', (_req, res, { params }) => json(res, 200, schedule.get(params.id!)));
  router.put('/api/schedule/:id', async (req, res, { params }) => {
    const patch = await readBody(req, parseSchedulePatch);
    const isOff = patch.on === false && Object.keys(patch).length === 1;
    if (isBypass(patch.flags) || (!isOff && isBypass(schedule.get(params.id!).flags))) checkStepUp(req);
    json(res, 200, await schedule.edit(params.id!, patch));
  });
  router.delete('/api/schedule/:id', async (_req, res, { params }) => {
    await schedule.remove(params.id!);
    json(res, 200, { ok: true });
  });
  router.post('/api/schedule/:id/run', async (req, res, { params }) => {
    if (isBypass(schedule.get(params.id!).flags)) checkStepUp(req);
    json(res, 200, await schedule.runNow(params.id!));
  });
}

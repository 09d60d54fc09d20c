/** /api/tasks: the pipeline's tasks and its manager. */
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';
import {
  parseCreateTask,
  parsePipelineConfig,
  parseTaskPatch,
  type PipelineConfigPatch,
  type Task,
  type TaskPatch,
} from '../../core/api/tasks.ts';
import type { TaskBoard } from '../pipeline/board.ts';
import { checkStepUp, isBypass } from './relay-word.ts';
import { readBody } from './request.ts';

/** With the fields under which scripts of the reference product know a task. */
const whole = (task: Task) => ({ ...task, model: task.flags.model ?? '', completedAt: task.endedAt });

/** Whether a task does something else after it. */
const changesWork = ({ name: _name, order: _order, ...work }: TaskPatch): boolean => Object.keys(work).length > 0;

/** The same for the configuration, which holds for every task that names none of its own. */
const changesAllWork = (patch: PipelineConfigPatch): boolean =>
  (['defaultDirectory', 'defaultProvider', INSTRUCTIONS_FIELD] as const).some((name) => patch[name] !== undefined);

export function taskRoutes(router: Router, board: TaskBoard): void {
  router.get('/api/tasks', (_req, res) => json(res, 200, board.tasks.map(whole)));
  router.post('/api/tasks', async (req, res) => {
    const body = await readBody(req, parseCreateTask);
    if (isBypass(body.flags)) checkStepUp(req);
    json(res, 201, whole(await board.add(body)));
  });
  router.post('/api/tasks/actions/clear-completed', async (_req, res) => {
    json(res, 200, { ok: true, cleared: await board.clear() });
  });
  managerRoutes(router, board);
  router.get('/api/tasks/:id', (_req, res, { params }) => json(res, 200, whole(board.task(params.id!))));
  router.put('/api/tasks/:id', async (req, res, { params }) => {
    const patch = await readBody(req, parseTaskPatch);
    if (isBypass(patch.flags ?? board.task(params.id!).flags) && changesWork(patch)) checkStepUp(req);
    json(res, 200, whole(await board.edit(params.id!, patch)));
  });
  router.delete('/api/tasks/:id', async (_req, res, { params }) => {
    await board.remove(params.id!);
    json(res, 200, { ok: true });
  });
  router.post('/api/tasks/:id/reset', async (_req, res, { params }) => {
    json(res, 200, whole(await board.reset(params.id!)));
  });
  router.post('/api/tasks/:id/skip', async (_req, res, { params }) => {
    json(res, 200, whole(await board.skip(params.id!)));
  });
}

function managerRoutes(router: Router, board: TaskBoard): void {
  router.get('/api/tasks/meta/config', (_req, res) => json(res, 200, board.config));
  router.put('/api/tasks/meta/config', async (req, res) => {
    const patch = await readBody(req, parsePipelineConfig);
    if (changesAllWork(patch) && board.tasks.some(({ flags }) => isBypass(flags))) checkStepUp(req);
    json(res, 200, await board.configure(patch));
  });
  router.get('/api/tasks/meta/status', (_req, res) => json(res, 200, board.status));
  router.post('/api/tasks/meta/start', async (_req, res) => {
    await board.start();
    json(res, 200, { ok: true, ...board.status });
  });
  router.post('/api/tasks/meta/stop', async (_req, res) => {
    await board.stop();
    json(res, 200, { ok: true, ...board.status });
  });
}

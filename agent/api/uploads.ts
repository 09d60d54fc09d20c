/** /api/agents/:id/uploads: files that come in parts. */
import { parseBeginUpload, parseFinishUpload } from '../../core/api/files.ts';
import { Failure } from '../../core/api/errors.ts';
import { bodyOf } from '../../core/http/body.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { AttachmentStore } from '../session/attachments.ts';
import type { Uploads } from '../files/uploads.ts';
import { queryInteger, readBody } from './request.ts';

const BASE = '/api/agents/:id/uploads';

/** @param rootOf the folder of an agent; throws when there is no such agent @param attachmentsOf where files for its messages go */
export function uploadRoutes(
  router: Router,
  rootOf: (id: string) => string,
  attachmentsOf: (id: string) => AttachmentStore,
  uploads: Uploads,
): void {
  router.post(BASE, async (req, res, { params }) => {
    const root = rootOf(params.id!);
    const body = await readBody(req, parseBeginUpload);
    if (!body.path) {
      const others = uploads.attachedBytes(params.id!, body.uploadId);
      await attachmentsOf(params.id!).checkRoom(others + body.size);
    }
    json(res, 200, await uploads.begin(params.id!, root, body));
  });
  router.put(`${BASE}/:upload`, async (req, res, { params, query }) => {
    rootOf(params.id!);
    const offset = queryInteger(query, 'offset');
    if (offset === undefined) throw new Failure('bad_request', '"offset" is missing.');
    json(res, 200, await uploads.append(params.id!, params.upload!, offset, bodyOf(req), () => req.destroy()));
  });
  router.post(`${BASE}/:upload/finish`, async (req, res, { params }) => {
    const root = rootOf(params.id!);
    const { overwrite, attach } = await readBody(req, parseFinishUpload);
    const take = (file: string, name: string) => attachmentsOf(params.id!).take(file, name);
    const result = attach
      ? await uploads.finishAttachment(params.id!, params.upload!, take)
      : await uploads.finish(params.id!, root, params.upload!, overwrite);
    json(res, 200, result);
  });
  router.delete(`${BASE}/:upload`, async (_req, res, { params }) => {
    rootOf(params.id!);
    await uploads.cancel(params.id!, params.upload!);
    json(res, 200, { ok: true });
  });
}

/** /api/agents/:id/pictures: the pictures of a conversation, served so that they can do nothing on our origin. */
import { pipeline } from 'node:stream/promises';
import type { Router } from '../../core/http/router.ts';
import { pictureHeaders } from '../files/media-types.ts';
import type { Registry } from '../session/registry.ts';

export function pictureRoutes(router: Router, agents: Pick<Registry, 'picture'>): void {
  router.get('/api/agents/:id/pictures/:hash', async (req, res, { params }) => {
    const { mediaType, size, handle } = await agents.picture(params.id!, params.hash!);
    const etag = `"${params.hash!}"`;
    const isKnown = req.headers['if-none-match'] === etag;
    const headers = { ...pictureHeaders(mediaType), etag, ...(isKnown ? {} : { 'content-length': size }) };
    res.writeHead(isKnown ? 304 : 200, headers);
    if (isKnown || req.method === 'HEAD') {
      await handle.close();
      return void res.end();
    }
    const bytes = handle.createReadStream({ start: 0, end: size - 1 });
    // What breaks breaks the reply: half a picture never looks whole.
    await pipeline(bytes, res as unknown as NodeJS.WritableStream).catch(() => void res.destroy());
  });
}

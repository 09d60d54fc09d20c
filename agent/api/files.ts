/** /api/agents/:id/files: what an agent's folder holds, read, and replaced with a check of the version. */
import type { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../../core/api/errors.ts';
import { readBody } from '../../core/http/body.ts';
import { json } from '../../core/http/reply.ts';
import type { RouteHandler, Router } from '../../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';
import { openArchive } from '../files/archive.ts';
import { searchContent } from '../files/content-search.ts';
import { type FileContent, MAX_WRITE, openContent, parseRange, writeContent } from '../files/content.ts';
import { listFiles } from '../files/listing.ts';
import { archiveHeaders, documentHeaders, fileHeaders } from '../files/media-types.ts';
import { searchFiles } from '../files/search.ts';
import type { Uploads } from '../files/uploads.ts';
import type { Agents } from '../session/agents.ts';
import type { GitIsolation } from '../workspace/isolation.ts';
import { queryInteger } from './request.ts';
import { uploadRoutes } from './uploads.ts';

const BASE = '/api/agents/:id/files';

/** Archives that are made at a time: each takes a processor for as long as it is sent. */
export const MAX_ARCHIVES = 4;

/** @param uploads where uploads wait */
export function fileRoutes(router: Router, agents: Agents, isolation: GitIsolation, uploads: Uploads): void {
  const rootOf = (id: string) => {
    const { worktree, directory } = agents.info(id);
    return worktree?.path ?? directory;
  };
  uploadRoutes(router, rootOf, (id) => agents.attachments(id), uploads);
  attachmentRoute(router, agents);
  archiveRoute(router, rootOf);
  const about =
    (action: (root: string, query: URLSearchParams) => Promise<unknown>): RouteHandler =>
    async (_req, res, { params, query }) => json(res, 200, await action(rootOf(params.id!), query));
  router.get(BASE, about((root, query) => listFiles(root, query.get('path') ?? '', queryInteger(query, 'limit'))));
  const search = (root: string, query: URLSearchParams) => {
    const text = query.get('text');
    return text === null ? searchFiles(isolation, root, query.get('q') ?? '') : searchContent(isolation, root, text);
  };
  router.get(`${BASE}/search`, about(search));
  router.get(`${BASE}/content`, async (req, res, { params, query }) => {
    const content = await openContent(rootOf(params.id!), query.get('path') ?? '');
    await sendContent(req, res, content, query.get('download') === '1');
  });
  router.put(`${BASE}/content`, async (req, res, { params, query }) => {
    const root = rootOf(params.id!);
    const bytes = await readBytes(req);
    json(res, 200, await writeContent(root, query.get('path') ?? '', bytes, versionOf(req)));
  });
}

/** Files that were sent with messages, to be saved: they are shown by nothing. */
function attachmentRoute(router: Router, agents: Agents): void {
  router.get('/api/agents/:id/attachments/:hash', async (req, res, { params, query }) => {
    const name = query.get('name') ?? '';
    const { handle, size } = await agents.attachments(params.id!).open(params.hash!, name);
    res.writeHead(200, { ...fileHeaders(name, true), 'content-length': size });
    if (req.method === 'HEAD' || !size) {
      await handle.close();
      return void res.end();
    }
    const bytes = handle.createReadStream({ start: 0, end: size - 1 });
    await pipeline(bytes, res as unknown as NodeJS.WritableStream).catch(() => void res.destroy());
  });
}

function archiveRoute(router: Router, rootOf: (id: string) => string): void {
  let open = 0;
  router.get(`${BASE}/archive`, async (req, res, { params, query }) => {
    const root = rootOf(params.id!);
    if (open >= MAX_ARCHIVES) {
      throw new Failure('busy', 'Other folders are being downloaded. Try again later.', { retryAfterS: 30 });
    }
    open++;
    try {
      const { path, bytes } = await openArchive(root, query.get('path') ?? '');
      res.writeHead(200, archiveHeaders(path || root));
      if (req.method === 'HEAD') return void res.end();
      // What breaks breaks the reply: half an archive never looks whole.
      const target = res as unknown as NodeJS.WritableStream;
      await pipeline(Readable.from(bytes(), { objectMode: false }), target).catch(() => void res.destroy());
    } finally {
      open--;
    }
  });
}

/** If-Match: an etag or `*`; without it the file must be new. */
function versionOf(req: HttpRequest): string | null {
  const field = req.headers['if-match'];
  return typeof field === 'string' && field.trim() ? field.trim() : null;
}

const readBytes = (req: HttpRequest): Promise<Buffer> =>
  readBody(
    req,
    MAX_WRITE,
    () => new Failure('too_large', `A file that is written here has at most ${MAX_WRITE} bytes.`),
  );

async function sendContent(
  req: HttpRequest,
  res: HttpResponse,
  content: FileContent,
  download: boolean,
): Promise<void> {
  const { size, etag, modifiedAt } = content;
  const pictured = fileHeaders(content.path, download);
  const document = documentHeaders(pictured, req.headers);
  const headers = {
    ...(document ?? pictured),
    etag,
    'accept-ranges': 'bytes',
    'last-modified': new Date(modifiedAt).toUTCString(),
  };
  const finish = async (status: number, more: Record<string, string | number>) => {
    await content.close();
    res.writeHead(status, { ...headers, ...more });
    res.end();
  };
  if (!document && req.headers['if-none-match'] === etag) return await finish(304, {});
  // A range of another version than the client has would be mixed with it (RFC 9110 section 13.1.5).
  const isSameVersion = req.headers['if-range'] === undefined || req.headers['if-range'] === etag;
  const range = parseRange(isSameVersion ? req.headers.range : undefined, size);
  if (range.kind === 'unsatisfiable') {
    return await finish(416, { 'content-range': `bytes */${size}`, 'content-length': 0 });
  }
  const [from, to] = range.kind === 'part' ? [range.from, range.to] : [0, size - 1];
  const length = to - from + 1;
  const part: Record<string, string> = range.kind === 'part' ? { 'content-range': `bytes ${from}-${to}/${size}` } : {};
  if (req.method === 'HEAD' || length === 0) {
    return await finish(range.kind === 'part' ? 206 : 200, { ...part, 'content-length': length });
  }
  res.writeHead(range.kind === 'part' ? 206 : 200, { ...headers, ...part, 'content-length': length });
  // A file that shrinks meanwhile breaks the reply; it never looks whole.
  await pipeline(content.stream(from, to), res as unknown as NodeJS.WritableStream).catch(() => void res.destroy());
}

/** The routes of an agent's files and uploads over a real server, with a project and a `.git` in it. */
import { Buffer } from 'node:buffer';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Router } from '../../../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../../../core/http/types.ts';
import { fileRoutes } from '../../../agent/api/files.ts';
import { Uploads } from '../../../agent/files/uploads.ts';
import type { Agents } from '../../../agent/session/agents.ts';
import { GitIsolation } from '../../../agent/workspace/isolation.ts';
import { temporaryDirectory } from './git.ts';

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}
export type Ask = (
  method: string,
  path: string,
  headers?: Record<string, string>,
  body?: Uint8Array | string,
  onHead?: () => void,
) => Promise<Reply>;

export async function withFiles(
  use: (place: { root: string; base: string; ask: Ask }) => Promise<void>,
): Promise<void> {
  const { path: base, remove } = temporaryDirectory();
  const root = join(base, 'project');
  mkdirSync(join(root, '.git'), { recursive: true });
  writeFileSync(join(root, '.git/config'), '[core]\n');
  const router = new Router((error) => console.error(error));
  fileRoutes(
    router,
    { info: () => ({ worktree: null, directory: root }) } as unknown as Agents,
    new GitIsolation(join(base, 'isolation')),
    new Uploads(join(base, 'uploads'), Date.now),
  );
  const server = createServer((req: IncomingMessage, res: ServerResponse) =>
    void router.handle(req as unknown as HttpRequest, res as unknown as HttpResponse)
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ask: Ask = (method, path, headers = {}, body, onHead = () => {}) =>
    new Promise((resolve, reject) => {
      const req = request({
        port,
        method,
        path: path.startsWith('/api/') ? path : `/api/agents/a/files${path}`,
        headers,
        agent: false,
      }, async (res) => {
        const chunks: Buffer[] = [];
        onHead();
        try {
          for await (const chunk of res) chunks.push(chunk as Buffer);
          resolve({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(chunks) });
        } catch (error) {
          reject(error);
        }
      });
      req.once('error', reject);
      req.end(body);
    });
  try {
    await use({ root, base, ask });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    remove();
  }
}

export const at = (path: string) => `?path=${encodeURIComponent(path)}`;
export const read = <T>({ body }: Reply): T => JSON.parse(body.toString()) as T;
export const code = (reply: Reply) => `${reply.status} ${read<{ code: string }>(reply).code}`;

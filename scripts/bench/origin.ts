/**
 * The benchmark's handlers, on a local port and, the very same ones, through a relay's tunnel:
 *
 *   tsx scripts/bench/origin.ts --port P [--relay ws://host:port/tunnel --token T]
 *
 * GET /api/small (200 B of JSON) · GET /api/big?mb=N (binary) · POST /api/echo (answers with the body's length) ·
 * GET /api/sse (10 events/s) · WebSocket /api/ws (echo). Prints `origin ready on port P` when it listens and
 * `origin tunnel connected` each time that the tunnel is up.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { startTunnelClient, type TunnelHandle } from '../../agent/tunnel/client.ts';
import { createHttpServer } from '../../core/http/server.ts';
import type { Handler, HttpRequest, HttpResponse } from '../../core/http/types.ts';
import { createLog } from '../../core/log.ts';
import { accept } from '../../core/websocket/mod.ts';

const SMALL = Buffer.from(JSON.stringify({ text: 'x'.repeat(200 - '{"text":""}'.length) }));
const SMALL_HEAD = { 'content-type': 'application/json', 'content-length': SMALL.length };
const CHUNK = Buffer.alloc(64 * 1024, 'agent monitor ');
const SSE_MS = 100;
const MAX_MB = 16 * 1024;

/** Event streams open now; `GET /api/open` tells, so that leaks are seen from outside. */
const streams = new Set<HttpResponse>();

export const handler: Handler = (req, res) => {
  const [path, query] = req.url.split('?', 2) as [string, string?];
  if (path === '/api/small') {
    res.writeHead(200, SMALL_HEAD);
    res.end(SMALL);
  } else if (path === '/api/big') big(res, Number(new URLSearchParams(query).get('mb') ?? 1));
  else if (path === '/api/echo' && req.method === 'POST') echo(req, res);
  else if (path === '/api/sse') sse(res);
  else if (path === '/api/ws') webSocket(req, res);
  else if (path === '/api/open') text(res, 200, String(streams.size));
  else text(res, 404, 'not found');
};

function text(res: HttpResponse, status: number, body: string): void {
  res.writeHead(status, { 'content-type': 'text/plain', 'content-length': Buffer.byteLength(body) });
  res.end(body);
}

function big(res: HttpResponse, mb: number): void {
  if (!(mb > 0 && mb <= MAX_MB)) return text(res, 400, `mb must be 1 to ${MAX_MB}`);
  let left = Math.round(mb * 1024 * 1024);
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': left });
  const pump = () => {
    while (left > 0 && !res.destroyed) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= chunk.length;
      if (left === 0) return void res.end(chunk);
      if (!res.write(chunk)) return void res.once('drain', pump);
    }
  };
  pump();
}

function echo(req: HttpRequest, res: HttpResponse): void {
  let size = 0;
  req.on('data', (chunk: Buffer) => size += chunk.length);
  req.on('end', () => text(res, 200, String(size)));
  req.on('error', () => {});
}

function sse(res: HttpResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let count = 0;
  const send = () => void res.write(`id: ${count}\ndata: ${JSON.stringify({ count: count++, at: Date.now() })}\n\n`);
  send();
  const timer = setInterval(send, SSE_MS);
  streams.add(res);
  res.on('close', () => {
    clearInterval(timer);
    streams.delete(res);
  });
}

function webSocket(req: HttpRequest, res: HttpResponse): void {
  const connection = accept(req, res);
  if (!connection) return;
  connection.onmessage = (data) => {
    if (!connection.send(data)) connection.pause();
  };
  connection.ondrain = () => connection.resume();
}

function argumentsOf(args: string[]): { port: number; relay: string | undefined; token: string | undefined } {
  const value = (name: string) => {
    const at = args.indexOf(`--${name}`);
    return at < 0 ? undefined : args[at + 1];
  };
  const port = Number(value('port'));
  const relay = value('relay');
  const token = value('token');
  if (!Number.isInteger(port) || (relay !== undefined) !== (token !== undefined)) {
    throw new Error('Usage: tsx scripts/bench/origin.ts --port P [--relay ws://host:port/tunnel --token T]');
  }
  return { port, relay, token };
}

async function main(): Promise<void> {
  const { port, relay, token } = argumentsOf(process.argv.slice(2));
  const log = createLog({ level: 'warn' });
  const server = createHttpServer({ handler, log });
  const listening = await server.listen(port, '127.0.0.1');
  console.log(`origin ready on port ${listening.port}`);
  let tunnel: TunnelHandle | null = null;
  if (relay && token) {
    tunnel = startTunnelClient({
      url: relay,
      token,
      handler,
      info: { name: 'bench origin', version: '0' },
      log,
      onState: (state) => {
        if (state.kind === 'connected') console.log('origin tunnel connected');
      },
    });
  }
  const stop = async () => {
    await tunnel?.close(0);
    await server.close(0);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});

/** /api/terminals: terminals and the sockets that show them. See core/api/TERMINAL.md. */
import type { Clock } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import { parseField, text } from '../../core/api/schema.ts';
import { MAX_NAME, parseCreateTerminal, parseHello, TERMINAL_CHUNK } from '../../core/api/terminals.ts';
import { json } from '../../core/http/reply.ts';
import type { RouteHandler, Router } from '../../core/http/router.ts';
import { accept } from '../../core/websocket/mod.ts';
import { type LocalToken, PROOF_PATH } from '../access/local-token.ts';
import type { Terminals } from '../terminal/terminals.ts';
import { readBody, whoAsks } from './request.ts';

const HEARTBEAT = { pingMs: 15_000, deadMs: 45_000 };

const parseName = (value: unknown): string => parseField(value, 'name', text(MAX_NAME, true)).trim();

export interface TerminalParts {
  terminals: Terminals;
  clock: Clock;
  token: LocalToken;
  /** Of the local server. */
  port: number;
}

export function terminalRoutes(router: Router, { terminals, clock, token, port }: TerminalParts): void {
  router.get('/api/terminals', async (_req, res) => {
    const availability = await terminals.probed();
    json(res, 200, { terminals: terminals.list(), ...availability });
  });
  router.post('/api/terminals', async (req, res) => {
    const body = await readBody(req, parseCreateTerminal);
    if (body.desk) token.check(req);
    json(res, 201, await terminals.create(body, whoAsks(req)));
  });
  router.get(
    PROOF_PATH,
    (req, res, { query }) => json(res, 200, { proof: token.prove(req, query.get('nonce'), port) }),
  );
  router.get('/api/terminals/:id', (_req, res, { params }) => json(res, 200, terminals.info(params.id!)));
  router.delete('/api/terminals/:id', async (req, res, { params }) => {
    await terminals.remove(params.id!, whoAsks(req));
    json(res, 200, { ok: true });
  });
  router.post('/api/terminals/:id/rename', async (req, res, { params }) => {
    json(res, 200, terminals.rename(params.id!, await readBody(req, parseName)));
  });
  router.get('/api/terminals/:id/socket', serveSocket(terminals, clock));
}

function serveSocket(terminals: Terminals, clock: Clock): RouteHandler {
  return (req, res, { params, query }) => {
    const terminal = terminals.forViewer(params.id!);
    const hello = parseHello(query);
    if (!hello) throw new Failure('bad_hello', 'This page is of another version: load it again.');
    const socket = accept(req, res, { limits: { message: 2 * TERMINAL_CHUNK }, heartbeat: HEARTBEAT, clock });
    if (!socket) return;
    const viewer = terminal.attach(socket, hello);
    socket.onmessage = (data) => viewer.message(data);
    socket.ondrain = () => viewer.drained();
    socket.onclose = () => viewer.closed();
  };
}

/**
 * What happens to a request at the relay, in this order: machines' tunnels go to the endpoint; Host and Origin are checked;
 * without a login only what is listed as public is served; then the relay's own routes; all else goes to the machine.
 */
import { isSessionCookie } from '../core/auth/cookie.ts';
import { type Gate, PUBLIC_ROUTES } from '../core/auth/gate.ts';
import { checkOrigin, isOwnHost, isUpgrade } from '../core/auth/origin.ts';
import type { Session, Sessions } from '../core/auth/sessions.ts';
import type { Client } from '../core/http/client.ts';
import type { LocalRequest } from '../core/http/message.ts';
import { HttpError } from '../core/http/reply.ts';
import { Router } from '../core/http/router.ts';
import type { LocalHandler } from '../core/http/server.ts';
import { type Asset, serveStatic } from '../core/http/static.ts';
import type { Handler, HttpRequest } from '../core/http/types.ts';
import type { Log } from '../core/log.ts';
import type { RelayConfig } from './config.ts';
import { forward } from './edge.ts';
import type { Machines } from './machines.ts';
import type { Revocable } from './revocable.ts';
import type { Status } from './status.ts';

/** Where machines connect. Their proof is the token, inside the tunnel; cookies mean nothing there. */
export const TUNNEL_PATH = '/tunnel';
/** Served under any Host: probes ask by address. */
const PROBES = new Set(['/api/relay/status', '/metrics']);
/** Paths that the relay itself answers; the machine never sees a request to one of them. */
const isOwnPath = (path: string): boolean =>
  path.startsWith('/api/auth/') || path.startsWith('/api/relay/') || path === '/metrics';

export interface HandlerParts {
  config: RelayConfig;
  gate: Gate;
  sessions: Sessions;
  clientOf: (req: HttpRequest) => Client;
  machines: Machines;
  endpoint: { handle: Handler };
  status: Status;
  revocable: Revocable;
  assets: readonly Asset[];
  log: Log;
}

export function createRelayHandler(parts: HandlerParts): LocalHandler {
  const { config, gate, clientOf, machines, endpoint, revocable } = parts;
  const names = new Set(config.domains);
  const checkHosts = names.size > 0 || !gate.loginRequired;
  const assets = new Set(parts.assets.map(({ path }) => path)).add('/');
  const files = serveStatic(parts.assets);
  const routes = ownRoutes(parts);
  const open = publicRoutes(assets);

  return (req, res) => {
    const path = pathOf(req.url);
    const client = clientOf(req);
    if (path === TUNNEL_PATH) {
      req.peer = client.address;
      return endpoint.handle(req, res);
    }
    if (checkHosts && !PROBES.has(path) && !isOwnHost(req.headers.host, names)) {
      throw new HttpError(421, 'host_unknown', 'This relay is not known by that name: list it in RELAY_DOMAIN.');
    }
    checkOrigin(req, client.secure);
    if (gate.loginRequired) {
      const session = gate.session(req, client);
      if (session) bind(session, req, res);
      else if (!open(req.method, path)) throw new HttpError(401, 'login_required', 'Log in first.');
    } else bind(null, req, res);
    if (isOwnPath(path)) return routes.handle(req, res);
    if (assets.has(path)) return files(req, res);
    forward(
      machines.current(),
      req,
      res,
      { address: client.address, proto: client.secure ? 'https' : 'http', host: req.headers.host ?? '' },
      { dropCookies: isSessionCookie },
    );
  };

  /** What the request holds open ends with its session (null: nobody logs in here). */
  function bind(session: Session | null, req: LocalRequest, res: Parameters<LocalHandler>[1]): void {
    // An upgrade may also be answered by an ordinary reply, which can go on for as long.
    if (session) revocable.request(session, req.socket);
    if (isUpgrade(req)) revocable.upgrade(session, req.socket, res);
  }
}

const pathOf = (url: string): string => {
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
};

/** Everything that is served without a login, by method and exact path; HEAD where there is GET. */
function publicRoutes(assets: ReadonlySet<string>): (method: string, path: string) => boolean {
  const open = new Set([...PUBLIC_ROUTES, 'GET /api/relay/status', 'GET /metrics']);
  for (const path of assets) open.add(`GET ${path}`);
  return (method, path) => open.has(`${method === 'HEAD' ? 'GET' : method} ${path}`);
}

function ownRoutes({ config, gate, sessions, clientOf, status, log }: HandlerParts): Router {
  const routes = new Router((error, req) => {
    const text = error instanceof Error ? error.stack : String(error);
    log.error('request failed', { method: req.method, url: req.url, error: text });
  });
  gate.addRoutes(routes);
  const loggedIn = (req: HttpRequest) => !gate.loginRequired || gate.session(req, clientOf(req)) !== null;
  return routes
    .get('/api/relay/status', (req, res) => status.answer(res, loggedIn(req)))
    .get('/api/relay/events', (req, res) => status.events(req, res))
    .get('/metrics', (req, res) => status.metrics(req, res, config.metricsToken, sessions.list().length));
}

/**
 * Handles a request in this order: previews, which have names of their own; the machines' tunnel endpoint; the checks of Host and Origin; the check of the login,
 * without which only the listed public paths are served; the relay's own routes; the dashboard's files; the machine.
 */
import { type DeviceRoutes, PUBLIC_DEVICE_ROUTES } from '../core/auth/device-routes.ts';
import { type Login, PUBLIC_ROUTES } from '../core/auth/login.ts';
import { type PasskeyRoutes, PUBLIC_PASSKEY_ROUTES } from '../core/auth/passkey-routes.ts';
import { checkFetchSite, checkOrigin, isOwnHost } from '../core/auth/origin.ts';
import type { LoginSession, LoginSessions } from '../core/auth/sessions.ts';
import { checkIdentified, type Client } from '../core/http/client-address.ts';
import { Failure } from '../core/api/errors.ts';
import { compressReplies } from '../core/http/compress.ts';
import { HttpError } from '../core/http/reply.ts';
import { Router } from '../core/http/router.ts';
import type { LocalHandler } from '../core/http/server.ts';
import { type Asset, serveStatic } from '../core/http/static.ts';
import type { Handler, HttpRequest, HttpResponse } from '../core/http/types.ts';
import type { LocalRequest } from '../core/http/node-adapter.ts';
import type { Log } from '../core/log.ts';
import { answerWaiting } from './acme/waiting-page.ts';
import type { RelayConfig } from './config.ts';
import { forward } from './proxy.ts';
import { machineAnswer } from './machine-answer.ts';
import { machineTarget } from './machine-address.ts';
import type { MachineDirectory } from './machine-directory.ts';
import type { MachineRoutes } from './machine-routes.ts';
import type { Machine, Machines } from './machines.ts';
import { PREVIEW_ENTER_PATH, type RelayPreviews } from './previews.ts';
import type { SessionConnections } from './session-connections.ts';
import type { Status } from './status.ts';
import type { UpgradedConnection } from './upgraded-connection.ts';

/** Machines connect here. They prove the token inside the tunnel; cookies have no meaning here. */
export const TUNNEL_PATH = '/tunnel';
/** Served under any Host, since probes use the address. */
const PROBES = new Set(['/api/relay/status', '/metrics']);
/** Answered at once and needed after the session has ended: a sign-out must not cut its own answer off. */
const isLoginPath = (path: string): boolean => path.startsWith('/api/auth/');
/** Paths that the relay itself answers; it never forwards a request to one of them. */
const isOwnPath = (path: string): boolean =>
  isLoginPath(path) || path.startsWith('/api/relay/') || path === '/metrics' || path === PREVIEW_ENTER_PATH;

export interface HandlerOptions {
  config: RelayConfig;
  /** Why browsers do not trust the certificate yet, in a sentence; null: they do. */
  waiting: () => string | null;
  login: Login;
  devices: DeviceRoutes;
  passkeys: PasskeyRoutes;
  sessions: LoginSessions;
  clientOf: (req: HttpRequest) => Client;
  machines: Machines;
  directory: MachineDirectory;
  machineRoutes: MachineRoutes;
  previews: RelayPreviews;
  endpoint: { handle: Handler };
  status: Status;
  connections: SessionConnections;
  assets: readonly Asset[];
  log: Log;
}

export function createRelayHandler(options: HandlerOptions): LocalHandler {
  const { config, login, clientOf, endpoint, connections, previews } = options;
  const isOwn = ownHost(config.domains, login.loginRequired);
  const assets = new Set(options.assets.map(({ path }) => path)).add('/');
  const files = serveStatic(options.assets);
  const routes = ownRoutes(options, isOwn);
  const compressed = compressReplies(routes.handle);
  const isPublic = publicRoutes(assets);
  const toMachine = machineHandler(options);

  return (req, res) => {
    const label = previews.labelOf(req);
    if (label !== null) return previews.serve(req, res, label);
    const path = pathOf(req.url);
    const client = clientOf(req);
    if (path === TUNNEL_PATH) {
      checkIdentified(client); // Its limits count by address.
      req.peer = client.address;
      return endpoint.handle(req, res);
    }
    const reason = options.waiting();
    if (reason !== null && !PROBES.has(path)) return answerWaiting(req, res, reason);
    if (!PROBES.has(path) && !isOwn(req)) {
      throw new HttpError(421, 'host_unknown', 'This relay is not known by that name: list it in RELAY_DOMAIN.');
    }
    checkOrigin(req, client.secure);
    if (!PROBES.has(path)) checkFetchSite(req);
    const session = login.loginRequired ? login.session(req, client) : null;
    if (!isLoginPath(path)) connections.addRequest(session, req, res);
    if (!session && login.loginRequired && !isPublic(req.method, path)) {
      throw new HttpError(401, 'login_required', 'Log in first.');
    }
    if (isOwnPath(path)) return isLoginPath(path) ? routes.handle(req, res) : compressed(req, res);
    if (assets.has(path)) return files(req, res);
    toMachine(req, res, client, session);
  };
}

const ALL = () => true;

/** Forwards what is let in to the machine that the address names, else to the one that connected last. */
function machineHandler({ machines, directory, passkeys, connections }: HandlerOptions) {
  const route = ({ url }: HttpRequest): { machine: Machine | null; target: string } => {
    const named = machineTarget(url);
    if (!named) return { machine: machines.current(), target: url };
    if (isOwnPath(pathOf(named.target))) throw new HttpError(404, 'not_found', 'There is nothing at this address.');
    if (!directory.has(named.machine)) throw new Failure('no_machine', 'This relay knows no such machine.');
    return { machine: machines.find(named.machine), target: named.target };
  };
  return (req: LocalRequest, res: HttpResponse, client: Client, session: LoginSession | null): void => {
    const { machine, target } = route(req);
    const via = {
      address: client.address,
      proto: client.secure ? 'https' as const : 'http' as const,
      host: req.headers.host ?? '',
      said: saidOf(session, passkeys),
    };
    const onUpgrade = (connection: UpgradedConnection) => connections.addUpgraded(session, connection);
    forward(machine, req, res, via, { target, dropCookies: ALL, answer: machineAnswer, onUpgrade });
  };
}

const NOTHING: string[] = [];

/** What the machine is told of a session (core/tunnel/SPEC.md, "What the relay says"). */
function saidOf(session: LoginSession | null, passkeys: PasskeyRoutes): string[] {
  if (!session) return NOTHING;
  const stepUp = passkeys.stepUp(session);
  return [
    ...(session.device ? ['X-Relay-Device', session.device] : []),
    ...(stepUp ? ['X-Relay-Step-Up', stepUp] : []),
  ];
}

/** Whether a page at this Host may see more than the public status. Without names any may that shows a cookie. */
function ownHost(domains: readonly string[], loginRequired: boolean): (req: HttpRequest) => boolean {
  if (loginRequired && domains.length === 0) return () => true;
  const names = new Set(domains);
  // The same few names are asked for again and again.
  let known: string | undefined;
  return ({ headers: { host } }) => {
    if (host === undefined || host !== known) {
      if (!isOwnHost(host, names)) return false;
      known = host;
    }
    return true;
  };
}

const pathOf = (url: string): string => {
  const at = url.indexOf('?');
  return at < 0 ? url : url.slice(0, at);
};

/** Whether a method and exact path need no login. HEAD is public where GET is. */
function publicRoutes(assets: ReadonlySet<string>): (method: string, path: string) => boolean {
  const open = new Set([
    ...PUBLIC_ROUTES,
    ...PUBLIC_DEVICE_ROUTES,
    ...PUBLIC_PASSKEY_ROUTES,
    'GET /api/relay/status',
    'GET /metrics',
  ]);
  for (const path of assets) open.add(`GET ${path}`);
  return (method, path) => open.has(`${method === 'HEAD' ? 'GET' : method} ${path}`);
}

function ownRoutes(options: HandlerOptions, isOwn: (req: HttpRequest) => boolean): Router {
  const { config, login, sessions, clientOf, status, log } = options;
  const routes = new Router((error, req) => {
    const text = error instanceof Error ? error.stack : String(error);
    log.error('request failed', { method: req.method, url: req.url, error: text });
  });
  login.addRoutes(routes);
  options.devices.addRoutes(routes);
  options.passkeys.addRoutes(routes);
  options.machineRoutes.addRoutes(routes);
  options.previews.addRoutes(routes);
  // Under another site's name (DNS rebinding) a relay without a login would tell that site about the machine.
  const maySeeAll = (req: HttpRequest) =>
    isOwn(req) && (!login.loginRequired || login.session(req, clientOf(req)) !== null);
  return routes
    .get('/api/relay/status', (req, res) => status.answer(res, maySeeAll(req)))
    .get('/api/relay/events', (req, res, { query }) => status.events(req, res, query.get('machines') === '1'))
    .get('/metrics', (req, res) => status.metrics(req, res, config.metricsToken, sessions.list().length));
}

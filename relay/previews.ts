/**
 * Previews at the relay: which machine's preview a name or a cookie stands for, and who may see it. The dashboard's login has no
 * meaning here, and what lets into a preview none there. What it shows goes through the machine's tunnel, in streams that
 * previews have among themselves, so that they never use up those of the dashboard.
 */
import { Failure } from '../core/api/errors.ts';
import { parseEnterPreview, type PreviewEntrance, previewTarget } from '../core/api/previews.ts';
import type { Login } from '../core/auth/login.ts';
import { ownOrigin } from '../core/auth/origin.ts';
import type { LoginSessions } from '../core/auth/sessions.ts';
import type { Clock } from '../core/clock.ts';
import { readJson } from '../core/http/body.ts';
import type { Client } from '../core/http/client-address.ts';
import { headerList, headerMap } from '../core/http/header-list.ts';
import type { LocalRequest } from '../core/http/node-adapter.ts';
import { fail, json } from '../core/http/reply.ts';
import type { Router } from '../core/http/router.ts';
import type { LocalHandler } from '../core/http/server.ts';
import type { HttpRequest, HttpResponse } from '../core/http/types.ts';
import { labelOf, portSuffix } from '../core/preview/address.ts';
import { type Entrance, Entrances } from '../core/preview/entrances.ts';
import { enterPath, PreviewEntry, refusePreview } from '../core/preview/entry.ts';
import { isOwnCookie, previewAnswer } from '../core/preview/fields.ts';
import { Slots } from '../core/preview/slots.ts';
import type { Log } from '../core/log.ts';
import { forward } from './proxy.ts';
import type { MachineDirectory } from './machine-directory.ts';
import type { Machines } from './machines.ts';
import type { SessionConnections } from './session-connections.ts';
import type { UpgradedConnection } from './upgraded-connection.ts';

export const PREVIEW_ENTER_PATH = '/api/previews/enter';
/** Streams of a machine's tunnel that its previews use at a time, of MAX_STREAMS; more wait. */
export const MAX_PREVIEW_STREAMS = 64;
/** Requests of a machine's previews that wait for a stream. */
export const MAX_WAITING = 512;
/** Bytes of the body of PREVIEW_ENTER_PATH. */
const MAX_BODY = 1024;

export interface RelayPreviewOptions {
  /** null: there is none. */
  domain: string | null;
  /** The port that previews have to themselves; null: none. */
  port: () => number | null;
  login: Login;
  sessions: LoginSessions;
  clientOf: (req: HttpRequest) => Client;
  machines: Machines;
  directory: MachineDirectory;
  connections: SessionConnections;
  clock: Clock;
  log: Log;
}

export class RelayPreviews {
  readonly #options: RelayPreviewOptions;
  readonly #entrances: Entrances;
  readonly #entry: PreviewEntry;
  /** By machine. */
  readonly #slots = new Map<string, Slots>();

  constructor(options: RelayPreviewOptions) {
    const { clock, clientOf, connections, login, sessions } = options;
    this.#options = options;
    this.#entrances = new Entrances(clock, (entrance) => connections.end(holderOf(entrance)));
    sessions.onEnd(({ id }) => this.#entrances.endSession(id));
    const onEnter = ({ machine, port }: Entrance, { address }: Client) =>
      login.audit('preview_entered', { address, machine, port });
    this.#entry = new PreviewEntry({ entrances: this.#entrances, clientOf, now: () => clock.now(), onEnter });
  }

  addRoutes(router: Router): void {
    router.post(PREVIEW_ENTER_PATH, this.#enter);
  }

  /** What stands before the domain of previews; null: this Host is none of theirs. */
  labelOf({ headers }: HttpRequest): string | null {
    const { domain } = this.#options;
    return domain === null ? null : labelOf(headers.host, domain);
  }

  /** Serves a request whose Host has this label. */
  readonly serve = (req: LocalRequest, res: HttpResponse, label: string | null): void => {
    const entrance = this.#entry.admit(req, res, label);
    if (!entrance) return;
    const { connections } = this.#options;
    const slots = this.#slotsOf(entrance.machine);
    connections.addRequest(holderOf(entrance), req, res);
    const leave = slots.enter(() => this.#forward(entrance, req, res), (error) => this.#fail(res, error));
    if (!leave) return refusePreview(res, 503, 'Too many requests of previews at a time.');
    res.once('close', leave);
  };

  /** Serves the port that previews have to themselves, under any Host. */
  readonly servePort: LocalHandler = (req, res) => {
    try {
      this.serve(req, res, null);
    } catch (error) {
      this.#fail(res, error);
    }
  };

  #fail(res: HttpResponse, error: unknown): void {
    fail(res, error, (cause) => this.#options.log.error('request failed', { error: String(cause) }));
  }

  #forward(entrance: Entrance, req: LocalRequest, res: HttpResponse): void {
    const { machines, clientOf, connections } = this.#options;
    const { machine, preview } = entrance;
    const client = clientOf(req);
    const via = {
      address: client.address,
      proto: client.secure ? 'https' as const : 'http' as const,
      host: req.headers.host ?? '',
      said: ['X-Relay-Preview', preview],
    };
    forward(machines.find(machine), req, res, via, {
      target: previewTarget(preview, req.url),
      dropCookies: isOwnCookie,
      credentials: true,
      answer: (fields) => headerList(previewAnswer(headerMap(fields))),
      onUpgrade: (connection: UpgradedConnection) => connections.addUpgraded(holderOf(entrance), connection),
    });
  }

  #slotsOf(machine: string): Slots {
    let slots = this.#slots.get(machine);
    if (!slots) this.#slots.set(machine, slots = new Slots({ running: MAX_PREVIEW_STREAMS, waiting: MAX_WAITING }));
    return slots;
  }

  readonly #enter = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { login, sessions, clientOf, machines, directory } = this.#options;
    const client = clientOf(req);
    const session = login.session(req, client);
    const body = parseEnterPreview(await readJson(req, MAX_BODY));
    // It may have ended while the body was read.
    if (session && !sessions.isAlive(session)) throw new Failure('login_required', 'Log in first.');
    const machine = body.machine ?? machines.current()?.id;
    if (machine === undefined || !directory.has(machine)) {
      throw new Failure('no_machine', 'This relay knows no such machine.');
    }
    const base = this.#base(req, client);
    const { preview, port } = body;
    const source = { machine, preview, port, session: session?.id ?? '' };
    const { entrance, ticket } = this.#entrances.create(source, session?.expiresAt);
    login.audit('preview_ticket', { address: client.address, machine, port });
    json(res, 200, { url: `${base(entrance.label)}${enterPath(ticket)}` } satisfies PreviewEntrance);
  };

  /** Makes the origin of an entrance. Throws Failure when previews have none. */
  #base(req: HttpRequest, { secure }: Client): (label: string) => string {
    const { domain, port } = this.#options;
    const origin = ownOrigin(req, secure);
    if (!origin) {
      throw new Failure(
        'bad_request',
        'The Host of this request is no host name. Open the dashboard by a name or address of the relay.',
      );
    }
    const { protocol, hostname } = new URL(origin);
    if (domain !== null) return (label) => `${protocol}//${label}.${domain}${portSuffix(origin)}`;
    const own = port();
    if (own !== null) return () => `${protocol}//${hostname}:${own}`;
    throw new Failure(
      'no_preview_origin',
      'Previews need an address of their own at the relay: set RELAY_PREVIEW_DOMAIN to a domain whose every name leads to it, ' +
        'or RELAY_PREVIEW_PORT to a second port.',
    );
  }
}

/** Under which its connections are known; no login has such an id. */
const holderOf = ({ label }: Entrance): { id: string } => ({ id: `preview ${label}` });

/** /api/relay/machines…: the machines are listed, named and removed, and new ones join. */
import { type JoinCode, joinCommand, parseMachineName } from '../core/api/machines.ts';
import { Failure } from '../core/api/errors.ts';
import type { Login } from '../core/auth/login.ts';
import { ownOrigin } from '../core/auth/origin.ts';
import type { PasskeyRoutes } from '../core/auth/passkey-routes.ts';
import type { LoginSession } from '../core/auth/sessions.ts';
import { readJson } from '../core/http/body.ts';
import type { Client } from '../core/http/client-address.ts';
import { json } from '../core/http/reply.ts';
import type { Route, Router } from '../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../core/http/types.ts';
import type { JoinCodes } from './join-codes.ts';
import type { MachineDirectory } from './machine-directory.ts';
import type { MachineRecords } from './machine-records.ts';

/** Bytes of a body of these routes. */
const MAX_BODY = 4096;

export interface MachineRouteOptions {
  directory: MachineDirectory;
  records: MachineRecords;
  codes: JoinCodes;
  login: Login;
  passkeys: Pick<PasskeyRoutes, 'checkStepUp'>;
  clientOf: (req: HttpRequest) => Client;
}

export class MachineRoutes {
  readonly #options: MachineRouteOptions;

  constructor(options: MachineRouteOptions) {
    this.#options = options;
  }

  addRoutes(router: Router): void {
    router
      .get('/api/relay/machines', this.#list)
      .post('/api/relay/machines/join', this.#join)
      .put('/api/relay/machines/:id', this.#rename)
      .delete('/api/relay/machines/:id', this.#remove);
  }

  readonly #list = (_req: HttpRequest, res: HttpResponse): void => json(res, 200, this.#options.directory.list());

  readonly #rename = async (req: HttpRequest, res: HttpResponse, { params }: Route): Promise<void> => {
    const name = parseMachineName(await readJson(req, MAX_BODY));
    this.#options.records.rename(params.id!, name);
    json(res, 200, this.#options.directory.find(params.id!));
  };

  /** Answers when the machine's tunnel has been ended and its token is no longer on disk. */
  readonly #remove = (req: HttpRequest, res: HttpResponse, { params }: Route): void => {
    const { records, login, passkeys, clientOf } = this.#options;
    passkeys.checkStepUp(this.#session(req));
    // A repeated try after a 507 must not look as if all were well.
    if (!records.find(params.id!) && !login.isSaved()) return login.answerSignOut(res, { ok: true });
    const { name, hostName, key } = records.remove(params.id!);
    const { address } = clientOf(req);
    login.audit('machine_removed', {
      address,
      machine: params.id,
      name: name || hostName,
      token: key ? 'own' : 'shared',
    });
    login.answerSignOut(res, { ok: true });
  };

  /** A machine that joins outlives the cookie: what is asked for is what pairing asks for. */
  readonly #join = (req: HttpRequest, res: HttpResponse): void => {
    const { records, codes, login, clientOf } = this.#options;
    const client = clientOf(req);
    login.checkMayPair(this.#session(req));
    records.checkRoom();
    const origin = ownOrigin(req, client.secure);
    if (!origin) {
      throw new Failure(
        'bad_request',
        'The Host of this request is no host name. Open the dashboard by a name or address of the relay.',
      );
    }
    const join = codes.create();
    login.audit('join_code_made', { address: client.address });
    json(res, 200, { ...join, command: joinCommand(origin, join.code) } satisfies JoinCode);
  };

  #session(req: HttpRequest): LoginSession | null {
    const { login, clientOf } = this.#options;
    return login.session(req, clientOf(req));
  }
}

/** /api/auth/device…: a device registers its key, renews its login with it, is listed, named and signed out. */
import type { DeviceInfo, DeviceRegistration } from '../api/auth.ts';
import { parseDeviceName, parseDeviceProof, parseDeviceRegistration, signedByDevice } from '../api/auth.ts';
import { Failure } from '../api/errors.ts';
import { readJson } from '../http/body.ts';
import type { Client } from '../http/client-address.ts';
import { json } from '../http/reply.ts';
import type { Route, Router } from '../http/router.ts';
import type { HttpRequest, HttpResponse } from '../http/types.ts';
import type { Challenges } from './challenges.ts';
import type { Device, Devices } from './devices.ts';
import type { Login } from './login.ts';
import { ownOrigin } from './origin.ts';
import { browserName, type LoginSession, type LoginSessions } from './sessions.ts';

/** Bytes of a body of these routes. */
export const MAX_BODY = 4096;
const PURPOSE = 'device';

/** Routes that need no login. */
export const PUBLIC_DEVICE_ROUTES: readonly string[] = [
  'POST /api/auth/device/challenge',
  'POST /api/auth/device/renew',
];

export interface DeviceRouteOptions {
  login: Login;
  devices: Devices;
  sessions: LoginSessions;
  challenges: Challenges;
  clientOf: (req: HttpRequest) => Client;
}

export class DeviceRoutes {
  readonly #options: DeviceRouteOptions;

  constructor(options: DeviceRouteOptions) {
    this.#options = options;
  }

  addRoutes(router: Router): void {
    router
      .post('/api/auth/device', this.#register)
      .post('/api/auth/device/challenge', this.#challenge)
      .post('/api/auth/device/renew', this.#renew)
      .get('/api/auth/devices', this.#list)
      .put('/api/auth/devices/:id', this.#rename)
      .delete('/api/auth/devices/:id', this.#remove);
  }

  /** A cookie alone must not make a device of whoever stole it: the login was just now, and a session takes one key. */
  readonly #register = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { login, devices, sessions } = this.#options;
    const { session, client } = this.#who(req);
    const { publicKey } = parseDeviceRegistration(await readJson(req, MAX_BODY));
    if (session.device) throw new Failure('proof_required', 'This login has the key of a device already.');
    login.checkPrivate(client);
    login.checkProven(session);
    if (!sessions.isAlive(session)) throw new Failure('login_required', 'Log in first.');
    const device = devices.add(publicKey, session.browser, client.address);
    sessions.bind(session, device.id);
    login.audit('device_added', { address: client.address, device: device.name });
    const body: DeviceRegistration = { device: this.#info(device, session) };
    json(res, 201, body);
  };

  readonly #challenge = (_req: HttpRequest, res: HttpResponse): void => {
    // The same whoever asks: it tells nobody which devices there are.
    json(res, 200, { challenge: this.#options.challenges.create(PURPOSE) });
  };

  readonly #renew = async (req: HttpRequest, res: HttpResponse): Promise<void> => {
    const { login, devices, challenges } = this.#options;
    if (!login.loginRequired) return json(res, 200, { authenticated: true });
    const client = this.#options.clientOf(req);
    const { key, body } = await login.readTry(req, client, MAX_BODY);
    const { device: id, challenge, signature } = parseDeviceProof(body);
    const origin = ownOrigin(req, client.secure);
    const device = origin !== null && challenges.isOpen(PURPOSE, challenge)
      ? devices.verify(id, signedByDevice(origin, id, challenge), signature, client.address)
      : null;
    if (!device || !challenges.use(challenge)) {
      login.audit('device_refused', { address: client.address, browser: browserName(req.headers['user-agent']) });
      // A page forgets the key of an unknown device, which a challenge that came too late must not cost it.
      throw devices.find(id)
        ? new Failure('device_refused', 'This device could not be proven. Try again, or log in again.')
        : new Failure('device_unknown', 'The key of this device is not known here. Log in again.');
    }
    login.refund(key);
    login.begin(req, res, client, 'device_renewed', device.id);
  };

  readonly #list = (req: HttpRequest, res: HttpResponse): void => {
    const session = this.#options.login.session(req, this.#options.clientOf(req));
    json(res, 200, { devices: this.#options.devices.list().map((device) => this.#info(device, session)) });
  };

  readonly #rename = async (req: HttpRequest, res: HttpResponse, { params }: Route): Promise<void> => {
    const { session } = this.#who(req);
    const name = parseDeviceName(await readJson(req, MAX_BODY));
    json(res, 200, this.#info(this.#options.devices.rename(params.id!, name), session));
  };

  readonly #remove = (req: HttpRequest, res: HttpResponse, { params }: Route): void => {
    const { login, devices } = this.#options;
    const device = devices.find(params.id!);
    if (!device && login.isSaved()) throw new Failure('no_device', 'This device is signed out already.');
    if (device) {
      devices.remove(device.id);
      login.audit('device_revoked', { address: this.#options.clientOf(req).address, device: device.name });
    }
    login.answerSignOut(res, { ok: true });
  };

  /** Throws Failure `login_required`: a relay without a login has no devices either. */
  #who(req: HttpRequest): { session: LoginSession; client: Client } {
    const client = this.#options.clientOf(req);
    const session = this.#options.login.session(req, client);
    if (!session) throw new Failure('login_required', 'Log in first.');
    return { session, client };
  }

  #info({ publicKey: _, ...device }: Device, session: LoginSession | null): DeviceInfo {
    return { ...device, current: session?.device === device.id };
  }
}

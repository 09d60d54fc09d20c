/** Assembles the relay: state, login, machines, HTTP server. */
import { Challenges } from '../core/auth/challenges.ts';
import { DeviceRoutes } from '../core/auth/device-routes.ts';
import { Login } from '../core/auth/login.ts';
import { PasskeyRoutes } from '../core/auth/passkey-routes.ts';
import { type Clock, steadyClock, systemClock } from '../core/clock.ts';
import { createClientOf, createProxyCheck } from '../core/http/client-address.ts';
import { createHttpServer, type HttpLimits, type HttpServer } from '../core/http/server.ts';
import type { Asset } from '../core/http/static.ts';
import type { HttpRequest } from '../core/http/types.ts';
import type { Log } from '../core/log.ts';
import { createAudit } from './audit.ts';
import { type CertificateDependencies, createCertificates } from './certificates.ts';
import { type RelayConfig, speaksTls } from './config.ts';
import { DeviceNotices } from './device-notices.ts';
import { openLoginState } from './login-state.ts';
import { createTunnelEndpoint } from './tunnel-endpoint.ts';
import { createRelayHandler } from './handler.ts';
import { Credentials } from './credentials.ts';
import { JoinCodes } from './join-codes.ts';
import { MachineDirectory } from './machine-directory.ts';
import { MachineRoutes } from './machine-routes.ts';
import { Machines } from './machines.ts';
import { PreviewServer, withSameTls } from './preview-server.ts';
import { RelayPreviews } from './previews.ts';
import { SessionConnections } from './session-connections.ts';
import { Status } from './status.ts';

/**
 * Of each known machine, ms (core/tunnel/SPEC.md, "Life"). Half as much would do for the relay, but some attempts meet it while
 * it is still away and are repeated among the others, and chance crowds them: at 15 ms the busiest second had a tenth of all.
 */
const SPREAD_MS = 30;

export interface RelayDependencies {
  log: Log;
  assets: readonly Asset[];
  version?: string;
  clock?: Clock;
  limits?: Partial<HttpLimits>;
  /** Of the certificate by an authority, for tests. */
  acme?: Pick<CertificateDependencies, 'transport' | 'random'> & { clock?: Clock };
}

export interface Relay {
  /** Rejects with a sentence when the relay cannot listen on the address. */
  listen(): Promise<{ port: number; previewPort: number | null }>;
  /** Resolves when there is a certificate to trust, or it is known why not; at once without RELAY_TLS=auto. */
  certified(): Promise<void>;
  /** Why browsers do not trust the certificate yet, in a sentence; null: they do, or there is no TLS. */
  waiting(): string | null;
  /** Closes sockets and tunnels; running requests have `graceMs` to finish. */
  close(graceMs: number): Promise<void>;
  /** The password, if this start generated it. To be shown once, on the console. */
  readonly generatedPassword: string | null;
  /** Whether no state file of an earlier start was found. */
  readonly firstStart: boolean;
  readonly login: Login;
}

export async function createRelay(config: RelayConfig, dependencies: RelayDependencies): Promise<Relay> {
  const parts = await createParts(config, dependencies);
  const { state, login, notices, endpoint, status, connections, certificates } = parts;
  const { server, previewServer } = createServers(config, dependencies, parts);
  let certified = Promise.resolve();

  return {
    generatedPassword: state.generated,
    firstStart: state.isFirstStart,
    login,
    async listen() {
      const { port } = await server.listen(config.port, config.host);
      await previewServer.listen(config.host);
      certified = certificates.start(withSameTls(server, previewServer), port);
      return { port, previewPort: previewServer.port };
    },
    certified: () => certified,
    waiting: certificates.waiting,
    async close(graceMs) {
      // First: a new relay on the same file may be running already, and what it saves counts from then on.
      state.close();
      status.close();
      notices.close();
      connections.endUpgraded();
      // Set before the server's own timer, which ends the connections that are left.
      const deadline = setTimeout(() => connections.abortUnframed(), graceMs);
      const served = Promise.all([server.close(graceMs), previewServer.close(graceMs)]);
      await certificates.close();
      await endpoint.close(graceMs);
      await served;
      clearTimeout(deadline);
      state.sessions.close();
    },
  };
}

type Parts = Awaited<ReturnType<typeof createParts>>;

/** Everything that the server's handler asks, tied together. */
async function createParts(config: RelayConfig, dependencies: RelayDependencies) {
  const { log, clock: wall = systemClock, version = '', acme } = dependencies;
  const clock = steadyClock(wall);
  const audit = createAudit(config.auditFile, log, wall);
  const state = await openLoginState({ file: config.stateFile, password: config.password, log, clock });
  const { sessions, password, isSaved, pushKey } = state;
  const clientOf = createClientOf(config.trustedProxies, speaksTls(config), log);
  const login = new Login({
    ...{ password, sessions, clientOf, clock, audit, isSaved },
    devices: state.devices,
    passkeys: state.passkeys,
  });
  const routes = { login, sessions, challenges: new Challenges(clock), clientOf, clock };
  const devices = new DeviceRoutes({ ...routes, devices: state.devices });
  const passkeys = new PasskeyRoutes({ ...routes, passkeys: state.passkeys });
  login.guardPairing((session) => passkeys.checkStepUp(session));
  const machines = new Machines(clock);
  const codes = new JoinCodes(clock);
  const records = state.machines;
  const directory = new MachineDirectory(machines, records);
  const credentials = new Credentials({ token: config.token, log, records, codes, isSaved });
  const spreadMs = () => SPREAD_MS * records.size;
  const endpoint = createTunnelEndpoint({ credentials, machines, log, version, pushKey, audit, clock, spreadMs });
  records.onRemove((id) => endpoint.endMachine(id));
  const machineRoutes = new MachineRoutes({ directory, records, codes, login, passkeys, clientOf });
  const notices = new DeviceNotices({ devices: state.devices, machines, clock, log });
  const status = new Status(machines, directory, { clock, version });
  const connections = new SessionConnections();
  sessions.onEnd((session) => connections.end(session));
  const certificates = createCertificates(config, { log, clock: wall, version, ...acme });
  return {
    ...{ state, clientOf, login, devices, passkeys, machines, directory, machineRoutes },
    ...{ notices, endpoint, status, connections, certificates },
  };
}

function createServers(
  config: RelayConfig,
  { log, assets, limits, clock = systemClock }: RelayDependencies,
  { state, certificates, ...parts }: Parts,
): { server: HttpServer; previewServer: PreviewServer } {
  const { waiting } = certificates;
  const { sessions } = state;
  const port = () => previewServer.port;
  const previews = new RelayPreviews({
    domain: config.previewDomain,
    port,
    sessions,
    clock: steadyClock(clock),
    log,
    ...parts,
  });
  const options = {
    log,
    clock,
    isSecure: (req: HttpRequest) => parts.clientOf(req).secure,
    isProxy: createProxyCheck(config.trustedProxies),
    ...certificates.options,
    ...(limits ? { limits } : {}),
  };
  const handler = createRelayHandler({ config, waiting, sessions, assets, log, previews, ...parts });
  const previewServer = new PreviewServer(config, { ...options, handler: previews.servePort });
  return { server: createHttpServer({ ...options, handler }), previewServer };
}

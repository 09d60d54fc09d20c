/** The relay put together: what comes in from browsers and machines, and what happens to it, in this order. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { Gate } from '../core/auth/gate.ts';
import { generatePassword, hashPassword, type PasswordHash, verifyPassword } from '../core/auth/password.ts';
import { Sessions } from '../core/auth/sessions.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { createClientOf } from '../core/http/client.ts';
import { createHttpServer, type HttpLimits, type TlsFiles } from '../core/http/server.ts';
import type { Asset } from '../core/http/static.ts';
import type { Log } from '../core/log.ts';
import { createAudit } from './audit.ts';
import type { RelayConfig } from './config.ts';
import { createTunnelEndpoint } from './endpoint.ts';
import { createRelayHandler } from './handler.ts';
import { Machines } from './machines.ts';
import { Revocable } from './revocable.ts';
import { type RelayState, StateFile } from './state.ts';
import { Status } from './status.ts';

export interface RelayDependencies {
  log: Log;
  assets: readonly Asset[];
  version?: string;
  clock?: Clock;
  limits?: Partial<HttpLimits>;
}

export interface Relay {
  /** Rejects with a sentence when the address cannot be used. */
  listen(): Promise<{ port: number }>;
  /** Sockets and tunnels end; running requests have `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** The password, when this start has made one: to be shown once, on the console. */
  readonly generatedPassword: string | null;
  /** There is no state file of an earlier start. */
  readonly firstStart: boolean;
  readonly gate: Gate;
}

/** How often certificate files are looked at, ms. */
const TLS_WATCH_MS = 2000;
/** Save what changes by itself (when a session was last seen), ms. */
const SAVE_MS = 60_000;

export async function createRelay(config: RelayConfig, dependencies: RelayDependencies): Promise<Relay> {
  const { log, assets, clock = systemClock } = dependencies;
  const audit = createAudit(config.auditFile, log, clock);
  const stateFile = new StateFile(config.stateFile, log);
  const kept = stateFile.load();
  const { password, generated } = await choosePassword(config.password, kept);
  // Another password than before: whoever knew the old one is out.
  const sessions = new Sessions(clock, samePassword(kept, password) ? kept!.sessions : null);
  const save = () => stateFile.save({ version: 1, password, sessions: sessions.record() });
  sessions.onChange(save);
  save();

  const clientOf = createClientOf(config.trustedProxies, config.tls !== null);
  const gate = new Gate({ password, sessions, clientOf, clock, audit });
  const machines = new Machines(clock);
  const endpoint = createTunnelEndpoint({
    token: config.token,
    machines,
    log,
    version: dependencies.version ?? '',
    audit,
    clock,
  });
  const status = new Status(machines, clock);
  const revocable = new Revocable(clock);
  sessions.onEnd((session) => revocable.end(session));

  const server = createHttpServer({
    handler: createRelayHandler({
      config,
      gate,
      sessions,
      clientOf,
      machines,
      endpoint,
      status,
      revocable,
      assets,
      log,
    }),
    log,
    clock,
    isSecure: (req) => clientOf(req).secure,
    ...(config.tls ? { tls: readTls(config.tls) } : {}),
    ...(dependencies.limits ? { limits: dependencies.limits } : {}),
  });
  const unwatch = config.tls ? watchTls(config.tls, server.setTls, log) : () => {};
  const saving = setInterval(save, SAVE_MS);

  return {
    generatedPassword: generated,
    firstStart: kept === null,
    gate,
    listen: () => server.listen(config.port, config.host),
    async close(graceMs) {
      unwatch();
      clearInterval(saving);
      status.close();
      revocable.endWebSockets();
      const served = server.close(graceMs);
      await endpoint.close(graceMs);
      await served;
      sessions.close();
      save();
    },
  };
}

/** The password to ask for (null: none), and its text when it was generated just now. */
async function choosePassword(
  wanted: string | null,
  kept: RelayState | null,
): Promise<{ password: RelayState['password']; generated: string | null }> {
  if (wanted === '') return { password: null, generated: null };
  if (wanted === null) {
    // The one of an earlier start goes on being valid: a restart logs nobody out.
    if (kept?.password?.generated) return { password: kept.password, generated: null };
    const generated = generatePassword();
    return { password: { ...await hashPassword(generated), generated: true }, generated };
  }
  if (kept?.password && await verifyPassword(wanted, kept.password)) {
    return { password: { ...kept.password, generated: false }, generated: null };
  }
  return { password: { ...await hashPassword(wanted), generated: false }, generated: null };
}

const samePassword = (kept: RelayState | null, password: PasswordHash | null): boolean =>
  kept !== null && kept.password?.hash === password?.hash;

function readTls(files: { cert: string; key: string }): TlsFiles {
  try {
    return { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  } catch (error) {
    throw new Error(`The certificate cannot be read: ${(error as Error).message}.`);
  }
}

/** Takes renewed certificates into use without a restart. @returns ends the watch */
function watchTls(files: { cert: string; key: string }, use: (files: TlsFiles) => void, log: Log): () => void {
  const reload = () => {
    try {
      use(readTls(files));
      log.info('The TLS certificate was read again.');
    } catch (error) {
      // Half of a renewal: the other file follows.
      log.warn('The new TLS certificate cannot be used, the old one stays.', { error: (error as Error).message });
    }
  };
  const names = [files.cert, files.key];
  for (const name of names) watchFile(name, { interval: TLS_WATCH_MS }, reload);
  return () => names.forEach((name) => unwatchFile(name, reload));
}

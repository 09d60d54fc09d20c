/** The certificate that the relay serves: from files, from an authority (RELAY_TLS=auto), or none. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Clock } from '../core/clock.ts';
import type { HttpServer, HttpServerOptions } from '../core/http/server.ts';
import type { TlsFiles } from '../core/http/tls.ts';
import type { Log } from '../core/log.ts';
import { ACME_TLS } from './acme/challenges.ts';
import { listIdentifiers } from './acme/identifier.ts';
import { AcmeManager, type AcmeStatus } from './acme/manager.ts';
import { createPlainHttp } from './acme/plain-http.ts';
import { CHALLENGE_PORT, type ChallengeType } from './acme/problem.ts';
import { createTransport, type Transport } from './acme/transport.ts';
import type { AcmeConfig, RelayConfig } from './config.ts';

export interface Certificates {
  /** For the server that is to be made. */
  options: Pick<HttpServerOptions, 'tls' | 'tlsProtocol'>;
  /** Once the server listens. @returns when there is a certificate, or it is known why there is none yet */
  start(server: HttpServer, port: number): Promise<void>;
  close(): Promise<void>;
  /** Why browsers would not trust what is served, in a sentence; null when they would. */
  waiting(): string | null;
}

export interface CertificateDependencies {
  log: Log;
  clock: Clock;
  version: string;
  /** For tests; else by https. */
  transport?: Transport;
  random?: () => number;
}

/** Throws a sentence when files cannot be read. */
export function createCertificates(config: RelayConfig, dependencies: CertificateDependencies): Certificates {
  if (config.acme) return fromAuthority(config.acme, config, dependencies);
  if (config.tls) return fromFiles(config.tls, dependencies.log);
  return { options: {}, start: async () => {}, close: async () => {}, waiting: () => null };
}

// ---- from an authority

function fromAuthority(acme: AcmeConfig, config: RelayConfig, dependencies: CertificateDependencies): Certificates {
  const { clock, version } = dependencies;
  const log = dependencies.log.tagged('TLS');
  let server: HttpServer | null = null;
  let port = 0;
  let hasPlain = false;
  const manager = new AcmeManager(acme, {
    log,
    clock,
    transport: dependencies.transport ?? createTransport(version),
    random: dependencies.random ?? Math.random,
    methods: () => methodsFor(port, hasPlain),
    use: (files) => server!.setTls(files),
  });
  const waiting = () => waitingReason(manager.status(), acme);
  const names = [...new Set([...config.domains, ...acme.identifiers.map(({ value }) => value)])];
  const { challenges } = manager;
  const plain = createPlainHttp({ challenges, names, httpsPort: () => port, waiting, log, clock });
  return {
    options: {
      tls: manager.initial,
      tlsProtocol: { name: ACME_TLS, contextFor: (name) => challenges.tlsAnswer(name) },
    },
    async start(started, at) {
      [server, port] = [started, at];
      hasPlain = acme.httpPort !== null && await listenPlain(plain, acme.httpPort, config.host, log);
      await manager.start();
    },
    async close() {
      await manager.close();
      if (hasPlain) await plain.close(0);
    },
    waiting,
  };
}

/** Other ports than an authority's may be forwarded; what is on the authority's own goes first. */
function methodsFor(port: number, hasPlain: boolean): ChallengeType[] {
  if (!hasPlain) return ['tls-alpn-01'];
  return port === CHALLENGE_PORT['tls-alpn-01'] ? ['tls-alpn-01', 'http-01'] : ['http-01', 'tls-alpn-01'];
}

async function listenPlain(plain: HttpServer, port: number, host: string | undefined, log: Log): Promise<boolean> {
  try {
    await plain.listen(port, host);
    return true;
  } catch (error) {
    log.info('Plain http is not redirected, and names are proven on the port of https only.', {
      error: (error as Error).message,
    });
    return false;
  }
}

function waitingReason({ certificate, problem }: AcmeStatus, { identifiers }: AcmeConfig): string | null {
  if (certificate) return null;
  return problem ?? `A certificate for ${listIdentifiers(identifiers)} was asked for; that takes some seconds.`;
}

// ---- from files

/** How often certificate files are looked at, ms. */
const TLS_WATCH_MS = 2000;

type Paths = NonNullable<RelayConfig['tls']>;

function fromFiles(paths: Paths, log: Log): Certificates {
  let unwatch = () => {};
  return {
    options: { tls: readTls(paths) },
    async start(server) {
      unwatch = watchTls(paths, (files) => server.setTls(files), log);
    },
    async close() {
      unwatch();
    },
    waiting: () => null,
  };
}

function readTls({ cert, key }: Paths): TlsFiles {
  try {
    return { cert: readFileSync(cert), key: readFileSync(key) };
  } catch (error) {
    throw new Error(`The certificate cannot be read: ${(error as Error).message}.`);
  }
}

/** Takes renewed certificates into use without a restart. @returns ends the watch */
function watchTls(paths: Paths, use: (files: TlsFiles) => void, log: Log): () => void {
  const reload = () => {
    try {
      use(readTls(paths));
      log.info('The TLS certificate was read again.');
    } catch (error) {
      // Half of a renewal: the other file follows.
      log.warn('The new TLS certificate cannot be used, the old one stays.', { error: (error as Error).message });
    }
  };
  const names = [paths.cert, paths.key];
  for (const name of names) watchFile(name, { interval: TLS_WATCH_MS }, reload);
  return () => names.forEach((name) => unwatchFile(name, reload));
}

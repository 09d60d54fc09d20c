/** A relay in this process, with a machine behind it that keeps what it was asked. */
import { startTunnelClient, type TunnelHandle } from '../../../agent/tunnel/client.ts';
import { type Clock, systemClock } from '../../../core/clock.ts';
import type { Asset } from '../../../core/http/static.ts';
import type { HttpLimits } from '../../../core/http/server.ts';
import type { Handler } from '../../../core/http/types.ts';
import { createLog, silentLog } from '../../../core/log.ts';
import type { RelayConfig } from '../../../relay/config.ts';
import { createRelay, type Relay, type RelayDependencies } from '../../../relay/server.ts';
import { originAt, tlsFiles, webSocketAt } from '../network/transport.ts';

export const PASSWORD = 'correct horse battery staple';
export const TOKEN = 'Zt6pX3vQm9rLk2sWb8yNc4hGf7jDa1eU5oRi0TxEqVw';

export const ASSETS: Asset[] = [
  { path: '/index.html', body: Buffer.from('<!doctype html><title>test</title>') },
  {
    path: '/assets/main-ABC.js',
    body: Buffer.from('export {};'.repeat(100)),
    br: Buffer.from('br'),
    gz: Buffer.from('gz'),
  },
];

export interface TestRelay {
  relay: Relay;
  port: number;
  origin: string;
  /** Log lines of the relay. */
  lines: string[];
  /** `METHOD target` of each request that reached the machine. */
  reached: string[];
  /** Logs in. @returns the value of a Cookie header */
  login(password?: string): Promise<string>;
  /** fetch with this cookie and our own Origin. */
  fetch(path: string, init?: RequestInit & { cookie?: string }): Promise<Response>;
  close(): Promise<void>;
}

export interface TestRelayOptions extends Partial<RelayConfig> {
  clock?: Clock;
  limits?: Partial<HttpLimits>;
  /** How the relay reaches the authority of `acme`, and by which clock it renews. */
  authority?: RelayDependencies['acme'];
  /** The relay's own. */
  version?: string;
  /** Serves the machine's side; with `true` every request is answered with `{}`. Without: no machine. */
  machine?: Handler | true;
  /** What the relay itself asks reaches `machine`, too; else it is answered and not recorded. */
  hearsRelay?: boolean;
}

export async function startRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const { clock = systemClock, limits, machine, hearsRelay = false, authority, version, ...config } = options;
  const lines: string[] = [];
  const relay = await createRelay(
    {
      port: 0,
      host: '127.0.0.1',
      token: TOKEN,
      password: PASSWORD,
      domains: [],
      tls: config.acme ? null : tlsFiles(),
      acme: null,
      trustedProxies: [],
      stateFile: null,
      auditFile: null,
      previewDomain: null,
      previewPort: null,
      metricsToken: null,
      ...config,
    },
    {
      log: createLog({ write: (line) => lines.push(line) }),
      assets: ASSETS,
      clock,
      ...(limits ? { limits } : {}),
      ...(version ? { version } : {}),
      ...(authority ? { acme: authority } : {}),
    },
  );
  const { port } = await relay.listen();
  const origin = config.tls || config.acme ? `https://127.0.0.1:${port}` : originAt(port);
  const reached: string[] = [];
  const handler = machine && handlerOf(machine, reached, hearsRelay);
  const tunnel = handler ? await connectMachine(port, config.token ?? TOKEN, handler) : null;
  const test: TestRelay = {
    relay,
    port,
    origin,
    lines,
    reached,
    async login(password = PASSWORD) {
      const response = await test.fetch('/api/auth/login', { method: 'POST', body: JSON.stringify({ password }) });
      if (!response.ok) throw new Error(`login: ${response.status} ${await response.text()}`);
      await response.body?.cancel();
      return response.headers.getSetCookie()[0]!.split(';')[0]!;
    },
    fetch(path, { cookie, ...init } = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has('origin')) headers.set('origin', origin);
      if (cookie) headers.set('cookie', cookie);
      if (init.body && !headers.has('content-type')) headers.set('content-type', 'application/json');
      return fetch(origin + path, { ...init, headers });
    },
    async close() {
      await tunnel?.close(0);
      await relay.close(0);
    },
  };
  return test;
}

function handlerOf(machine: Handler | true, reached: string[], hearsRelay: boolean): Handler {
  return (req, res) => {
    const isHeard = hearsRelay || req.headers['x-relay-event'] === undefined;
    if (isHeard) reached.push(`${req.method} ${req.url}`);
    if (isHeard && machine !== true) return machine(req, res);
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 });
    res.end('{}');
  };
}

async function connectMachine(port: number, token: string, handler: Handler): Promise<TunnelHandle> {
  return await new Promise((resolve, reject) => {
    const tunnel: TunnelHandle = startTunnelClient({
      url: webSocketAt(port, '/tunnel'),
      token,
      handler,
      info: { name: 'secret-machine-name', version: '0' },
      log: silentLog,
      onState: (state) => {
        if (state.kind === 'connected') setTimeout(() => resolve(tunnel));
        if (state.kind === 'refused') reject(new Error(state.text));
      },
    });
  });
}

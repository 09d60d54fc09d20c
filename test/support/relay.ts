/** A relay in this process, with a machine behind it that keeps what it was asked. */
import { keepConnected, type Tunnel } from '../../agent/tunnel.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Asset } from '../../core/http/static.ts';
import type { HttpLimits } from '../../core/http/server.ts';
import type { Handler } from '../../core/http/types.ts';
import { createLog, silentLog } from '../../core/log.ts';
import type { RelayConfig } from '../../relay/config.ts';
import { createRelay, type Relay } from '../../relay/server.ts';

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
  /** Serves the machine's side; with `true` every request is answered with `{}`. Without: no machine. */
  machine?: Handler | true;
}

export async function startRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const { clock = systemClock, limits, machine, ...config } = options;
  const lines: string[] = [];
  const relay = await createRelay(
    {
      port: 0,
      host: '127.0.0.1',
      token: TOKEN,
      password: PASSWORD,
      domains: [],
      tls: null,
      trustedProxies: [],
      stateFile: null,
      auditFile: null,
      metricsToken: null,
      ...config,
    },
    { log: createLog({ write: (line) => lines.push(line) }), assets: ASSETS, clock, ...(limits ? { limits } : {}) },
  );
  const { port } = await relay.listen();
  const origin = `${config.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const reached: string[] = [];
  const tunnel = machine ? await connectMachine(port, config.token ?? TOKEN, machine, reached) : null;
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

async function connectMachine(
  port: number,
  token: string,
  machine: Handler | true,
  reached: string[],
): Promise<Tunnel> {
  const handler: Handler = (req, res) => {
    reached.push(`${req.method} ${req.url}`);
    if (machine !== true) return machine(req, res);
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 });
    res.end('{}');
  };
  return await new Promise((resolve, reject) => {
    const tunnel: Tunnel = keepConnected({
      url: `ws://127.0.0.1:${port}/tunnel`,
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

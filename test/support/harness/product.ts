/**
 * The whole product as a user starts it: the relay's single file and the agent, each a real process on a random loopback
 * port, with a data folder of their own. Ends only the processes that it started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { endHolders } from '../../../agent/process/holder/end.ts';
import { TESTED_PACKAGE } from '../../../scripts/test-needs.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DENO = join(ROOT, 'node_modules/.bin/deno');
/** How long a process may take until it answers: on a busy machine tsx alone takes 20 s. */
const START_MS = 60_000;
/** How long is waited for anything else. */
const WAIT_MS = 20_000;
/** How long the agent may take to end. */
const END_MS = 5_000;

/** One process with everything it printed. */
export interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Sends the signal and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface ProductOptions {
  runtime?: 'node' | 'deno';
  /** Set for both programs, or for one. */
  env?: Record<string, string>;
  relayEnv?: Record<string, string>;
  agentEnv?: Record<string, string>;
  /** Address that the agent dials instead of the relay's own, e.g. of a proxy that misbehaves. Gets the relay's port. */
  relayUrl?: (relayPort: number) => string | Promise<string>;
  /** false: no relay, only the local server. */
  withRelay?: boolean;
  /** false: only the relay, until `startAgent`. */
  withAgent?: boolean;
  /** Checkouts of another version whose relay or agent is run, from its sources, instead of this one's. */
  relayRoot?: string;
  agentRoot?: string;
  /** The relay is of this release instead of its own. */
  relayVersion?: string;
}

export interface Product {
  /** The dashboard on the relay's address, and on the local server's. */
  readonly relayUrl: string;
  readonly localUrl: string;
  readonly relayPort: number;
  readonly localPort: number;
  readonly token: string;
  readonly password: string;
  readonly directory: string;
  readonly dataDir: string;
  relay: Program | null;
  agent: Program | null;
  startAgent(extra?: Record<string, string>): Promise<void>;
  /** On `relayPort`, or where `extra` says. */
  startRelay(extra?: Record<string, string>): Promise<void>;
  /** Resolves when the relay says that the tunnel is up (or down). */
  tunnel(up: boolean): Promise<void>;
  /** Logs in at the relay and gives the Cookie header's value. */
  login(): Promise<string>;
  /** fetch of a path on the relay with that cookie and the right Origin. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** The environment without what another test or the user's shell has set for the product or the CLIs. */
export function plainEnv(extra: Record<string, string> = {}): Record<string, string> {
  const retained = Object.entries(process.env).filter(([name]) =>
    !/^(RELAY_|SMTP_|TWILIO_|SLACK_|NTFY_|TELEGRAM_|WEBHOOK_|DASHBOARD_|DATA_DIR$|PORT$|HOST$|PUBLIC_URL$)/.test(name)
  );
  return { ...Object.fromEntries(retained) as Record<string, string>, ...extra };
}

export function startProgram(command: string, args: string[], env: Record<string, string>, cwd = ROOT): Program {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: unknown) => output = (output + chunk).slice(-200_000);
  child.stdout!.on('data', keep);
  child.stderr!.on('data', keep);
  child.on('error', (error) => keep(error.message));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    child,
    output: () => output,
    kill: (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return gone;
    },
  };
}

/** Waits until `check` gives something else than false, null or undefined; throws with `what` after `ms`. */
export async function until<T>(
  what: string | (() => string),
  check: () => T | Promise<T>,
  ms = WAIT_MS,
): Promise<NonNullable<T>> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value !== false && value !== null && value !== undefined) return value as NonNullable<T>;
    if (Date.now() > end) throw new Error(`not seen in ${ms} ms: ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function answers(url: string, program: Program, name: string): Promise<void> {
  await until(() => `${name} does not answer at ${url}; it printed:\n${program.output()}`, async () => {
    if (program.child.exitCode !== null) {
      throw new Error(`${name} ended with ${program.child.exitCode}:\n${program.output()}`);
    }
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      return true;
    } catch {
      return false;
    }
  }, START_MS);
}

/** The built relay; with a `version`, a copy of it in `directory` that was built as that one. */
function relayFile(directory: string, version?: string): string {
  const built = join(ROOT, 'dist/relay.mjs');
  if (!version) return built;
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const [before, after, ...more] = readFileSync(built, 'utf8').split(JSON.stringify(own.version));
  if (after === undefined || more.length) throw new Error(`${built} does not name its version once: build it again`);
  const copy = join(directory, 'relay.mjs');
  writeFileSync(copy, `${before}${JSON.stringify(version)}${after}`);
  return copy;
}

/** The agent of the package that the runner has built; from its sources where a file is run by hand, on Deno, or of another version. */
function agentProgram(runtime: string, root?: string): string {
  const built = process.env[TESTED_PACKAGE];
  return built && !root && runtime === 'node' ? join(built, 'agent/main.mjs') : join(root ?? ROOT, 'agent/main.ts');
}

/** Starts the relay (`dist/relay.mjs`) and the agent, and waits until the tunnel between them is up. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const { runtime = 'node', withRelay = true, withAgent = true, relayRoot } = options;
  const [relayPort, localPort] = [await freePort(), await freePort()];
  const directory = mkdtempSync(join(tmpdir(), 'agent-monitor-'));
  const token = randomBytes(32).toString('base64url');
  const password = randomBytes(12).toString('base64url');
  const dialUrl = withRelay ? await (options.relayUrl?.(relayPort) ?? `ws://127.0.0.1:${relayPort}/tunnel`) : '';
  const run = (script: string, env: Record<string, string>) =>
    runtime === 'deno'
      ? startProgram(DENO, ['run', '-A', '--no-check', script], env)
      : startProgram(process.execPath, script.endsWith('.ts') ? ['--import', 'tsx', script] : [script], env);
  let cookie = '';

  const product: Product = {
    relayUrl: `http://127.0.0.1:${relayPort}`,
    localUrl: `http://127.0.0.1:${localPort}`,
    relayPort,
    localPort,
    token,
    password,
    directory,
    dataDir: join(directory, 'data'),
    relay: null,
    agent: null,
    async startRelay(extra = {}) {
      product.relay = run(
        relayRoot ? join(relayRoot, 'relay/main.ts') : relayFile(directory, options.relayVersion),
        plainEnv({
          RELAY_TOKEN: token,
          RELAY_PASSWORD: password,
          RELAY_PORT: String(relayPort),
          RELAY_HOST: '127.0.0.1',
          RELAY_STATE: join(directory, 'relay-state.json'),
          RELAY_AUDIT: join(directory, 'relay-audit.log'),
          ...options.env,
          ...options.relayEnv,
          ...extra,
        }),
      );
      const port = extra.RELAY_PORT ?? relayPort;
      await answers(`http://127.0.0.1:${port}/api/relay/status`, product.relay, 'the relay');
    },
    async startAgent(extra = {}) {
      product.agent = run(
        agentProgram(runtime, options.agentRoot),
        plainEnv({
          PORT: String(localPort),
          DATA_DIR: product.dataDir,
          ...(withRelay ? { RELAY_URL: dialUrl, RELAY_TOKEN: token } : {}),
          ...options.env,
          ...options.agentEnv,
          ...extra,
        }),
      );
      await answers(`${product.localUrl}/api/health`, product.agent, 'the agent');
    },
    async tunnel(up) {
      await until(() => `tunnel ${up ? 'up' : 'down'}; the agent printed:\n${product.agent?.output()}`, async () => {
        const response = await fetch(`${product.relayUrl}/api/relay/status`);
        return (await response.json() as { tunnelConnected: boolean }).tunnelConnected === up;
      });
    },
    async login() {
      const response = await fetch(`${product.relayUrl}/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: product.relayUrl },
        body: JSON.stringify({ password }),
      });
      if (!response.ok) throw new Error(`login failed: ${response.status} ${await response.text()}`);
      await response.body?.cancel();
      cookie = response.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
      return cookie;
    },
    async fetch(path, init = {}) {
      if (!cookie) await product.login();
      const headers = new Headers(init.headers);
      headers.set('cookie', cookie);
      headers.set('origin', product.relayUrl);
      if (init.body && !headers.has('content-type')) headers.set('content-type', 'application/json');
      return await fetch(product.relayUrl + path, { ...init, headers });
    },
    async close() {
      await product.relay?.kill('SIGKILL');
      // What outlives the agent is ended here.
      const timer = setTimeout(() => product.agent?.child.kill('SIGKILL'), END_MS);
      await product.agent?.kill('SIGTERM');
      clearTimeout(timer);
      await endHolders(product.dataDir);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    if (withRelay) await product.startRelay();
    if (withAgent) await product.startAgent();
    if (withAgent && withRelay) await product.tunnel(true);
  } catch (error) {
    await product.close();
    throw error;
  }
  return product;
}

/** Codex: one `codex app-server` for all sessions, started when the first is opened and ended a while after the last. */
import { homedir } from 'node:os';
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Capabilities } from '../../core/wire/types.ts';
import { CODEX_MODES } from './codex-modes.ts';
import { AppServer, CODEX } from './codex-server.ts';
import { CodexSession } from './codex-session.ts';
import { NOT_LOGGED_IN } from './codex-text.ts';
import { list, type Loose, object, string } from './loose.ts';
import type { Environment, ProcessEnd } from './process.ts';
import { type Probe, probeVersion } from './probe.ts';
import type { OpenOptions, Provider, ProviderEvent, ProviderSession } from './provider.ts';
import { runnable } from './runnable.ts';

export interface CodexOptions {
  /** CODEX_BIN: the program's name or path. */
  bin: string;
  /** This server's environment; what is its own is not passed on. */
  env: Environment;
  log: Log;
  clock?: Clock;
}

/** A Provider that can also tell which threads are on disk. */
export interface CodexProvider extends Provider {
  /** Newest first, as the app-server tells them (Thread of its schema). Rejects with a sentence. */
  listThreads(limit: number, cwd?: string): Promise<Loose[]>;
  /** The newest turns of a thread with all their items (Turn of its schema), oldest first. Rejects with a sentence. */
  readTurns(threadId: string, limit: number): Promise<Loose[]>;
  /** Process of the app-server, null while there is none: what it holds open is not in use by others. */
  serverPid(): number | null;
}

/** The app-server (about 150 MB) is ended after so long without a session, ms. */
const IDLE_MS = 60_000;
/** How long a probe's answer holds, ms. */
const PROBE_AGE_MS = 60_000;
const MODEL_LIMIT = 100;

export function createCodex(options: CodexOptions): CodexProvider {
  return new Codex(options);
}

class Codex implements CodexProvider {
  readonly name = 'codex' as const;
  readonly #options: CodexOptions;
  readonly #clock: Clock;
  /** The one that serves what is opened now. */
  #server: AppServer | null = null;
  /** All that have not ended yet: one that is being ended may take seconds. */
  readonly #servers = new Set<AppServer>();
  #prepared: Promise<{ version: string; capabilities: Capabilities }> | null = null;
  /** Each with the process that serves it: while one that hangs is being ended, the next one may serve others. */
  readonly #sessions = new Map<CodexSession, AppServer>();
  readonly #threads = new Map<string, CodexSession>();
  #probed: { at: number; result: Promise<Probe> } | null = null;
  #idleTimer: Timer | null = null;
  #isClosing = false;

  constructor(options: CodexOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  open(options: OpenOptions, emit: (event: ProviderEvent) => void): ProviderSession {
    this.#clock.clearTimeout(this.#idleTimer);
    const server = this.#running();
    const session = new CodexSession(
      server,
      {
        clock: this.#clock,
        prepare: (server) => this.#prepare(server),
        attach: (threadId, one) => this.#threads.set(threadId, one),
        detach: (one) => this.#detach(one),
      },
      options,
      emit,
    );
    this.#sessions.set(session, server);
    return session;
  }

  probe(): Promise<Probe> {
    const { bin, env } = this.#options;
    const now = this.#clock.monotonic();
    if (!this.#probed || now - this.#probed.at > PROBE_AGE_MS) {
      this.#probed = { at: now, result: probeVersion({ program: CODEX, ...runnable(bin), env, clock: this.#clock }) };
    }
    return this.#probed.result;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#clock.clearTimeout(this.#idleTimer);
    await Promise.all([...this.#sessions.keys()].map((session) => session.stop()));
    await Promise.all([...this.#servers].map((server) => server.stop({ inputMs: 500 })));
  }

  serverPid(): number | null {
    return this.#server?.process.pid ?? null;
  }

  async listThreads(limit: number, cwd?: string): Promise<Loose[]> {
    const params = { limit, modelProviders: [], sortKey: 'updated_at', ...(cwd ? { cwd } : {}) };
    const { data } = await this.#ask('thread/list', params);
    return list(data).map(object);
  }

  async readTurns(threadId: string, limit: number): Promise<Loose[]> {
    const params = { threadId, limit, sortDirection: 'desc', itemsView: 'full' };
    const { data } = await this.#ask('thread/turns/list', params);
    return list(data).map(object).reverse();
  }

  /** One request outside any session. */
  async #ask(method: string, params: Loose): Promise<Loose> {
    const server = this.#running();
    try {
      await server.ready;
      return await server.request(method, params);
    } finally {
      this.#closeWhenIdle();
    }
  }

  #running(): AppServer {
    if (this.#server?.isRunning) return this.#server;
    const server: AppServer = new AppServer({
      bin: this.#options.bin,
      cwd: homedir(),
      env: this.#options.env,
      log: this.#options.log,
      clock: this.#clock,
      notification: (method, params) => this.#notified(method, params),
      request: (id, method, params) => this.#asked(id, method, params),
      exit: (end) => this.#exited(server, end),
    });
    this.#servers.add(server);
    // One that does not answer its first request will answer no other.
    server.ready.catch(() => server.stop());
    this.#prepared = null;
    return this.#server = server;
  }

  /** Asked once a process, again after a failure: someone may have logged in meanwhile. */
  #prepare(server: AppServer): Promise<{ version: string; capabilities: Capabilities }> {
    const prepared = this.#prepared ??= prepareServer(server);
    prepared.catch(() => {
      if (this.#prepared === prepared) this.#prepared = null;
    });
    return prepared;
  }

  #notified(method: string, params: Loose): void {
    const threadId = string(params.threadId);
    if (method === 'thread/started') this.#adopt(object(params.thread));
    if (threadId) return this.#threads.get(threadId)?.notify(method, params);
    if (method === 'account/rateLimits/updated') {
      for (const session of this.#sessions.keys()) session.notify(method, params);
    }
  }

  #adopt(thread: Loose): void {
    const parent = this.#threads.get(string(thread.parentThreadId));
    if (!parent || this.#threads.has(string(thread.id))) return;
    this.#threads.set(string(thread.id), parent);
    parent.adopt(string(thread.id));
  }

  #asked(id: number | string, method: string, params: Loose): boolean {
    return this.#threads.get(string(params.threadId))?.ask(id, method, params) ?? false;
  }

  #detach(session: CodexSession): void {
    this.#sessions.delete(session);
    for (const [threadId, one] of this.#threads) if (one === session) this.#threads.delete(threadId);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    this.#clock.clearTimeout(this.#idleTimer);
    if (this.#sessions.size || this.#isClosing || !this.#server?.isRunning) return;
    const server = this.#server;
    this.#idleTimer = this.#clock.setTimeout(() => void server.stop(), IDLE_MS);
    (this.#idleTimer as { unref?: () => void }).unref?.();
  }

  #exited(server: AppServer, end: ProcessEnd): void {
    this.#servers.delete(server);
    if (this.#server === server) this.#server = null;
    const text = end.text || 'The Codex server was ended. Send a message to go on.';
    // A copy: a session that ends may be opened again at once, on a new process.
    for (const [session, itsServer] of [...this.#sessions]) {
      if (itsServer !== server) continue;
      session.exit({ expected: end.expected && this.#isClosing, code: end.code, signal: end.signal, text });
    }
  }
}

async function prepareServer(server: AppServer): Promise<{ version: string; capabilities: Capabilities }> {
  const version = await server.ready;
  const account = await server.request('account/read', { refreshToken: false });
  // Without a login Codex would retry for a long time before it says so.
  if (account.requiresOpenaiAuth === true && !account.account) throw new Error(NOT_LOGGED_IN);
  const models = await server.request('model/list', { limit: MODEL_LIMIT }).catch(() => ({}));
  return { version, capabilities: capabilitiesOf(models, object(account.account)) };
}

function capabilitiesOf(models: Loose, account: Loose): Capabilities {
  return {
    models: list(models.data).map(object).filter((model) => model.hidden !== true).map((model) => ({
      value: string(model.model) || string(model.id),
      label: string(model.displayName) || string(model.model),
      efforts: list(model.supportedReasoningEfforts).map((one) => string(object(one).reasoningEffort)).filter(Boolean),
    })),
    commands: [],
    modes: CODEX_MODES,
    account: string(account.email) || string(account.type),
  };
}

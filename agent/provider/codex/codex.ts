/**
 * Codex. In holders: one `codex app-server` for each session, which outlives this server with it. Without, and for what is asked outside of
 * sessions: one for all, started for the first and ended a while after the last.
 */
import { homedir } from 'node:os';
import { type Clock, systemClock, type Timer } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Capabilities } from '../../../core/api/agents.ts';
import { codexSessions } from './history.ts';
import { CodexDaemon } from './daemon.ts';
import { DaemonSession } from './daemon-session.ts';
import { limitWindows } from './limits.ts';
import { CODEX_MODES } from './modes.ts';
import { AppServer, type AppServerOptions, CODEX, turnEnd } from './server.ts';
import { openedSnapshot } from './snapshot.ts';
import { codexTerminalArgs } from './params.ts';
import type { LimitWindow } from '../../../core/api/usage.ts';
import { CODEX_COMMANDS } from './commands.ts';
import { CodexSession } from './session.ts';
import { NOT_LOGGED_IN } from './text.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';
import type { ProcessEnd } from '../../process/child.ts';
import type { Environment } from '../../process/environment.ts';
import { openingOf, optionsAtStart } from '../opening.ts';
import { type Probe, probeVersion } from '../probe.ts';
import type { HolderOptions, OpenOptions, Provider, ProviderEvent, ProviderSession } from '../provider.ts';
import { commandSpec } from '../../process/script.ts';

export interface CodexOptions {
  /** CODEX_BIN: the program's name or path. */
  bin: string;
  /** This server's environment; spawnProcess() cleans it. */
  env: Environment;
  log: Log;
  clock?: Clock;
  /** Where its sessions are held, each with a process of its own, so that they outlive this server; missing: they end with it. */
  holders?: { dataDir: string; idleMs: number };
}

/** A Provider that also lists the threads on disk. */
export interface CodexProvider extends Provider {
  /** Newest first (Thread of the app-server's schema). Rejects with a sentence. */
  listThreads(limit: number, cwd?: string): Promise<JsonObject[]>;
  /** The newest turns of a thread with all their items (Turn of the schema), oldest first. Rejects with a sentence. */
  readTurns(threadId: string, limit: number): Promise<JsonObject[]>;
  /** Processes of our app-servers: a file that they hold open is not in use by others. */
  serverPids(): number[];
}

/** The app-server (about 150 MB) is ended after this long without a session, ms. */
const IDLE_MS = 60_000;
/** How long the result of a probe is valid, ms. */
const PROBE_AGE_MS = 60_000;
/** How long a thread may take to end before it is resumed all the same, ms. */
const MAX_RELEASE_MS = 30_000;
/** So much of an unreadable line is searched for its thread, characters. */
const MAX_THREAD_SEARCH = 4096;
/** How long a process that hangs may take to obey its closed stdin, ms. */
const HUNG_INPUT_MS = 300;
const MAX_MODEL = 100;

export function createCodex(options: CodexOptions): CodexProvider {
  return new Codex(options);
}

class Codex implements CodexProvider {
  readonly name = 'codex' as const;
  readonly storedSessions = codexSessions(this);
  readonly #options: CodexOptions;
  readonly #clock: Clock;
  /** Serves the sessions that are opened now. */
  #server: AppServer | null = null;
  /** All that have not ended yet: ending one may take seconds. */
  readonly #servers = new Set<AppServer>();
  readonly #prepared = new WeakMap<AppServer, Promise<Prepared>>();
  /** Each with the process that serves it: while one that hangs is being ended, another serves new sessions. */
  readonly #sessions = new Map<CodexSession, AppServer>();
  readonly #threads = new Map<string, CodexSession>();
  /** Ended sessions whose thread the process has not forgotten yet, with that process. */
  readonly #releasing = new Map<CodexSession, AppServer>();
  /** Processes that are ended because they hang. */
  readonly #replaced = new Set<AppServer>();
  #probed: { at: number; result: Promise<Probe> } | null = null;
  #idleTimer: Timer | null = null;
  readonly #daemon: CodexDaemon;
  /** Threads of the daemon that agents here share with it. */
  readonly #joined = new Set<DaemonSession>();
  #isClosing = false;

  readonly isHeld: boolean;

  constructor(options: CodexOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#daemon = new CodexDaemon({ env: options.env, clock: this.#clock, log: options.log });
    this.isHeld = options.holders !== undefined;
  }

  open(options: OpenOptions, emit: (event: ProviderEvent) => void): ProviderSession {
    const socket = options.holder?.survivor ? null : this.#daemonSocketFor(options);
    if (socket) return this.#joinDaemon(socket, options, emit);
    const { holders } = this.#options;
    if (!holders || !options.holder) return this.#openOn(this.#runningServer(), options, emit);
    const hold = holdOf(holders, options, options.holder, () => session);
    const session: CodexSession = this.#openOn(this.#createServer(hold), options, emit);
    return session;
  }

  #openOn(server: AppServer, options: OpenOptions, emit: (event: ProviderEvent) => void): CodexSession {
    if (server === this.#server) this.#clock.clearTimeout(this.#idleTimer);
    const session = new CodexSession(
      server,
      {
        clock: this.#clock,
        log: this.#options.log,
        prepare: (server) => this.#prepare(server),
        attach: (threadId, entry) => this.#threads.set(threadId, entry),
        detach: (entry) => this.#detach(entry),
        released: (threadId) => this.#released(threadId),
        replace: (server) => this.#replace(server),
        failure: (threadId, text) => this.#daemon.failure(threadId, text),
      },
      options,
      emit,
    );
    this.#sessions.set(session, server);
    return session;
  }

  /** A thread that another process has loaded is joined there, if that is the daemon. */
  #daemonSocketFor({ resume, fork, holder }: OpenOptions): string | null {
    if (!resume || fork || holder?.survivor) return null;
    return this.#daemon.socketFor(resume, [...this.#servers].flatMap((server) => server.process.pid ?? []));
  }

  #joinDaemon(socket: string, options: OpenOptions, emit: (event: ProviderEvent) => void): ProviderSession {
    const session = new DaemonSession(
      {
        socket,
        clock: this.#clock,
        failure: (text) => this.#daemon.failure(options.resume!, text),
        ended: (entry) => void this.#joined.delete(entry),
      },
      options,
      emit,
    );
    this.#joined.add(session);
    return session;
  }

  daemonThreads(): Promise<Set<string>> {
    return this.#daemon.loaded();
  }

  terminalArgs(options: OpenOptions): string[] {
    return codexTerminalArgs(options);
  }

  probe(): Promise<Probe> {
    const { bin, env } = this.#options;
    const now = this.#clock.monotonic();
    if (!this.#probed || now - this.#probed.at > PROBE_AGE_MS) {
      this.#probed = {
        at: now,
        result: probeVersion({ program: CODEX, ...commandSpec(bin), env, clock: this.#clock }),
      };
    }
    return this.#probed.result;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#clock.clearTimeout(this.#idleTimer);
    for (const session of [...this.#joined]) session.leave();
    await Promise.all([...this.#sessions.keys()].map((session) => session.stop()));
    await Promise.all([...this.#servers].map((server) => server.stop({ inputMs: 500 })));
  }

  serverPids(): number[] {
    return [...this.#servers].flatMap((server) => server.process.pid ?? []);
  }

  async listThreads(limit: number, cwd?: string): Promise<JsonObject[]> {
    const params = { limit, modelProviders: [], sortKey: 'updated_at', ...(cwd ? { cwd } : {}) };
    const { data } = await this.#request('thread/list', params);
    return list(data).map(object);
  }

  /** Without a login of the kind that has limits the CLI refuses. */
  async readLimits(): Promise<LimitWindow[] | null> {
    const { rateLimits } = await this.#request('account/rateLimits/read', {}).catch(() => ({} as JsonObject));
    const windows = limitWindows(object(rateLimits));
    return windows.length ? windows : null;
  }

  async readTurns(threadId: string, limit: number): Promise<JsonObject[]> {
    const params = { threadId, limit, sortDirection: 'desc', itemsView: 'full' };
    const { data } = await this.#request('thread/turns/list', params);
    return list(data).map(object).reverse();
  }

  /** Sends one request outside any session. */
  async #request(method: string, params: JsonObject): Promise<JsonObject> {
    const server = this.#runningServer();
    try {
      await server.ready;
      return await server.request(method, params);
    } finally {
      this.#closeWhenIdle();
    }
  }

  #runningServer(): AppServer {
    return this.#server = this.#server?.isRunning ? this.#server : this.#createServer();
  }

  /** @param hold with it, it serves one session */
  #createServer(hold?: HoldOfSession): AppServer {
    const server: AppServer = new AppServer({
      ...hold,
      bin: this.#options.bin,
      cwd: homedir(),
      env: this.#options.env,
      log: this.#options.log,
      clock: this.#clock,
      notification: (method, params) => this.#onNotification(server, method, params),
      request: (id, method, params) => this.#onRequest(id, method, params),
      unreadable: (sentence, text) => this.#onUnreadable(server, sentence, text),
      exit: (end) => this.#onExit(server, end),
    });
    this.#servers.add(server);
    // A server that does not answer its first request will answer no other.
    if (!hold) server.ready.catch(() => server.stop());
    return server;
  }

  /** Done once per process, again after a failure: the user may have logged in meanwhile. */
  #prepare(server: AppServer): Promise<Prepared> {
    const prepared = this.#prepared.get(server) ?? prepareServer(server);
    this.#prepared.set(server, prepared);
    prepared.catch(() => this.#prepared.delete(server));
    return prepared;
  }

  #onNotification(server: AppServer, method: string, params: JsonObject): void {
    const threadId = string(params.threadId);
    if (method === 'thread/started') this.#adopt(object(params.thread));
    if (threadId) return this.#threads.get(threadId)?.notify(method, params);
    if (method === 'account/rateLimits/updated') {
      for (const [session, itsServer] of this.#sessions) if (itsServer === server) session.notify(method, params);
    }
  }

  /** Tells the agent whose thread the line names, else all of the process: one of them has missed something. */
  #onUnreadable(server: AppServer, sentence: string, text: string): void {
    const threadId = /"threadId":"([^"]{1,100})"/.exec(text.slice(0, MAX_THREAD_SEARCH))?.[1];
    const session = threadId === undefined ? undefined : this.#threads.get(threadId);
    if (session) return session.onUnreadable(sentence);
    for (const [other, itsServer] of this.#sessions) if (itsServer === server) other.onUnreadable(sentence);
  }

  #adopt(thread: JsonObject): void {
    const parent = this.#threads.get(string(thread.parentThreadId));
    if (!parent || this.#threads.has(string(thread.id))) return;
    this.#threads.set(string(thread.id), parent);
    parent.adopt(string(thread.id));
  }

  #onRequest(id: number | string, method: string, params: JsonObject): boolean {
    return this.#threads.get(string(params.threadId))?.onRequest(id, method, params) ?? false;
  }

  #detach(session: CodexSession): void {
    const server = this.#sessions.get(session);
    this.#sessions.delete(session);
    if (server && session.held) this.#servers.delete(server);
    const forget = () => {
      this.#releasing.delete(session);
      for (const [threadId, entry] of this.#threads) if (entry === session) this.#threads.delete(threadId);
      this.#closeWhenIdle();
    };
    if (!session.releasing || !server?.isRunning) return forget();
    this.#releasing.set(session, server);
    void session.releasing.finally(forget);
  }

  /** Resolves when no session is releasing the thread any more, or after MAX_RELEASE_MS. */
  async #released(threadId: string): Promise<void> {
    const former = [...this.#releasing.keys()].find((session) => session.threadId === threadId);
    if (!former?.releasing) return;
    let timer: Timer | null = null;
    const timeout = new Promise<void>((resolve) => timer = this.#clock.setTimeout(resolve, MAX_RELEASE_MS));
    await Promise.race([former.releasing, timeout]);
    this.#clock.clearTimeout(timer);
  }

  async #replace(server: AppServer): Promise<void> {
    this.#replaced.add(server);
    this.#options.log.warn('Codex does not answer and is started again', { pid: server.process.pid });
    await server.stop({ inputMs: HUNG_INPUT_MS });
  }

  #closeWhenIdle(): void {
    this.#clock.clearTimeout(this.#idleTimer);
    const server = this.#server;
    if (!server?.isRunning || this.#isClosing || [...this.#sessions.values()].includes(server)) return;
    this.#idleTimer = this.#clock.setTimeout(() => void server.stop(), IDLE_MS);
    (this.#idleTimer as { unref?: () => void }).unref?.();
  }

  #onExit(server: AppServer, end: ProcessEnd): void {
    this.#servers.delete(server);
    if (this.#server === server) this.#server = null;
    for (const [session, itsServer] of [...this.#releasing]) if (itsServer === server) session.serverEnded();
    const isReplaced = this.#replaced.delete(server) && !this.#isClosing;
    const text = end.text || 'The Codex server was ended. Send a message to go on.';
    // A copy: a session that ends may be opened again at once on a new process.
    for (const [session, itsServer] of [...this.#sessions]) {
      if (itsServer !== server) continue;
      if (!isReplaced) {
        session.exit({ expected: end.expected && this.#isClosing, code: end.code, signal: end.signal, text });
      } else if (!session.isStopping) this.#move(session);
    }
  }

  #move(session: CodexSession): void {
    const server = this.#runningServer();
    this.#sessions.set(session, server);
    void session.moveTo(server);
  }
}

interface Prepared {
  version: string;
  capabilities: Capabilities;
}

type HoldOfSession = Required<Pick<AppServerOptions, 'hold' | 'unclaimed'>>;

/** How a session's own process is held. */
function holdOf(
  holders: NonNullable<CodexOptions['holders']>,
  open: OpenOptions,
  { id, survivor }: HolderOptions,
  session: () => CodexSession,
): HoldOfSession {
  const state = openedSnapshot(survivor?.state);
  const options = {
    ...holders,
    id,
    survivor,
    meta: {
      agentId: open.agentId,
      turnEnd: state ? turnEnd(state.threadId) : '',
      opening: openingOf(optionsAtStart(open)),
    },
    onStarted: () => session().started(),
    onCaughtUp: () => session().caughtUp(),
  };
  const opened = state ? { version: state.ready.version, dropping: state.dropping } : null;
  return { hold: { options, opened }, unclaimed: (name, answer) => session().answered(name, answer) };
}

async function prepareServer(server: AppServer): Promise<Prepared> {
  const version = await server.ready;
  const account = await server.request('account/read', { refreshToken: false }, { name: 'account' });
  // Without a login Codex would retry for a long time before it says so.
  if (account.requiresOpenaiAuth === true && !account.account) throw new Error(NOT_LOGGED_IN);
  const models = await server.request('model/list', { limit: MAX_MODEL }, { name: 'models' }).catch(() => ({}));
  return { version, capabilities: capabilitiesOf(models, object(account.account)) };
}

function capabilitiesOf(models: JsonObject, account: JsonObject): Capabilities {
  return {
    models: list(models.data).map(object).filter((model) => model.hidden !== true).map((model) => ({
      value: string(model.model) || string(model.id),
      label: string(model.displayName) || string(model.model),
      efforts: list(model.supportedReasoningEfforts).map((entry) => string(object(entry).reasoningEffort)).filter(
        Boolean,
      ),
    })),
    commands: CODEX_COMMANDS,
    modes: CODEX_MODES,
    account: string(account.email) || string(account.type),
  };
}

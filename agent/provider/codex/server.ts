/**
 * One `codex app-server` process and its JSON-RPC: newline-delimited objects without a `jsonrpc` field, requests in both
 * directions. Ids of the server's requests start at 0; ours are texts.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock, type Timer } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { HeldCli, HeldOptions } from '../../process/holder/held-child.ts';
import { JsonCli } from '../../process/holder/json-cli.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';
import type { CliProcess, Launch, ProcessEnd } from '../../process/child.ts';
import type { StopOptions } from '../../process/stop-steps.ts';
import type { Program } from '../../process/child-errors.ts';
import type { Environment } from '../../process/environment.ts';
import { commandSpec } from '../../process/script.ts';

export const CODEX: Program = { name: 'Codex', setting: 'CODEX_BIN', install: 'npm install -g @openai/codex' };

/** How long the answer to a request may take, ms. Reading a long thread takes seconds. */
const REQUEST_MS = 60_000;
/** How long a living process may take to answer a cheap request, ms. */
const ALIVE_MS = 1500;
/** Method not found, JSON-RPC 2.0 section 5.1. */
const UNKNOWN_METHOD = -32601;

export interface AppServerOptions {
  bin: string;
  /** Working directory of the process; threads have their own. */
  cwd: string;
  env: Environment;
  log: Log;
  clock?: Clock;
  notification(method: string, params: JsonObject): void;
  /** @returns false when this client does not know the request; it is then refused */
  request(id: number | string, method: string, params: JsonObject): boolean;
  /** A line that is no message, or one that is nested too deep or too long; `text` is its beginning, if it is known. */
  unreadable?(sentence: string, text: string): void;
  exit(end: ProcessEnd): void;
  /** It outlives this server, or has outlived another one; missing: it ends with this server. */
  hold?: Hold;
  /** An answer to a named request that was not sent by this server. */
  unclaimed?(name: string, answer: Answer): void;
}

export interface Hold {
  options: HeldOptions;
  /** What is to be known of one that an earlier server has opened; null: it is to be opened. */
  opened: { version: string; dropping: number } | null;
}

/** What Codex has answered: a result, or why it refused. */
export type Answer = { result: JsonObject } | { error: RefusedError };

/** How the line begins that ends a turn of a thread: its holder waits for it, when no server does. */
export const turnEnd = (threadId: string): string => `{"method":"turn/completed","params":{"threadId":"${threadId}"`;

/** A request that had no effect. Any other failure leaves open whether it had one. */
export class NoEffectError extends Error {}
/** Codex has answered a request with an error. */
export class RefusedError extends NoEffectError {}

export interface RequestOptions {
  /** Called before any later line of the server is read, which a promise cannot guarantee. */
  onResult?: (result: JsonObject) => void;
  /** How long the answer may take, ms; null: until the process ends. */
  timeoutMs?: number | null;
  /** Its id, for one that a later server may send again: it is written once, and its answer is known by it. */
  name?: string;
  /** Of the holder; default: the name. */
  key?: string;
}

interface Waiting {
  resolve(result: JsonObject): void;
  reject(error: Error): void;
  timer: Timer | null;
}

export class AppServer {
  readonly #cli: JsonCli;
  /** Resolves after the handshake with the version of Codex; rejects with a sentence. */
  readonly ready: Promise<string>;
  readonly #options: AppServerOptions;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  /** Ids of an earlier server are never used again. */
  readonly #prefix = randomUUID().slice(0, 8);
  #nextId = 1;
  #end: ProcessEnd | null = null;
  #isStopping = false;

  constructor(options: AppServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { hold, unreadable } = options;
    this.#cli = new JsonCli({
      launch: this.#launch(),
      hold: hold?.options,
      opened: hold?.opened ?? null,
      value: (message) => this.#receive(message),
      garbage: (text) => unreadable?.(`Codex wrote something unexpected: ${text.slice(0, 300)}`, text),
      dropped: (bytes) => unreadable?.(`A line of ${bytes} bytes from Codex was too long and was dropped.`, ''),
      exit: (end) => this.#onExit(end),
    });
    this.ready = hold?.opened ? Promise.resolve(hold.opened.version) : this.#handshake();
    this.ready.catch(() => {}); // whoever awaits it gets the error
  }

  #launch(): Omit<Launch, 'stdout' | 'exit'> {
    const { bin, cwd, env, log: parent } = this.#options;
    const log = parent.tagged('Codex');
    const { command, prefix } = commandSpec(bin);
    const args = [...prefix, 'app-server'];
    return { program: CODEX, command, args, cwd, env, clock: this.#clock, log, stderr: (line) => log.debug(line) };
  }

  get process(): CliProcess {
    return this.#cli.process;
  }
  /** null: it ends with this server. */
  get held(): HeldCli | null {
    return this.#cli.held;
  }
  /** Bytes of output that have been handled. */
  get offset(): number {
    return this.#cli.offset;
  }
  /** Bytes of a line under way that is too long. */
  get dropping(): number {
    return this.#cli.dropping;
  }

  /** The thread is known from here on: what follows is about it. */
  opened(threadId: string): void {
    this.#cli.opened();
    const { meta } = this.#options.hold?.options ?? {};
    if (meta) this.held!.describe({ ...meta, turnEnd: turnEnd(threadId) });
  }

  /** False also while it is being ended: nothing new begins on it. */
  get isRunning(): boolean {
    return this.#end === null && !this.#isStopping && this.process.pid !== null;
  }

  async #handshake(): Promise<string> {
    if (!this.held && this.process.pid === null) throw new Error((await this.process.ended).text);
    const { userAgent } = await this.request('initialize', {
      clientInfo: { name: 'agent_monitor', title: 'Agent Monitor', version: '1' },
      // Plan mode and ending what a thread left running in the background are experimental.
      capabilities: { experimentalApi: true, requestAttestation: false },
    }, { name: 'initialize' });
    this.#write({ method: 'initialized' }, 'initialized');
    return /\/(\d+\.\d+\.\d+[^\s]*)/.exec(string(userAgent))?.[1] ?? '';
  }

  /** Rejects with a sentence: with NoEffectError when nothing was done, else with an Error that says why there is no answer. */
  request(method: string, params: JsonObject, options: RequestOptions = {}): Promise<JsonObject> {
    const { onResult, timeoutMs = REQUEST_MS, name, key = name } = options;
    return new Promise((resolve, reject) => {
      // Sessions that share a process may use the same names.
      const id = this.held && name ? name : `${this.#prefix}-${this.#nextId++}`;
      if (this.#end || !this.#write({ id, method, params }, key)) {
        return reject(new NoEffectError(this.#end?.text || 'Codex does not read what it is sent.'));
      }
      const timer = timeoutMs === null ? null : this.#clock.setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`Codex did not answer ${method} within ${timeoutMs / 1000} s.`));
      }, timeoutMs);
      this.#waiting.set(id, {
        resolve: (result) => {
          onResult?.(result);
          resolve(result);
        },
        reject,
        timer,
      });
    });
  }

  /** Asks whether the process still answers: one that is busy with a thread does, one that hangs does not. */
  isAlive(): Promise<boolean> {
    if (!this.isRunning) return Promise.resolve(false);
    const answer = this.request('account/read', { refreshToken: false }, { timeoutMs: ALIVE_MS });
    return answer.then(() => true, (error) => error instanceof RefusedError);
  }

  /** @param key what a later server, which may answer once more, has for it too */
  answer(id: number | string, result: JsonObject, key: string): boolean {
    return this.#write({ id, result }, key);
  }

  stop(options?: StopOptions): Promise<void> {
    this.#isStopping = true;
    return this.process.stop(options);
  }

  #write(message: JsonObject, key?: string): boolean {
    return this.#cli.write(message, key);
  }

  #receive(message: JsonObject): void {
    const { id, method } = message;
    const params = object(message.params);
    const isId = typeof id === 'number' || typeof id === 'string';
    if (typeof method !== 'string') return void (isId && this.#settle(String(id), message));
    if (!isId) return this.#options.notification(method, params);
    if (this.#options.request(id, method, params)) return;
    const error = { code: UNKNOWN_METHOD, message: `this client does not support ${method}` };
    this.#write({ id, error }, `refusal ${id}`);
  }

  #settle(id: string, message: JsonObject): void {
    const isError = message.error !== undefined && message.error !== null;
    const reason = string(object(message.error).message) || 'Codex refused the request.';
    const answer: Answer = isError ? { error: new RefusedError(reason) } : { result: object(message.result) };
    const waiting = this.#waiting.get(id);
    if (!waiting) return this.#options.unclaimed?.(id, answer);
    this.#waiting.delete(id);
    this.#clock.clearTimeout(waiting.timer);
    if ('error' in answer) waiting.reject(answer.error);
    else waiting.resolve(answer.result);
  }

  /** Leaves it to the next server. Nothing follows. */
  detach(): void {
    for (const { timer } of this.#waiting.values()) this.#clock.clearTimeout(timer);
    this.#waiting.clear();
    this.held?.detach();
  }

  #onExit(end: ProcessEnd): void {
    this.#end = end;
    for (const waiting of this.#waiting.values()) {
      this.#clock.clearTimeout(waiting.timer);
      waiting.reject(new Error(end.text || 'Codex was ended.'));
    }
    this.#waiting.clear();
    this.#options.exit(end);
  }
}

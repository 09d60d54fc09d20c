/**
 * One `codex app-server` process and its JSON-RPC: newline-delimited objects without a `jsonrpc` field, requests in both
 * directions. Ids of the server's requests start at 0.
 */
import { type Clock, systemClock, type Timer } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import { jsonLines } from '../../process/jsonl.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';
import { type CliProcess, type ProcessEnd, spawnProcess } from '../../process/child.ts';
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
}

/** A request that had no effect. Any other failure leaves open whether it had one. */
export class NoEffectError extends Error {}
/** Codex has answered a request with an error. */
export class RefusedError extends NoEffectError {}

export interface RequestOptions {
  /** Called before any later line of the server is read, which a promise cannot guarantee. */
  onResult?: (result: JsonObject) => void;
  /** How long the answer may take, ms; null: until the process ends. */
  timeoutMs?: number | null;
}

interface Waiting {
  resolve(result: JsonObject): void;
  reject(error: Error): void;
  timer: Timer | null;
}

export class AppServer {
  readonly process: CliProcess;
  /** Resolves after the handshake with the version of Codex; rejects with a sentence. */
  readonly ready: Promise<string>;
  readonly #options: AppServerOptions;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #end: ProcessEnd | null = null;
  #isStopping = false;

  constructor(options: AppServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const log = options.log.tagged('Codex');
    const lines = jsonLines({
      value: (message) => this.#receive(message),
      garbage: (text) => options.unreadable?.(`Codex wrote something unexpected: ${text.slice(0, 300)}`, text),
      dropped: (bytes) => options.unreadable?.(`A line of ${bytes} bytes from Codex was too long and was dropped.`, ''),
    });
    const { command, prefix } = commandSpec(options.bin);
    this.process = spawnProcess({
      program: CODEX,
      command,
      args: [...prefix, 'app-server'],
      cwd: options.cwd,
      env: options.env,
      clock: this.#clock,
      log,
      stdout: (chunk) => lines.push(chunk),
      stderr: (line) => log.debug(line),
      exit: (end) => this.#onExit(end),
    });
    this.ready = this.#handshake();
    this.ready.catch(() => {}); // whoever awaits it gets the error
  }

  /** False also while it is being ended: nothing new begins on it. */
  get isRunning(): boolean {
    return this.#end === null && !this.#isStopping && this.process.pid !== null;
  }

  async #handshake(): Promise<string> {
    if (this.process.pid === null) throw new Error((await this.process.ended).text);
    const { userAgent } = await this.request('initialize', {
      clientInfo: { name: 'agent_monitor', title: 'Agent Monitor', version: '1' },
      // Plan mode and ending what a thread left running in the background are experimental.
      capabilities: { experimentalApi: true, requestAttestation: false },
    });
    this.#write({ method: 'initialized' });
    return /\/(\d+\.\d+\.\d+[^\s]*)/.exec(string(userAgent))?.[1] ?? '';
  }

  /** Rejects with a sentence: with NoEffectError when nothing was done, else with an Error that says why there is no answer. */
  request(method: string, params: JsonObject, options: RequestOptions = {}): Promise<JsonObject> {
    const { onResult, timeoutMs = REQUEST_MS } = options;
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      if (this.#end || !this.#write({ id, method, params })) {
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

  answer(id: number | string, result: JsonObject): boolean {
    return this.#write({ id, result });
  }

  stop(options?: StopOptions): Promise<void> {
    this.#isStopping = true;
    return this.process.stop(options);
  }

  #write(message: JsonObject): boolean {
    return this.process.write(`${JSON.stringify(message)}\n`);
  }

  #receive(message: JsonObject): void {
    const { id, method } = message;
    const params = object(message.params);
    const isId = typeof id === 'number' || typeof id === 'string';
    if (typeof method !== 'string') return void (isId && this.#settle(Number(id), message));
    if (!isId) return this.#options.notification(method, params);
    if (this.#options.request(id, method, params)) return;
    this.#write({ id, error: { code: UNKNOWN_METHOD, message: `this client does not support ${method}` } });
  }

  #settle(id: number, message: JsonObject): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    this.#clock.clearTimeout(waiting.timer);
    const isError = message.error !== undefined && message.error !== null;
    if (isError) {
      waiting.reject(new RefusedError(string(object(message.error).message) || 'Codex refused the request.'));
    } else waiting.resolve(object(message.result));
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

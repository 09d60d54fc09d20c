/**
 * One `codex app-server` process and its JSON-RPC: newline-delimited objects without a `jsonrpc` field, requests both ways.
 * Ids of the server's requests start at 0.
 */
import { type Clock, systemClock, type Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { jsonLines } from './jsonl.ts';
import { type Loose, object, string } from './loose.ts';
import {
  type CliProcess,
  type Environment,
  type ProcessEnd,
  type Program,
  spawnProcess,
  type StopOptions,
} from './process.ts';
import { runnable } from './runnable.ts';

export const CODEX: Program = { name: 'Codex', setting: 'CODEX_BIN', install: 'npm install -g @openai/codex' };

/** How long a request may stay without an answer, ms. Reading a long thread takes seconds. */
const REQUEST_MS = 60_000;
/** Method not found, JSON-RPC 2.0 section 5.1. */
const UNKNOWN_METHOD = -32601;

export interface AppServerOptions {
  bin: string;
  /** Folder that the process runs in; threads have their own. */
  cwd: string;
  env: Environment;
  log: Log;
  clock?: Clock;
  notification(method: string, params: Loose): void;
  /** false: this client does not know the request; it is refused. */
  request(id: number | string, method: string, params: Loose): boolean;
  exit(end: ProcessEnd): void;
}

interface Waiting {
  resolve(result: Loose): void;
  reject(error: Error): void;
  timer: Timer;
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
      garbage: (text) => log.debug('not JSON', { line: text.slice(0, 200) }),
      dropped: (bytes) => log.warn('a message of Codex was too long and was left out', { bytes }),
    });
    const { command, prefix } = runnable(options.bin);
    this.process = spawnProcess({
      program: CODEX,
      command,
      args: [...prefix, 'app-server'],
      cwd: options.cwd,
      env: options.env,
      clock: this.#clock,
      stdout: (chunk) => lines.push(chunk),
      stderr: (line) => log.debug(line),
      exit: (end) => this.#exited(end),
    });
    this.ready = this.#handshake();
    this.ready.catch(() => {}); // told to whoever awaits it
  }

  /** Not while it is being ended either: nothing new is begun on it. */
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

  /**
   * @param onResult is called before any later line of the server is looked at, which a promise cannot promise
   * @throws Error with the server's message, or a sentence why there is no answer
   */
  request(method: string, params: Loose, onResult: (result: Loose) => void = () => {}): Promise<Loose> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      if (this.#end || !this.#write({ id, method, params })) {
        return reject(new Error(this.#end?.text || 'Codex does not read what it is sent.'));
      }
      const timer = this.#clock.setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`Codex did not answer ${method} within ${REQUEST_MS / 1000} s.`));
      }, REQUEST_MS);
      this.#waiting.set(id, {
        resolve: (result) => {
          onResult(result);
          resolve(result);
        },
        reject,
        timer,
      });
    });
  }

  answer(id: number | string, result: Loose): boolean {
    return this.#write({ id, result });
  }

  stop(options?: StopOptions): Promise<void> {
    this.#isStopping = true;
    return this.process.stop(options);
  }

  #write(message: Loose): boolean {
    return this.process.write(`${JSON.stringify(message)}\n`);
  }

  #receive(message: Loose): void {
    const { id, method } = message;
    const params = object(message.params);
    const isId = typeof id === 'number' || typeof id === 'string';
    if (typeof method !== 'string') return void (isId && this.#settle(Number(id), message));
    if (!isId) return this.#options.notification(method, params);
    if (this.#options.request(id, method, params)) return;
    this.#write({ id, error: { code: UNKNOWN_METHOD, message: `this client does not support ${method}` } });
  }

  #settle(id: number, message: Loose): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    this.#clock.clearTimeout(waiting.timer);
    const isError = message.error !== undefined && message.error !== null;
    if (isError) waiting.reject(new Error(string(object(message.error).message) || 'Codex refused the request.'));
    else waiting.resolve(object(message.result));
  }

  #exited(end: ProcessEnd): void {
    this.#end = end;
    for (const waiting of this.#waiting.values()) {
      this.#clock.clearTimeout(waiting.timer);
      waiting.reject(new Error(end.text || 'Codex was ended.'));
    }
    this.#waiting.clear();
    this.#options.exit(end);
  }
}

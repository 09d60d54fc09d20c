/**
 * One connection to Codex's daemon: WebSocket over its socket, one JSON message a frame, the app-server's protocol in them. The
 * daemon serves other clients beside it; what is for them is left to them.
 */
import { connect } from 'node:net';
import { type Clock, systemClock, type Timer } from '../../../core/clock.ts';
import { type Connection, dial, type Message } from '../../../core/websocket/mod.ts';
import { parseObject } from '../../process/jsonl.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';
import { NoEffectError, RefusedError, type RequestOptions } from './server.ts';

/** A turn with all that its commands printed. */
const MAX_MESSAGE = 64 * 1024 * 1024;
const MAX_FRAGMENTS = 4096;
/** Requests whose answer is waited for. */
const MAX_WAITING = 200;
const CONNECT_MS = 5_000;
const REQUEST_MS = 60_000;
const CLOSE_MS = 500;
const GONE = 'The Codex daemon has ended.';

export interface DaemonLinkOptions {
  socket: string;
  clock?: Clock;
  notification(method: string, params: JsonObject): void;
  /** Another client may answer it as well: one that is not understood here is left to it. */
  request(id: number | string, method: string, params: JsonObject): void;
  /** Called once, when a link that was not closed here is lost. */
  lost(text: string): void;
}

interface Waiting {
  resolve(result: JsonObject): void;
  reject(error: Error): void;
  timer: Timer | null;
}

export class DaemonLink {
  /** Resolves after the handshake with the version of Codex; rejects with a sentence. */
  readonly ready: Promise<string>;
  readonly #options: DaemonLinkOptions;
  readonly #clock: Clock;
  readonly #connecting = new AbortController();
  #connection: Connection | null = null;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  /** Why nothing is sent any more. */
  #end = '';

  constructor(options: DaemonLinkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.ready = this.#open();
    this.ready.catch(() => {}); // whoever awaits it gets the error
  }

  get isOpen(): boolean {
    return this.#end === '';
  }

  async #open(): Promise<string> {
    const { socket } = this.#options;
    const connection = await dial('ws://localhost/', {
      stream: connect(socket),
      timeoutMs: CONNECT_MS,
      limits: { message: MAX_MESSAGE, fragments: MAX_FRAGMENTS, closeHandshakeMs: CLOSE_MS },
      clock: this.#clock,
      signal: this.#connecting.signal,
    }).catch((error: Error) => Promise.reject(new Error(`The Codex daemon does not answer: ${error.message}`)));
    this.#connection = connection;
    connection.onmessage = (data) => this.#receive(data);
    connection.onclose = () => this.#onClose();
    const { userAgent } = await this.request('initialize', {
      clientInfo: { name: 'agent_monitor', title: 'Agent Monitor', version: '1' },
      capabilities: { experimentalApi: true, requestAttestation: false },
    });
    this.#write({ method: 'initialized' });
    return /\/(\d+\.\d+\.\d+[^\s]*)/.exec(string(userAgent))?.[1] ?? '';
  }

  /** As AppServer.request: rejects with NoEffectError when nothing was done, else with an Error that says why there is no answer. */
  request(method: string, params: JsonObject, options: RequestOptions = {}): Promise<JsonObject> {
    const { onResult, timeoutMs = REQUEST_MS } = options;
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      if (this.#waiting.size >= MAX_WAITING || !this.#write({ id, method, params })) {
        return reject(new NoEffectError(this.#end || 'The Codex daemon does not read what it is sent.'));
      }
      const timer = timeoutMs === null ? null : this.#clock.setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`Codex did not answer ${method} within ${timeoutMs / 1000} s.`));
      }, timeoutMs);
      const settled = (result: JsonObject) => {
        onResult?.(result);
        resolve(result);
      };
      this.#waiting.set(id, { resolve: settled, reject, timer });
    });
  }

  /** @returns false when nobody gets it any more */
  answer(id: number | string, result: JsonObject): boolean {
    return this.#write({ id, result });
  }

  /** Leaves the daemon to its other clients. */
  close(): void {
    if (this.#end) return;
    this.#settleAll('The connection to the Codex daemon was closed.');
    this.#connecting.abort();
    this.#connection?.close();
  }

  #write(message: JsonObject): boolean {
    if (this.#end || !this.#connection) return false;
    this.#connection.send(JSON.stringify(message));
    return this.#connection.state === 'open';
  }

  #receive(data: Message): void {
    const message = typeof data === 'string' ? parseObject(data) : null;
    if (!message || this.#end) return;
    const { id, method } = message;
    const isId = typeof id === 'number' || typeof id === 'string';
    if (typeof method !== 'string') return void (isId && this.#settle(Number(id), message));
    const params = object(message.params);
    if (isId) this.#options.request(id, method, params);
    else this.#options.notification(method, params);
  }

  #settle(id: number, message: JsonObject): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    this.#clock.clearTimeout(waiting.timer);
    if (message.error === undefined || message.error === null) return waiting.resolve(object(message.result));
    waiting.reject(new RefusedError(string(object(message.error).message) || 'Codex refused the request.'));
  }

  #onClose(): void {
    if (this.#end) return;
    this.#settleAll(GONE);
    this.#options.lost(GONE);
  }

  #settleAll(text: string): void {
    this.#end = text;
    for (const { timer, reject } of this.#waiting.values()) {
      this.#clock.clearTimeout(timer);
      reject(new Error(text));
    }
    this.#waiting.clear();
  }
}

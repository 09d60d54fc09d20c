/** JSON-RPC 2.0 in both directions over lines of JSON (https://www.jsonrpc.org/specification). Knows no method. */
import type { Clock, Timer } from '../../../core/clock.ts';
import { type JsonObject, object, string } from '../untyped-json.ts';

/** Requests of ours that wait for an answer. */
export const MAX_PENDING = 1000;

export type RpcId = string | number;

/** The other side refused, or will never answer. `code` is its number, null when there is no answer. */
export class RpcError extends Error {
  readonly code: number | null;
  readonly data: JsonObject;
  constructor(message: string, code: number | null, data: JsonObject = {}) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface JsonRpcOptions {
  /** Writes one message. false: the other side does not read any more. */
  write(message: JsonObject): boolean;
  /** Answer it with respond() or refuse(), once. */
  onRequest(id: RpcId, method: string, params: JsonObject): void;
  onNotification(method: string, params: JsonObject): void;
  clock: Clock;
}

interface Pending {
  resolve(result: JsonObject): void;
  reject(error: RpcError): void;
  timer: Timer | null;
}

export class JsonRpc {
  readonly #options: JsonRpcOptions;
  readonly #pending = new Map<RpcId, Pending>();
  #lastId = 0;
  #closed: RpcError | null = null;

  constructor(options: JsonRpcOptions) {
    this.#options = options;
  }

  /** @param timeoutMs how long an answer is waited for; null: as long as the other side lives */
  request(method: string, params: JsonObject, timeoutMs: number | null = null): Promise<JsonObject> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(new RpcError('Too many requests wait.', null));
    const id = ++this.#lastId;
    const answer = new Promise<JsonObject>((resolve, reject) => {
      const late = () => this.#take(id)?.reject(new RpcError(`There was no answer to ${method}.`, null));
      const timer = timeoutMs === null ? null : this.#options.clock.setTimeout(late, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer });
    });
    if (!this.#options.write({ jsonrpc: '2.0', id, method, params })) {
      this.#take(id)?.reject(new RpcError('It does not take messages at the moment.', null));
    }
    return answer;
  }

  notify(method: string, params: JsonObject): void {
    if (!this.#closed) this.#options.write({ jsonrpc: '2.0', method, params });
  }

  /** @returns false when the other side does not read any more */
  respond(id: RpcId, result: JsonObject): boolean {
    return this.#closed === null && this.#options.write({ jsonrpc: '2.0', id, result });
  }

  refuse(id: RpcId, code: number, message: string): void {
    if (!this.#closed) this.#options.write({ jsonrpc: '2.0', id, error: { code, message } });
  }

  /** Takes in one message. An answer that nobody waits for (twice, late, made up) changes nothing. */
  receive(message: JsonObject): void {
    const id = typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null;
    if (typeof message.method === 'string') {
      if (id !== null) this.#options.onRequest(id, message.method, object(message.params));
      else this.#options.onNotification(message.method, object(message.params));
      return;
    }
    const pending = id === null ? undefined : this.#take(id);
    if (!pending) return;
    if (message.error === undefined) return pending.resolve(object(message.result));
    const { code, message: text, data } = object(message.error);
    pending.reject(new RpcError(string(text) || 'It refused.', typeof code === 'number' ? code : null, object(data)));
  }

  /** Nothing is answered any more: all that waits is rejected. */
  close(reason: string): void {
    this.#closed ??= new RpcError(reason, null);
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(this.#closed);
  }

  #take(id: RpcId): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#options.clock.clearTimeout(pending?.timer ?? null);
    return pending;
  }
}

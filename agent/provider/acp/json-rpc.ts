/** JSON-RPC 2.0 in both directions over lines of JSON (https://www.jsonrpc.org/specification). Knows no method. */
import { createHash, randomInt } from 'node:crypto';
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

/**
 * Ids of requests, each range apart, so that one of a server is never that of a later one: of those that open a session by what they ask, of
 * others by chance, of prompts by the message. All below 2³¹: some read them as 32-bit integers.
 */
const OTHER_ID = 0x10000000;
const PROMPT_ID = 0x40000000;

const hash = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE(0);

/** The id of the prompt with this message. */
export const promptId = (messageId: string): number => (PROMPT_ID | hash(messageId) & (PROMPT_ID - 1)) >>> 0;
export const isPromptId = (id: RpcId): boolean => typeof id === 'number' && id >= PROMPT_ID;

/** How a request is made that a later server may send again. */
export interface NamedRequest {
  id: number;
  /** Of the holder: it is written once. */
  key: string;
}

export interface JsonRpcOptions {
  /** Writes one message; once, if there is a key. false: the other side does not read any more. */
  write(message: JsonObject, key?: string): boolean;
  /** The other side outlives this server. */
  isHeld?: boolean;
  /** An answer to a request that this server has not sent. */
  onUnclaimed?(id: RpcId, answer: JsonObject | RpcError): void;
  /** Answer it with respond() or refuse(), once. */
  onRequest(id: RpcId, method: string, params: JsonObject): void;
  onNotification(method: string, params: JsonObject): void;
  clock: Clock;
}

interface Pending {
  settled?: (answer: JsonObject | RpcError) => void;
  resolve(result: JsonObject): void;
  reject(error: RpcError): void;
  timer: Timer | null;
}

export class JsonRpc {
  readonly #options: JsonRpcOptions;
  readonly #pending = new Map<RpcId, Pending>();
  #lastId: number;
  /** A session is being opened: a later server asks the same in the same order. */
  isOpening = false;
  #opening = 0;
  #closed: RpcError | null = null;

  constructor(options: JsonRpcOptions) {
    this.#options = options;
    this.#lastId = options.isHeld ? OTHER_ID + randomInt(OTHER_ID) : 0;
  }

  /**
   * @param timeoutMs how long an answer is waited for; null: as long as the other side lives
   * @param settled called with the answer before any later message is received, which a promise cannot guarantee
   */
  request(
    method: string,
    params: JsonObject,
    timeoutMs: number | null = null,
    { named = this.#name(method, params), settled }: {
      named?: NamedRequest | null;
      settled?: (answer: JsonObject | RpcError) => void;
    } = {},
  ): Promise<JsonObject> {
    if (this.#closed) return Promise.reject(this.#closed);
    if (this.#pending.size >= MAX_PENDING) return Promise.reject(new RpcError('Too many requests wait.', null));
    const id = named?.id ?? ++this.#lastId;
    const answer = new Promise<JsonObject>((resolve, reject) => {
      const late = () => this.#take(id)?.reject(new RpcError(`There was no answer to ${method}.`, null));
      const timer = timeoutMs === null ? null : this.#options.clock.setTimeout(late, timeoutMs);
      this.#pending.set(id, { resolve, reject, timer, ...(settled ? { settled } : {}) });
    });
    if (!this.#options.write({ jsonrpc: '2.0', id, method, params }, named?.key)) {
      this.#take(id)?.reject(new RpcError('It does not take messages at the moment.', null));
    }
    return answer;
  }

  #name(method: string, params: JsonObject): NamedRequest | null {
    if (!this.#options.isHeld || !this.isOpening) return null;
    const id = 1 + hash(`${++this.#opening} ${method} ${JSON.stringify(params)}`) % (OTHER_ID - 1);
    return { id, key: `request ${id}` };
  }

  notify(method: string, params: JsonObject): void {
    if (!this.#closed) this.#options.write({ jsonrpc: '2.0', method, params });
  }

  /** @returns false when the other side does not read any more */
  respond(id: RpcId, result: JsonObject, key: string): boolean {
    return this.#closed === null && this.#options.write({ jsonrpc: '2.0', id, result }, key);
  }

  refuse(id: RpcId, code: number, message: string, key: string): void {
    if (!this.#closed) this.#options.write({ jsonrpc: '2.0', id, error: { code, message } }, key);
  }

  /** Takes in one message. An answer that nobody waits for (twice, late, made up) changes nothing. */
  receive(message: JsonObject): void {
    const id = typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null;
    if (typeof message.method === 'string') {
      if (id !== null) this.#options.onRequest(id, message.method, object(message.params));
      else this.#options.onNotification(message.method, object(message.params));
      return;
    }
    if (id === null) return;
    const { code, message: text, data } = object(message.error);
    const answer = message.error === undefined
      ? object(message.result)
      : new RpcError(string(text) || 'It refused.', typeof code === 'number' ? code : null, object(data));
    const pending = this.#take(id);
    if (!pending) return this.#options.onUnclaimed?.(id, answer);
    pending.settled?.(answer);
    if (answer instanceof RpcError) pending.reject(answer);
    else pending.resolve(answer);
  }

  /** Nothing is answered any more: all that waits is rejected. */
  close(reason: string): void {
    this.#closed ??= new RpcError(reason, null);
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(this.#closed);
  }

  /** Waits for nothing any more, and says nothing to those who do. */
  forget(): void {
    for (const id of [...this.#pending.keys()]) this.#take(id);
  }

  #take(id: RpcId): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#options.clock.clearTimeout(pending?.timer ?? null);
    return pending;
  }
}

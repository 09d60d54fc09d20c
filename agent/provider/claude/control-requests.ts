/** Requests of this host to Claude Code, and who waits for the answer to each. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../untyped-json.ts';

export class ControlRequests {
  readonly #write: (line: JsonObject, key: string) => boolean;
  readonly #waiting = new Map<string, (response: JsonObject) => void>();
  #counter = 0;
  /** A later server must not repeat ids whose answers may still come. */
  readonly #prefix = `req_${randomUUID().slice(0, 8)}_`;

  constructor(write: (line: JsonObject, key: string) => boolean) {
    this.#write = write;
  }

  /** @param id of the request, where it may be sent again by a later server */
  send(request: JsonObject, done: (response: JsonObject) => void = () => {}, id = ''): void {
    const name = id || `${this.#prefix}${++this.#counter}`;
    this.#waiting.set(name, done);
    this.#write({ type: 'control_request', request_id: name, request }, id);
  }

  /** @returns false when nobody here waits for it */
  answered(id: string, response: JsonObject): boolean {
    const done = this.#waiting.get(id);
    this.#waiting.delete(id);
    done?.(response);
    return done !== undefined;
  }

  /** No answer comes any more. */
  clear(): void {
    this.#waiting.clear();
  }
}

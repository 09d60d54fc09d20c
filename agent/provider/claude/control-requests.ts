/** Requests of this host to Claude Code, and who waits for the answer to each. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../core/clock.ts';
import type { JsonObject } from '../untyped-json.ts';

/** How long an answer may take that is waited for, ms. */
const ANSWER_MS = 60_000;

export class ControlRequests {
  readonly #write: (line: JsonObject, key: string) => boolean;
  readonly #clock: () => Clock;
  readonly #waiting = new Map<string, (response: JsonObject) => void>();
  /** Those of ask(), which are rejected when no answer comes any more. */
  readonly #asked = new Set<(reason: string) => void>();
  #counter = 0;
  /** A later server must not repeat ids whose answers may still come. */
  readonly #prefix = `req_${randomUUID().slice(0, 8)}_`;

  constructor(write: (line: JsonObject, key: string) => boolean, clock: () => Clock) {
    this.#write = write;
    this.#clock = clock;
  }

  /** @param id of the request, where it may be sent again by a later server */
  send(request: JsonObject, done: (response: JsonObject) => void = () => {}, id = ''): void {
    const name = id || `${this.#prefix}${++this.#counter}`;
    this.#waiting.set(name, done);
    this.#write({ type: 'control_request', request_id: name, request }, id);
  }

  /**
   * Rejects with a sentence when Claude Code ends, or does not answer in time.
   * @param isUnlimited it is waited for as long as Claude Code lives: what it does must not go on unseen
   */
  ask(request: JsonObject, isUnlimited = false): Promise<JsonObject> {
    return new Promise((resolve, reject) => {
      const clock = this.#clock();
      const give = (reason: string) => {
        clock.clearTimeout(timer);
        this.#asked.delete(give);
        reject(new Error(reason));
      };
      const timer = isUnlimited ? null : clock.setTimeout(() => give('Claude Code does not answer.'), ANSWER_MS);
      this.#asked.add(give);
      this.send(request, (response) => {
        clock.clearTimeout(timer);
        this.#asked.delete(give);
        resolve(response);
      });
    });
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
    for (const give of [...this.#asked]) give('Claude Code has ended.');
  }
}

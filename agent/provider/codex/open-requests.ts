/** The requests of one session that wait for a decision, or for Codex to confirm one. */
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { FileChange } from './diff.ts';
import { type OpenRequest, openRequest } from './requests.ts';
import type { AppConnection } from './app-connection.ts';
import { type JsonObject, string } from '../untyped-json.ts';
import type { ProviderEvent, ProviderRequest } from '../provider.ts';

interface OpenServerRequest extends OpenRequest {
  asked: AskedRequest;
  isDecided: boolean;
}

/** As JSON: what a request was made of. */
interface AskedRequest {
  serverId: number | string;
  method: string;
  params: JsonObject;
  changes: FileChange[];
}
export type RequestSnapshot = AskedRequest & { isDecided: boolean };

export class OpenRequests {
  readonly #server: AppConnection;
  readonly #emit: (event: ProviderEvent) => void;
  /** The server's ids start again at 0 with each process; the prefix is new with each of them. */
  readonly #prefix: string;
  /** What an earlier server has made of a request is not known: its answer is sent again, and the holder knows it. */
  isReplay = false;
  readonly #requests = new Map<string, OpenServerRequest>();

  constructor(server: AppConnection, emit: (event: ProviderEvent) => void, prefix: string) {
    this.#server = server;
    this.#emit = emit;
    this.#prefix = prefix;
  }

  /**
   * @param changesOf see openRequest()
   * @returns false when this kind of request is not known
   */
  open(
    serverId: number | string,
    method: string,
    params: JsonObject,
    changesOf: (itemId: string) => FileChange[],
  ): boolean {
    const request = this.#add({ serverId, method, params, changes: changesOf(string(params.itemId)) }, false);
    if (request) this.#emit({ type: 'request', request });
    return request !== null;
  }

  #add(asked: AskedRequest, isDecided: boolean): ProviderRequest | null {
    const requestId = `${this.#prefix}-${asked.serverId}`;
    const open = openRequest(requestId, asked.method, asked.params, () => asked.changes);
    if (open) this.#requests.set(requestId, { ...open, asked, isDecided });
    return open?.request ?? null;
  }

  snapshot(): RequestSnapshot[] {
    return [...this.#requests.values()].map(({ asked, isDecided }) => ({ ...asked, isDecided }));
  }

  restore(requests: readonly RequestSnapshot[]): void {
    for (const { isDecided, ...asked } of requests) this.#add(asked, isDecided);
  }

  /** Sends the answer. @returns false when Codex has no such open request (any more) */
  decide(requestId: string, decision: DecisionBody): boolean {
    const open = this.#requests.get(requestId);
    if (!open || (open.isDecided && !this.#server.held)) return false;
    if (!this.#server.answer(open.asked.serverId, open.answer(decision), `decision ${requestId}`)) return false;
    open.isDecided = true;
    return true;
  }

  /** Codex closes a request: it has the answer, or needs none any more. */
  resolved(serverId: unknown): void {
    for (const [requestId, open] of this.#requests) {
      if (open.asked.serverId !== serverId) continue;
      this.#requests.delete(requestId);
      const isAnswered = open.isDecided || this.isReplay;
      this.#emit({ type: isAnswered ? 'request.resolved' : 'request.cancelled', requestId });
    }
  }

  /** The session has ended: nothing waits any more. */
  close(): void {
    for (const requestId of this.#requests.keys()) this.#emit({ type: 'request.cancelled', requestId });
    this.#requests.clear();
  }
}

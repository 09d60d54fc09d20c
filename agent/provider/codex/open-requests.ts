/** The requests of one session that wait for a decision, or for Codex to confirm one. */
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { FileChange } from './diff.ts';
import { type OpenRequest, openRequest } from './requests.ts';
import type { AppConnection } from './app-connection.ts';
import type { JsonObject } from '../untyped-json.ts';
import type { ProviderEvent } from '../provider.ts';

interface OpenServerRequest extends OpenRequest {
  serverId: number | string;
  isDecided: boolean;
}

export class OpenRequests {
  readonly #server: AppConnection;
  readonly #emit: (event: ProviderEvent) => void;
  /** The server's ids start again at 0 with each process; the prefix is new with each session. */
  readonly #prefix: string;
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
    const requestId = `${this.#prefix}-${serverId}`;
    const open = openRequest(requestId, method, params, changesOf);
    if (!open) return false;
    this.#requests.set(requestId, { ...open, serverId, isDecided: false });
    this.#emit({ type: 'request', request: open.request });
    return true;
  }

  /** Sends the answer. @returns false when Codex has no such open request (any more) */
  decide(requestId: string, decision: DecisionBody): boolean {
    const open = this.#requests.get(requestId);
    if (!open || open.isDecided) return false;
    if (!this.#server.answer(open.serverId, open.answer(decision))) return false;
    open.isDecided = true;
    return true;
  }

  /** Codex closes a request: it has the answer, or needs none any more. */
  resolved(serverId: unknown): void {
    for (const [requestId, open] of this.#requests) {
      if (open.serverId !== serverId) continue;
      this.#requests.delete(requestId);
      this.#emit({ type: open.isDecided ? 'request.resolved' : 'request.cancelled', requestId });
    }
  }

  /** The session has ended: nothing waits any more. */
  close(): void {
    for (const requestId of this.#requests.keys()) this.#emit({ type: 'request.cancelled', requestId });
    this.#requests.clear();
  }
}

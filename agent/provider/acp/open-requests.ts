/** The requests of an ACP agent that wait for a person: each is answered once, by a decision or by being withdrawn. */
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { ProviderEvent } from '../provider.ts';
import type { JsonRpc, RpcId } from './json-rpc.ts';
import type { OpenRequest } from './requests.ts';

/** More than a person can answer. */
export const MAX_OPEN_REQUEST = 100;

export class OpenRequests {
  readonly #rpc: JsonRpc;
  readonly #emit: (event: ProviderEvent) => void;
  readonly #open = new Map<string, { open: OpenRequest; id: RpcId }>();
  /** Requests whose answer was written; the agent's next words show that it has it. */
  readonly #answered = new Set<string>();

  constructor(rpc: JsonRpc, emit: (event: ProviderEvent) => void) {
    this.#rpc = rpc;
    this.#emit = emit;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN_REQUEST;
  }

  /** @param toolId of the reader, not the agent's own */
  add(open: OpenRequest, id: RpcId, toolId: string | null): void {
    const { request } = open;
    this.#open.set(request.requestId, { open, id });
    this.#emit({ type: 'request', request: { ...request, toolId } });
  }

  /** @returns false when there is no such request (any more), or the agent does not read */
  decide(requestId: string, decision: DecisionBody): boolean {
    const found = this.#open.get(requestId);
    if (!found || !this.#rpc.respond(found.id, found.open.answer(decision))) return false;
    this.#open.delete(requestId);
    this.#answered.add(requestId);
    return true;
  }

  /** The agent has spoken since it was answered. */
  settleAnswered(): void {
    for (const requestId of this.#answered) this.#emit({ type: 'request.resolved', requestId });
    this.#answered.clear();
  }

  /** Answers all as cancelled: some agents end a turn only then. */
  withdrawAll(): void {
    for (const [requestId, { open, id }] of this.#open) {
      this.#rpc.respond(id, open.cancelled);
      this.#emit({ type: 'request.cancelled', requestId });
    }
    this.#open.clear();
  }

  /** The agent itself wants no answer any more (`$/cancel_request`): it gets the one of a cancelled request. */
  withdraw(rpcId: unknown): void {
    for (const [requestId, { open, id }] of this.#open) {
      if (id !== rpcId) continue;
      this.#open.delete(requestId);
      this.#rpc.respond(id, open.cancelled);
      this.#emit({ type: 'request.cancelled', requestId });
    }
  }

  /** The agent has ended. */
  close(): void {
    for (const requestId of [...this.#open.keys(), ...this.#answered]) {
      this.#emit({ type: 'request.cancelled', requestId });
    }
    this.#open.clear();
    this.#answered.clear();
  }
}

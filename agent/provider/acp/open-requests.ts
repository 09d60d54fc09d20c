/** The requests of an ACP agent that wait for a person: each is answered once, by a decision or by being withdrawn. */
import type { DecisionBody } from '../../../core/api/messages.ts';
import type { ProviderEvent } from '../provider.ts';
import type { JsonRpc, RpcId } from './json-rpc.ts';
import type { JsonObject } from '../untyped-json.ts';
import { readForm } from './forms.ts';
import { type OpenRequest, readPermission } from './requests.ts';
import type { ToolCall } from './tools.ts';

/** More than a person can answer. */
export const MAX_OPEN_REQUEST = 100;

/** As JSON: what a request was made of. */
export interface AskedRequest {
  requestId: string;
  rpcId: RpcId;
  kind: 'permission' | 'form';
  params: JsonObject;
  /** The tool call that a permission is about. */
  call: ToolCall;
  /** Of the reader. */
  toolId: string | null;
}

/** null: it cannot be shown. */
export const readAsked = ({ kind, requestId, params, call }: Omit<AskedRequest, 'rpcId' | 'toolId'>) =>
  kind === 'form' ? readForm(requestId, params) : readPermission(requestId, params, call);

/** Of the holder: a request is answered once, whoever answers. */
export const answerKey = (requestId: string): string => `decision ${requestId}`;

export interface RequestsSnapshot {
  open: AskedRequest[];
  answered: string[];
}

export class OpenRequests {
  readonly #rpc: JsonRpc;
  readonly #emit: (event: ProviderEvent) => void;
  readonly #open = new Map<string, { open: OpenRequest; asked: AskedRequest }>();
  /** Requests whose answer was written; the agent's next words show that it has it. */
  readonly #answered = new Set<string>();
  /** Those that an earlier server has answered. */
  readonly #answeredBefore = new Set<string>();
  /** What an earlier server has made of a request is not known: its answer is sent again, and the holder knows it. */
  isReplay = false;

  constructor(rpc: JsonRpc, emit: (event: ProviderEvent) => void) {
    this.#rpc = rpc;
    this.#emit = emit;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN_REQUEST;
  }

  add(open: OpenRequest, asked: AskedRequest): void {
    const { request } = open;
    this.#open.set(request.requestId, { open, asked });
    this.#emit({ type: 'request', request: { ...request, toolId: asked.toolId } });
  }

  snapshot(): RequestsSnapshot {
    return { open: [...this.#open.values()].map(({ asked }) => asked), answered: [...this.#answered] };
  }

  restore({ open, answered }: RequestsSnapshot): void {
    for (const asked of open) {
      const request = readAsked(asked);
      if (request) this.#open.set(asked.requestId, { open: request, asked });
    }
    for (const requestId of answered) {
      this.#answered.add(requestId);
      this.#answeredBefore.add(requestId);
    }
  }

  /** @returns false when there is no such request (any more), or the agent does not read */
  decide(requestId: string, decision: DecisionBody): boolean {
    const found = this.#open.get(requestId);
    if (!found) return this.#answeredBefore.has(requestId);
    if (!this.#rpc.respond(found.asked.rpcId, found.open.answer(decision), answerKey(requestId))) return false;
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
    for (const requestId of [...this.#open.keys()]) this.#cancel(requestId);
  }

  #cancel(requestId: string): void {
    const { open, asked } = this.#open.get(requestId)!;
    this.#open.delete(requestId);
    this.#rpc.respond(asked.rpcId, open.cancelled, answerKey(requestId));
    this.#emit({ type: this.isReplay ? 'request.resolved' : 'request.cancelled', requestId });
  }

  /** The agent itself wants no answer any more (`$/cancel_request`): it gets the one of a cancelled request. */
  withdraw(rpcId: unknown): void {
    for (const [requestId, { asked }] of [...this.#open]) if (asked.rpcId === rpcId) this.#cancel(requestId);
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

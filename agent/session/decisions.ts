/**
 * Decisions on the CLI's requests: the first one wins, and it is on disk before it is answered and before the CLI gets it.
 * Answers to secret questions go to the CLI alone: nothing here keeps, publishes or returns them.
 */
import { Failure } from '../../core/api/errors.ts';
import type { DecisionBody, DecisionRecord, RequestMessage } from '../../core/api/messages.ts';
import { notSaved } from '../store/document.ts';
import type { MessageLog } from './message-log.ts';
import { checkDecision, DecidedError, settledError, withoutSecrets } from './requests.ts';

export interface DecisionsOptions {
  log(): MessageLog;
  now(): number;
  /** Gives the decision to the CLI. @returns false when it has no such request (any more) */
  deliver(requestId: string, decision: DecisionRecord): boolean;
  /** A request may have stopped being pending. */
  onChange(): void;
}

export class Decisions {
  readonly #options: DecisionsOptions;
  readonly #deciding = new Map<string, Promise<unknown>>();

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  /** Throws Failure when the request is gone, decided otherwise, or the decision is not among its choices. */
  async decide(requestId: string, body: DecisionBody, by: string) {
    // Of several at once the others wait for the first, then for the next: its save may fail.
    while (this.#deciding.has(requestId)) await this.#deciding.get(requestId);
    const message = this.#request(requestId);
    if (message.status !== 'pending') return { decision: sameDecision(message, body), duplicate: true };
    checkDecision(message, body);
    const decision: DecisionRecord = { ...body, by, at: this.#options.now() };
    const retained = withoutSecrets(message, decision);
    const deciding = this.#decide(message, decision, retained);
    this.#deciding.set(requestId, deciding.catch(() => {}));
    try {
      await deciding;
    } finally {
      this.#deciding.delete(requestId);
    }
    return { decision: retained, duplicate: false };
  }

  /**
   * Gives the decisions that the CLI has not confirmed to it once more, for it goes on under a later server: one that it has already,
   * its holder does not give it again. An answer that is kept nowhere has to be given anew.
   */
  repeat(): void {
    for (const message of this.#options.log().open()) {
      if (message.kind !== 'request' || message.status !== 'decided' || !message.decision) continue;
      const hasSecrets = message.decision.answers !== undefined && message.questions.some(({ secret }) => secret);
      if (hasSecrets) this.#options.log().patch(message.id, { status: 'pending', decision: null });
      else this.#options.deliver(message.id, message.decision);
    }
    this.#options.onChange();
  }

  #request(id: string): RequestMessage {
    const message = this.#options.log().get(id);
    if (message?.kind === 'request') return message;
    if (this.#options.log().wasRemoved(id)) {
      throw new Failure('request_gone', 'This request is too old to be retained.');
    }
    throw new Failure('not_found', 'There is no such request.');
  }

  async #decide({ id }: RequestMessage, decision: DecisionRecord, retained: DecisionRecord): Promise<void> {
    const { log, deliver } = this.#options;
    log().patch(id, { status: 'decided', decision: retained });
    const error = await log().commit().then(() => null, notSaved);
    // The CLI may have withdrawn the request meanwhile: then it asks no more, whether the decision was saved or not.
    if (this.#request(id).status !== 'decided') return this.#notTaken(id);
    if (error) {
      log().patch(id, { status: 'pending', decision: null });
      throw error;
    }
    if (!deliver(id, decision)) return this.#notTaken(id);
    this.#options.onChange();
  }

  /** The CLI never got the decision. Throws Failure `request_gone`. */
  #notTaken(id: string): never {
    const isExpired = this.#request(id).status === 'expired';
    this.#options.log().patch(id, { status: isExpired ? 'expired' : 'cancelled', decision: null });
    this.#options.onChange();
    throw settledError(this.#request(id));
  }
}

/** The decision that stands, when the same client made it. Throws the reason why the request takes no other. */
function sameDecision(message: RequestMessage, body: DecisionBody): DecisionRecord {
  const error = settledError(message);
  if (error instanceof DecidedError && error.decision.clientId === body.clientId) return error.decision;
  throw error;
}

/** Rules about decisions: which one fits a request, and what to say when it comes too late. */
import { HttpError } from '../../core/http/reply.ts';
import type { DecisionBody, DecisionRecord, RequestMessage } from '../../core/wire/types.ts';

/** Throws HttpError 400 when the decision is none that this request offers. */
export function checkDecision(message: RequestMessage, body: DecisionBody): void {
  if (body.decision === 'answer' && message.request === 'question') {
    if (Object.values(body.answers ?? {}).some((given) => given.length)) return;
    throw new HttpError(400, 'bad_request', 'Answer at least one question.');
  }
  if (message.choices.some((choice) => choice.id === body.decision)) return;
  const offered = message.choices.map((choice) => choice.id).join(', ');
  throw new HttpError(400, 'bad_request', `"decision" must be one of ${offered}.`);
}

/** 409 carries the decision that won. */
export class DecidedError extends HttpError {
  readonly decision: DecisionRecord;
  constructor(decision: DecisionRecord) {
    super(409, 'already_decided', `Already ${outcome(decision)} by ${decision.by}.`);
    this.decision = decision;
  }
}

const outcome = ({ decision }: DecisionRecord): string =>
  decision === 'deny' ? 'denied' : decision === 'answer' ? 'answered' : 'allowed';

/** Why a request that is not pending takes no decision. */
export function settledError(message: RequestMessage): HttpError {
  if (message.decision && (message.status === 'decided' || message.status === 'answered')) {
    return new DecidedError(message.decision);
  }
  const why = message.status === 'expired'
    ? 'The session ended before this was decided.'
    : 'The agent no longer asks for this: it was interrupted or has gone on.';
  return new HttpError(410, 'request_gone', why);
}

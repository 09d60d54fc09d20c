/** Rules for decisions: which one a request accepts, and the answer to one that comes too late. */
import { Failure } from '../../core/api/errors.ts';
import type { DecisionBody, DecisionRecord, RequestMessage } from '../../core/api/messages.ts';

const NOT_WHOLE = 'A part of this request is too large to be shown, so it cannot be allowed here: deny it, ' +
  'or stop the agent and go on with its session in a terminal.';

/** Throws Failure when the request does not offer this decision, or when it would allow what nobody can see. */
export function checkDecision(message: RequestMessage, body: DecisionBody): void {
  const choice = message.choices.find(({ id }) => id === body.decision);
  if (message.truncated && choice?.tone !== 'deny') throw new Failure('not_whole', NOT_WHOLE);
  if (body.decision === 'answer' && message.request === 'question') {
    if (Object.values(body.answers ?? {}).some((input) => input.length)) return;
    throw new Failure('bad_request', 'Answer at least one question.');
  }
  if (choice) return;
  const offered = message.choices.map((choice) => choice.id).join(', ');
  throw new Failure('bad_request', `"decision" must be one of ${offered}.`);
}

/** Stands in the place of each answer to a secret question. */
export const SECRET_ANSWER = '••••••';

/** @returns the decision as it may be kept and shown */
export function withoutSecrets<T extends DecisionBody>(
  { questions }: Pick<RequestMessage, 'questions'>,
  decision: T,
): T {
  const secret = new Set(questions.filter((question) => question.secret).map(({ id }) => id));
  if (!secret.size || !decision.answers) return decision;
  const answers = Object.entries(decision.answers).map(([id, values]) => [id, hidden(secret.has(id), values)] as const);
  return { ...decision, answers: Object.fromEntries(answers) };
}

const hidden = (isSecret: boolean, values: string[]): string[] => isSecret ? values.map(() => SECRET_ANSWER) : values;

/** Another decision was first; the answer carries it. */
export class DecidedError extends Failure {
  readonly decision: DecisionRecord;
  constructor(decision: DecisionRecord) {
    super('already_decided', `Already ${outcome(decision)} by ${decision.by}.`, { params: { by: decision.by } });
    this.decision = decision;
  }
}

const outcome = ({ decision }: DecisionRecord): string =>
  decision === 'deny' ? 'denied' : decision === 'answer' ? 'answered' : 'allowed';

/** Why a request that is not pending accepts no decision. */
export function settledError(message: RequestMessage): Failure {
  if (message.decision && (message.status === 'decided' || message.status === 'answered')) {
    return new DecidedError(message.decision);
  }
  const why = message.status === 'expired'
    ? `The session ended before ${message.decision ? 'the agent acted on the decision' : 'this was decided'}.`
    : 'The agent no longer asks for this: it was interrupted or has gone on.';
  return new Failure('request_gone', why);
}

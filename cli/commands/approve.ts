/**
 * `agent-monitor approve`: shows the whole of what an agent asks for, and allows it when the person agrees. What is not known
 * whole is not allowed; a script must name the request that it allows.
 */
import { MODES } from '../../core/api/agents.ts';
import type { DecisionBody, Question, RequestMessage } from '../../core/api/messages.ts';
import { type Command, type CommandContext, hasFlag, listOption, textOption } from '../command.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { decide, subjectOf } from '../client/decide.ts';
import { note, printJsonLine, printLine } from '../client/output.ts';
import { columns, printableLine } from '../client/printable.ts';
import { ask } from '../client/prompt.ts';
import { isShownWhole, requestText } from '../client/request-text.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/** Characters of a request's id that a script must give: the beginning alone must not fit another one by chance. */
const MIN_NAMED = 8;

export const command: Command = {
  name: 'approve',
  summary: 'show what an agent asks for, and allow it',
  usage: `approve <agent> [request] [options]
  <agent>         its name, its id or the beginning of one
  [request]       the id of the request or its beginning; may be left out when only one is pending
  --show          only show it
  --yes           do not ask; the request must be named by at least ${MIN_NAMED} characters of its id
  --choice ID     one of the other ways to allow it that are shown, such as rule:0
  --answer TEXT   the answer to a question; once for each of several questions, in order
  --mode MODE     of a plan: the mode to go on with${serverUsage(16)}
  --json          {"agent", "request", "decision", "duplicate"}; with --show the request (cli/SPEC.md)`,
  options: {
    ...SERVER_OPTIONS,
    show: { type: 'boolean' },
    yes: { type: 'boolean', short: 'y' },
    choice: { type: 'string' },
    answer: { type: 'string', multiple: true },
    mode: { type: 'string' },
  },
  async run(context) {
    const subject = await subjectOf(connect(context), context.positionals);
    const { request } = subject;
    if (hasFlag(context, 'show')) return show(context, request);
    const decision = decisionOf(context, request);
    // Of a request that is settled nothing is allowed any more: the server says what became of it.
    if (request.status === 'pending') await agree(context, request, decision);
    return await decide(context, subject, decision);
  },
};

function show(context: CommandContext, request: RequestMessage): number {
  if (context.json) printJsonLine(context, request);
  else printLine(context, requestText(request));
  return EXIT.ok;
}

/** Shows it and asks. Throws CommandError when it cannot be allowed, or the person does not agree. */
async function agree(context: CommandContext, request: RequestMessage, decision: Decision): Promise<void> {
  const text = requestText(request);
  if (!context.json) printLine(context, text);
  if (decision.decision !== 'answer' && !isShownWhole(request)) {
    throw new CommandError(
      'Not allowed: a part of this request is not known here. Deny it, or decide in the program itself.',
    );
  }
  if (hasFlag(context, 'yes')) return refuseUnnamed(context);
  if (context.json || !context.stdin.isTTY || !context.stdout.isTTY) {
    throw new CommandError('Name the request and add --yes: nobody can be asked here.', EXIT.usage);
  }
  const label = decision.decision === 'answer'
    ? 'Send this answer'
    : `${choiceLabel(request, decision)} for "${request.tool}"`;
  const hidden = linesOutOfSight(text, context.stdout);
  if (hidden > 0) note(context, `The first ${hidden} lines are out of sight: scroll up and read them, too.`);
  const answer = await ask(context, `${printableLine(label)}? Type yes: `);
  if (answer.toLowerCase() !== 'yes') throw new CommandError('Not allowed. The request is still pending.');
}

/** Lines of a text that a terminal has scrolled away, with one for the question. */
function linesOutOfSight(text: string, { rows, columns: width }: CommandContext['stdout']): number {
  const drawn = text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(columns(line) / width)), 0);
  return Math.max(0, drawn + 2 - rows);
}

const choiceLabel = ({ choices }: RequestMessage, { decision }: Decision): string =>
  choices.find(({ id }) => id === decision)?.label ?? decision;

/** Without a name, what is allowed would be whatever is pending by now. */
function refuseUnnamed({ positionals }: CommandContext): void {
  if ((positionals[1]?.length ?? 0) >= MIN_NAMED) return;
  const text =
    `--yes needs the request named by at least ${MIN_NAMED} characters of its id: what is pending may have changed.`;
  throw new CommandError(text, EXIT.usage);
}

type Decision = Omit<DecisionBody, 'clientId'>;

function decisionOf(context: CommandContext, request: RequestMessage): Decision {
  const answers = listOption(context, 'answer');
  const mode = textOption(context, 'mode');
  if (request.request === 'question') {
    if (!answers.length) throw new CommandError(`${requestText(request)}\n\nAnswer with --answer TEXT.`, EXIT.usage);
    return { decision: 'answer', answers: answersOf(request.questions, answers) };
  }
  if (answers.length) throw new CommandError('The agent asks for no answer: leave --answer out.', EXIT.usage);
  const choice = textOption(context, 'choice') ?? 'allow';
  const found = request.choices.find(({ id }) => id === choice);
  if (!found || found.tone === 'deny') {
    const offered = request.choices.filter(({ tone }) => tone !== 'deny').map(({ id }) => id).join(', ');
    throw new CommandError(`--choice must be one of ${printableLine(offered)}.`, EXIT.usage);
  }
  return { decision: choice, ...(mode === undefined ? {} : { mode: modeOf(mode, request) }) };
}

function modeOf(text: string, { request }: RequestMessage): NonNullable<DecisionBody['mode']> {
  const mode = MODES.find((name) => name === text);
  if (mode && request === 'plan') return mode;
  throw new CommandError(`--mode is for plans: one of ${MODES.join(', ')}.`, EXIT.usage);
}

/** Of one question all answers; of several, one each in order. */
function answersOf(questions: readonly Question[], texts: readonly string[]): Record<string, string[]> {
  const [first] = questions;
  const isOne = questions.length === 1;
  if (!first || (isOne ? texts.length > 1 && !first.multiSelect : texts.length !== questions.length)) {
    throw new CommandError(`Give --answer once for each of the ${questions.length} questions, in order.`, EXIT.usage);
  }
  if (isOne) return { [first.id]: texts.map((text) => answerOf(first, text)) };
  return Object.fromEntries(questions.map((question, i) => [question.id, [answerOf(question, texts[i]!)]]));
}

function answerOf({ options, other, question }: Question, text: string): string {
  const option = options.find(({ label }) => label === text) ??
    options.find(({ label }) => label.toLowerCase() === text.toLowerCase());
  if (option) return option.label;
  if (other || !options.length) return text;
  const labels = options.map(({ label }) => label).join(', ');
  throw new CommandError(printableLine(`"${question}" takes one of: ${labels}.`), EXIT.usage);
}

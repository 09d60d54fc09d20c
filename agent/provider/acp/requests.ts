/** What an ACP agent asks its user with `session/request_permission`: each of the agent's own options, and questions. */
import type { Choice, DecisionBody, Question } from '../../../core/api/messages.ts';
import type { ProviderRequest } from '../provider.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';
import { type ToolCall, toolInput, toolName } from './tools.ts';

/** Options of one request, questions of one. */
const MAX_OPTION = 50;
const MAX_QUESTION = 20;

export interface OpenRequest {
  request: ProviderRequest;
  /** The answer on the wire. */
  answer(decision: DecisionBody): JsonObject;
  /** The answer when nobody decides any more. */
  cancelled: JsonObject;
}

const CANCELLED: JsonObject = { outcome: { outcome: 'cancelled' } };

interface Option {
  id: string;
  name: string;
  kind: string;
}

const isReject = ({ kind }: Option) => kind.startsWith('reject');

/** null: a request without options, or with more than are shown, cannot be answered but by cancelling it. */
export function readPermission(requestId: string, params: JsonObject, call: ToolCall): OpenRequest | null {
  const options = list(params.options).map(object)
    .map((entry) => ({ id: string(entry.optionId), name: string(entry.name), kind: string(entry.kind) }))
    .filter(({ id }) => id !== '');
  const isUnique = new Set(options.map(({ id }) => id)).size === options.length;
  if (!options.length || options.length > MAX_OPTION || !isUnique) return null;
  const questions = questionsOf(params, call);
  return questions.length ? asQuestion(requestId, options, call, questions) : asPermission(requestId, options, call);
}

function asPermission(requestId: string, options: Option[], call: ToolCall): OpenRequest {
  const choices = options.map((option): Choice & { option: string } => ({
    id: choiceId(option, options),
    label: option.name || option.id,
    detail: '',
    tone: isReject(option) ? 'deny' : option.kind === 'allow_once' ? 'allow' : 'rule',
    option: option.id,
  }));
  return {
    request: {
      requestId,
      request: 'permission',
      toolId: call.id || null,
      tool: isOnlyDiffs(call) ? 'Edit' : toolName(call),
      title: call.title,
      description: call.text,
      input: isOnlyDiffs(call) ? filesOf(call) : toolInput(call),
      diffs: call.diffs,
      choices: choices.map(({ option: _, ...choice }) => choice),
      questions: [],
      plan: '',
    },
    answer({ decision }) {
      const chosen = choices.find(({ id }) => id === decision);
      return chosen ? { outcome: { outcome: 'selected', optionId: chosen.option } } : CANCELLED;
    },
    cancelled: CANCELLED,
  };
}

/** Gemini tells a change of files only as its diffs: they stand for the input, and must be seen whole before it is allowed. */
const isOnlyDiffs = ({ input, diffs }: ToolCall) => input === null && diffs.length > 0;
const filesOf = ({ diffs, text }: ToolCall): JsonObject => ({
  files: diffs.map(({ path, kind }) => ({ path, kind })),
  ...(text ? { details: text } : {}),
});

/** The only option of its kind is the plain "allow" or "deny" of every page; where two share a kind each goes by its own id. */
function choiceId(option: { id: string; kind: string }, all: { kind: string }[]): string {
  const isOnly = all.filter(({ kind }) => kind === option.kind).length === 1;
  if (isOnly && option.kind === 'allow_once') return 'allow';
  if (isOnly && option.kind === 'reject_once') return 'deny';
  return `option:${option.id}`;
}

/**
 * Qwen asks a question as a permission request for its tool (0.24 names it in `_meta`, 0.15 does not): "Submit" and "Cancel" are
 * the options, and the answers stand beside the outcome, by the number of the question.
 */
function asQuestion(requestId: string, options: Option[], call: ToolCall, questions: Question[]): OpenRequest {
  const submit = options.find((option) => !isReject(option));
  const skip = options.find(isReject);
  const select = (option: Option | undefined): JsonObject =>
    option ? { outcome: { outcome: 'selected', optionId: option.id } } : CANCELLED;
  return {
    request: {
      requestId,
      request: 'question',
      toolId: call.id || null,
      tool: 'Question',
      title: call.title,
      description: '',
      input: {},
      diffs: [],
      choices: [{ id: 'deny', label: skip?.name ?? 'Skip', detail: '', tone: 'deny' }],
      questions,
      plan: '',
    },
    answer({ decision, answers = {} }) {
      if (decision !== 'answer') return select(skip);
      const entries = Object.entries(answers).map(([id, values]) => [id, values.join(', ')]);
      return { ...select(submit), answers: Object.fromEntries(entries) };
    },
    cancelled: CANCELLED,
  };
}

function questionsOf(params: JsonObject, call: ToolCall): Question[] {
  const meta = { ...object(object(params.toolCall)._meta), ...object(params._meta) };
  const isNamed = meta.qwenInteractionKind === 'user_question';
  if (!isNamed && call.kind !== 'think') return [];
  const asked = list(meta.qwenQuestions).length ? list(meta.qwenQuestions) : list(object(call.input).questions);
  const questions = asked.slice(0, MAX_QUESTION).map(object).map((entry, i) => questionOf(entry, i));
  return questions.every(({ question, options }) => question !== '' && options.length > 0) ? questions : [];
}

const questionOf = (entry: JsonObject, i: number): Question => ({
  id: String(i),
  header: string(entry.header),
  question: string(entry.question),
  options: list(entry.options).slice(0, MAX_OPTION).map(object)
    .map(({ label, description }) => ({ label: string(label), description: string(description) }))
    .filter(({ label }) => label !== ''),
  multiSelect: entry.multiSelect === true,
  other: true,
  secret: false,
});

import type { Choice, DecisionBody, Question } from '../../../core/api/messages.ts';
import { plannedDiffs, toolTitle } from './tools.ts';
import { type JsonObject, list, object, string, strings } from '../untyped-json.ts';
import type { ProviderRequest } from '../provider.ts';

/** An open request as Claude sent it: the answer is built from it. */
export interface OpenRequest {
  requestId: string;
  toolId: string | null;
  kind: ProviderRequest['request'];
  input: JsonObject;
  suggestions: JsonObject[];
}

const ALLOW: Choice = { id: 'allow', label: 'Allow once', detail: '', tone: 'allow' };
const DENY: Choice = { id: 'deny', label: 'Deny', detail: '', tone: 'deny' };

/** @param request the `request` of a control_request with subtype can_use_tool */
export function readRequest(requestId: string, request: JsonObject): { open: OpenRequest; shown: ProviderRequest } {
  const tool = string(request.tool_name);
  const input = object(request.input);
  const kind = tool === 'AskUserQuestion' ? 'question' : tool === 'ExitPlanMode' ? 'plan' : 'permission';
  const suggestions = list(request.permission_suggestions).map(object);
  const open = { requestId, toolId: string(request.tool_use_id) || null, kind, input, suggestions } as const;
  const questions = kind === 'question' ? readQuestions(input) : [];
  return {
    open: { ...open },
    shown: {
      requestId,
      request: kind,
      toolId: open.toolId,
      tool,
      title: kind === 'plan' ? 'Plan' : kind === 'question' ? questions[0]?.question ?? 'Question' : toolTitle(input),
      description: describe(request),
      input,
      diffs: kind === 'permission' ? plannedDiffs(tool, input) : [],
      choices: choicesOf(kind, suggestions),
      questions,
      plan: kind === 'plan' ? string(input.plan) : '',
    },
  };
}

function describe(request: JsonObject): string {
  const reason = string(request.decision_reason);
  const path = string(request.blocked_path);
  return [string(request.description), reason, path && `Path: ${path}`].filter(Boolean).join('\n');
}

function choicesOf(kind: ProviderRequest['request'], suggestions: JsonObject[]): Choice[] {
  if (kind === 'question') return [{ ...DENY, label: 'Skip' }];
  if (kind === 'plan') {
    return [{ ...ALLOW, label: 'Approve the plan' }, { ...DENY, label: 'Keep planning' }];
  }
  return [ALLOW, ...suggestions.map((suggestion, i) => ruleChoice(suggestion, i)), DENY];
}

/** Each suggestion is a choice of its own: echoing all of them would apply all of them. */
function ruleChoice(suggestion: JsonObject, index: number): Choice {
  const choice = (label: string) => ({
    id: `rule:${index}`,
    label,
    detail: whereWritten(suggestion),
    tone: 'rule' as const,
  });
  const verb = suggestion.behavior === 'deny'
    ? 'Never allow'
    : suggestion.behavior === 'ask'
    ? 'Always ask for'
    : 'Always allow';
  // What has fields that no label says is shown as it is.
  switch (Object.keys(suggestion).every((name) => RULE_FIELDS.includes(name)) && suggestion.type) {
    case 'addRules':
    case 'replaceRules':
      return choice(`${verb} ${list(suggestion.rules).map(object).map(ruleText).join(', ')}`);
    case 'addDirectories':
      return choice(`Allow access to ${strings(suggestion.directories).join(', ')}`);
    case 'setMode':
      return choice(MODE_CHOICE[string(suggestion.mode)] ?? `Switch to mode ${string(suggestion.mode)}`);
    default:
      return choice(JSON.stringify(suggestion));
  }
}

const RULE_FIELDS = ['type', 'rules', 'behavior', 'directories', 'mode', 'destination'];

const MODE_CHOICE: Record<string, string> = {
  default: 'Ask first from now on',
  acceptEdits: 'Accept edits from now on',
  plan: 'Only plan from now on',
  bypassPermissions: 'Ask for nothing from now on',
};

const ruleText = (rule: JsonObject): string =>
  string(rule.ruleContent) ? `${string(rule.toolName)}(${string(rule.ruleContent)})` : string(rule.toolName);

const WHERE: Record<string, string> = {
  session: 'For this session only.',
  localSettings: 'Written to .claude/settings.local.json in the folder.',
  projectSettings: 'Written to .claude/settings.json in the folder: it holds for everyone who works there.',
  userSettings: 'Written to the settings of this user: it holds in every folder.',
};
const whereWritten = (suggestion: JsonObject): string =>
  WHERE[string(suggestion.destination)] ?? string(suggestion.destination);

function readQuestions(input: JsonObject): Question[] {
  return list(input.questions).map(object).map((question, i) => ({
    id: `q${i}`,
    header: string(question.header),
    question: string(question.question),
    options: list(question.options).map(object).map((option) => ({
      label: string(option.label),
      description: string(option.description),
    })),
    multiSelect: question.multiSelect === true,
    other: true,
    secret: false,
  }));
}

/** The `response` of the control_response. `updatedInput` is always sent: older versions deny without it. */
export function answerOf(open: OpenRequest, decision: DecisionBody): JsonObject {
  if (decision.decision === 'answer') {
    return {
      behavior: 'allow',
      updatedInput: { ...open.input, answers: answersOf(open.input, decision.answers ?? {}) },
    };
  }
  const rule = /^rule:(\d+)$/.exec(decision.decision);
  const suggestion = rule ? open.suggestions[Number(rule[1])] : undefined;
  if (decision.decision !== 'allow' && !suggestion) {
    const reason = decision.message?.trim() || 'The user said no.';
    return { behavior: 'deny', message: reason, interrupt: decision.interrupt === true };
  }
  const setMode = (mode: string) => ({ type: 'setMode', mode, destination: 'session' });
  const updatedPermissions = suggestion
    ? [suggestion]
    : open.kind === 'plan'
    ? [setMode(decision.mode ?? 'default')]
    : [];
  return { behavior: 'allow', updatedInput: decision.input ?? open.input, updatedPermissions };
}

function answersOf(input: JsonObject, answers: Record<string, string[]>): Record<string, string> {
  const questions = readQuestions(input);
  return Object.fromEntries(
    questions.filter(({ id }) => answers[id]?.length).map(({ id, question }) => [question, answers[id]!.join(', ')]),
  );
}

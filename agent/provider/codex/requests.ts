import type { Choice, DecisionBody, Question } from '../../../core/api/messages.ts';
import type { FileChange } from './diff.ts';
import { plainCommand } from './items.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';
import type { ProviderRequest } from '../provider.ts';

/** One open request of the server: what the user sees, and what the server is answered. */
export interface OpenRequest {
  request: ProviderRequest;
  /** The `result` of the JSON-RPC answer. */
  answer(decision: DecisionBody): JsonObject;
}

const ALLOW: Choice = { id: 'allow', label: 'Allow once', detail: '', tone: 'allow' };
const DENY: Choice = { id: 'deny', label: 'Deny', detail: 'Codex is told and goes on without it.', tone: 'deny' };
const CANCEL: Choice = { id: 'cancel', label: 'Deny and stop', detail: 'The turn is interrupted.', tone: 'deny' };
/** Beside a form. */
const NO_ANSWER: Choice = { ...DENY, label: 'Skip' };
const session = (what: string): Choice => ({
  id: 'session',
  label: 'Allow for this session',
  detail: what,
  tone: 'rule',
});

/**
 * @param changesOf the changes of a fileChange item that was started (the request itself does not carry them)
 * @returns null for a request that this client does not know; it must be refused, or the turn hangs
 */
export function openRequest(
  requestId: string,
  method: string,
  params: JsonObject,
  changesOf: (itemId: string) => FileChange[],
): OpenRequest | null {
  const blank: ProviderRequest = {
    requestId,
    request: 'permission',
    toolId: string(params.itemId) || null,
    tool: '',
    title: '',
    description: string(params.reason),
    input: {},
    diffs: [],
    choices: [],
    questions: [],
    plan: '',
  };
  switch (method) {
    case 'item/commandExecution/requestApproval':
      return commandRequest(blank, params);
    case 'item/fileChange/requestApproval':
      return fileRequest(blank, params, changesOf(string(params.itemId)));
    case 'item/permissions/requestApproval':
      return permissionsRequest(blank, params);
    case 'item/tool/requestUserInput':
      return userInputRequest(blank, params);
    case 'mcpServer/elicitation/request':
      return elicitation(blank, params);
    default:
      return null;
  }
}

/** Decision ids as Codex calls them; an id that is not known denies. */
const simpleDecision = ({ decision, interrupt }: DecisionBody): string =>
  decision === 'allow'
    ? 'accept'
    : decision === 'session'
    ? 'acceptForSession'
    : decision === 'cancel' || interrupt
    ? 'cancel'
    : 'decline';

function commandRequest(blank: ProviderRequest, params: JsonObject): OpenRequest {
  const command = plainCommand(string(params.command));
  const rules = ruleDecisions(params);
  const network = object(params.networkApprovalContext);
  const what = command || (network.host ? `Connect to ${string(network.host)}` : 'Run a command');
  const title = params.kind === 'writeStdin' ? `Type into a running program: ${what}` : what;
  return {
    request: {
      ...blank,
      tool: 'Bash',
      title,
      input: { command, ...otherFields(params, ['command', 'commandActions', 'availableDecisions']) },
      choices: [
        ALLOW,
        ...rules.map((rule) => rule.choice),
        session('The same command is not asked for again.'),
        DENY,
        CANCEL,
      ],
    },
    answer: (body) => ({
      decision: rules.find((rule) => rule.choice.id === body.decision)?.decision ?? simpleDecision(body),
    }),
  };
}

/** Fields that only route the request, are its text, or are its choices. */
const NOT_INPUT = /^(threadId|turnId|itemId|startedAtMs|approvalId|reason|proposed.*)$/;
/** Values that say nothing, by field. */
const USUAL: JsonObject = { kind: 'command', environmentId: 'local', mode: 'form' };

/**
 * Whatever else the request says, also in fields of later versions: who approves must be able to see it.
 * @param known fields that are shown otherwise, or repeat them
 */
const otherFields = (params: JsonObject, known: readonly string[] = []): JsonObject =>
  Object.fromEntries(
    Object.entries(params).filter(([name, value]) => {
      const isUsual = value === null || (Object.hasOwn(USUAL, name) && USUAL[name] === value);
      return !NOT_INPUT.test(name) && !known.includes(name) && !isUsual;
    }),
  );

/** Each amendment that Codex proposes is a choice of its own. */
function ruleDecisions(params: JsonObject): { choice: Choice; decision: JsonObject }[] {
  const offered = list(params.availableDecisions).filter((entry) => typeof entry === 'object').map(object);
  const exec = list(params.proposedExecpolicyAmendment);
  if (!offered.length && exec.length) offered.push({ acceptWithExecpolicyAmendment: { execpolicy_amendment: exec } });
  return offered.flatMap((decision, index): { choice: Choice; decision: JsonObject }[] => {
    const words = list(object(decision.acceptWithExecpolicyAmendment).execpolicy_amendment).map(String);
    const host = object(object(decision.applyNetworkPolicyAmendment).network_policy_amendment);
    const isDeny = host.action === 'deny';
    const id = `rule:${index}`;
    if (words.length) {
      const label = `Always allow ${words.join(' ')}`;
      return [{
        decision,
        choice: { id, label, detail: `Commands that begin with: ${words.join(' ')}`, tone: 'rule' },
      }];
    }
    if (!host.host) return [];
    const label = `Always ${isDeny ? 'refuse' : 'allow'} ${string(host.host)}`;
    return [{
      decision,
      choice: { id, label, detail: 'Network access to this host.', tone: isDeny ? 'deny' : 'rule' },
    }];
  });
}

function fileRequest(blank: ProviderRequest, params: JsonObject, changes: FileChange[]): OpenRequest {
  const root = string(params.grantRoot);
  return {
    request: {
      ...blank,
      tool: 'Edit',
      title: changes.map(({ diff }) => diff.path).join(', ') || 'Change files',
      input: { files: changes.map(({ input }) => input), ...otherFields(params) },
      // A change that is shown as a text is not drawn as well.
      diffs: changes.map(({ diff, input }) => 'diff' in input ? { ...diff, hunks: [] } : diff),
      choices: [ALLOW, session(root ? `Writing below ${root}.` : 'These files are not asked for again.'), DENY, CANCEL],
    },
    answer: (body) => ({ decision: simpleDecision(body) }),
  };
}

function permissionsRequest(blank: ProviderRequest, params: JsonObject): OpenRequest {
  return {
    request: {
      ...blank,
      tool: 'Permissions',
      title: 'More permissions',
      input: { ...otherFields(params, ['permissions']), permissions: object(params.permissions) },
      choices: [{ ...ALLOW, label: 'Allow for this turn' }, session('Until the session ends.'), DENY],
    },
    answer: ({ decision }) => ({
      permissions: decision === 'allow' || decision === 'session' ? object(params.permissions) : {},
      scope: decision === 'session' ? 'session' : 'turn',
    }),
  };
}

function userInputRequest(blank: ProviderRequest, params: JsonObject): OpenRequest {
  const questions = list(params.questions).map(object).map((entry): Question => ({
    id: string(entry.id),
    header: string(entry.header),
    question: string(entry.question),
    options: options(entry.options),
    multiSelect: false,
    other: entry.isOther === true || list(entry.options).length === 0,
    secret: entry.isSecret === true,
  }));
  return {
    request: {
      ...blank,
      request: 'question',
      tool: 'AskUserQuestion',
      title: questions[0]?.question ?? '',
      choices: [NO_ANSWER],
      questions,
    },
    answer: ({ answers = {} }) => ({
      answers: Object.fromEntries(questions.map(({ id }) => [id, { answers: ownAnswers(answers, id) }])),
    }),
  };
}

const options = (value: unknown) =>
  list(value).map(object).map((entry) => ({ label: string(entry.label), description: string(entry.description) }));

const ownAnswers = (answers: Record<string, string[]>, id: string): string[] =>
  Object.hasOwn(answers, id) ? answers[id]! : [];

/** An MCP server wants input: a form of its schema's properties, or a page to open. */
function elicitation(blank: ProviderRequest, params: JsonObject): OpenRequest {
  const properties = Object.entries(object(object(params.requestedSchema).properties));
  // Its fields are questions; without any there is nothing in it but its type.
  const isShown = properties.length > 0 ||
    Object.keys(object(params.requestedSchema)).every((name) => name === 'type' || name === 'properties');
  const shared = {
    ...blank,
    tool: `mcp__${string(params.serverName)}`,
    title: `${string(params.serverName)} asks`,
    // The server's words are what is accepted.
    input: otherFields(params, ['serverName', 'elicitationId', ...(isShown ? ['requestedSchema'] : [])]),
  };
  if (!properties.length) {
    return {
      request: { ...shared, choices: [{ ...ALLOW, label: 'Accept' }, { ...DENY, detail: '' }] },
      answer: ({ decision }) => ({
        action: decision === 'allow' ? 'accept' : 'decline',
        content: decision === 'allow' ? {} : null,
        _meta: null,
      }),
    };
  }
  const questions = properties.map(([id, value]) => schemaQuestion(id, object(value)));
  return {
    request: { ...shared, request: 'question', choices: [NO_ANSWER], questions },
    answer: ({ decision, answers = {} }) =>
      decision === 'answer'
        ? {
          action: 'accept',
          content: Object.fromEntries(
            properties.map(([id, value]) => [id, typed(object(value), ownAnswers(answers, id))]),
          ),
          _meta: null,
        }
        : { action: 'decline', content: null, _meta: null },
  };
}

function schemaQuestion(id: string, schema: JsonObject): Question {
  const values = schema.type === 'boolean'
    ? ['true', 'false']
    : list(schema.enum ?? object(schema.items).enum).map(String);
  return {
    id,
    header: string(schema.title) || id,
    question: string(schema.description) || string(schema.title) || id,
    options: values.map((label) => ({ label, description: '' })),
    multiSelect: schema.type === 'array',
    other: values.length === 0,
    secret: schema.format === 'password',
  };
}

function typed(schema: JsonObject, answers: string[]): unknown {
  const first = answers[0] ?? '';
  if (schema.type === 'array') return answers;
  if (schema.type === 'boolean') return first === 'true';
  if (schema.type === 'number' || schema.type === 'integer') return number(Number(first));
  return first;
}

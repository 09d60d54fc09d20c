/** Questions that the app-server asks its client, and how each decision is written back. */
import type { Choice, DecisionBody, FileDiff, Question } from '../../core/wire/types.ts';
import { plainCommand } from './codex-items.ts';
import { list, type Loose, number, object, string } from './loose.ts';
import type { ProviderRequest } from './provider.ts';

/** One open server request: what the user sees and what the app-server is told. */
export interface OpenRequest {
  request: ProviderRequest;
  /** The `result` of the JSON-RPC answer. */
  answer(decision: DecisionBody): Loose;
}

const ALLOW: Choice = { id: 'allow', label: 'Allow once', detail: '', tone: 'allow' };
const DENY: Choice = { id: 'deny', label: 'Deny', detail: 'Codex is told and goes on without it.', tone: 'deny' };
const CANCEL: Choice = { id: 'cancel', label: 'Deny and stop', detail: 'The turn is interrupted.', tone: 'deny' };
/** Beside a form. */
const NO_ANSWER: Choice = { ...DENY, label: 'Do not answer' };
const session = (what: string): Choice => ({
  id: 'session',
  label: 'Allow for this session',
  detail: what,
  tone: 'rule',
});

/**
 * @param diffsOf the changes of a fileChange item that was started (the request itself does not carry them)
 * @returns null for a request that this client does not know: it must be refused, or the turn hangs
 */
export function openRequest(
  requestId: string,
  method: string,
  params: Loose,
  diffsOf: (itemId: string) => FileDiff[],
): OpenRequest | null {
  const base: ProviderRequest = {
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
      return commandRequest(base, params);
    case 'item/fileChange/requestApproval':
      return fileRequest(base, params, diffsOf(string(params.itemId)));
    case 'item/permissions/requestApproval':
      return permissionsRequest(base, params);
    case 'item/tool/requestUserInput':
      return userInputRequest(base, params);
    case 'mcpServer/elicitation/request':
      return elicitation(base, params);
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

function commandRequest(base: ProviderRequest, params: Loose): OpenRequest {
  const command = plainCommand(string(params.command));
  const rules = ruleDecisions(params);
  const network = object(params.networkApprovalContext);
  const title = command || (network.host ? `Connect to ${string(network.host)}` : 'Run a command');
  return {
    request: {
      ...base,
      tool: 'Bash',
      title,
      input: { command, cwd: string(params.cwd) },
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

/** Each amendment that Codex proposes is a choice of its own. */
function ruleDecisions(params: Loose): { choice: Choice; decision: Loose }[] {
  const offered = list(params.availableDecisions).filter((one) => typeof one === 'object').map(object);
  const exec = list(params.proposedExecpolicyAmendment);
  if (!offered.length && exec.length) offered.push({ acceptWithExecpolicyAmendment: { execpolicy_amendment: exec } });
  return offered.flatMap((decision, index): { choice: Choice; decision: Loose }[] => {
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

function fileRequest(base: ProviderRequest, params: Loose, diffs: FileDiff[]): OpenRequest {
  const root = string(params.grantRoot);
  return {
    request: {
      ...base,
      tool: 'Edit',
      title: diffs.map((diff) => diff.path).join(', ') || 'Change files',
      input: { files: diffs.map(({ path, kind }) => ({ path, kind })), ...(root ? { grantRoot: root } : {}) },
      diffs,
      choices: [ALLOW, session(root ? `Writing below ${root}.` : 'These files are not asked for again.'), DENY, CANCEL],
    },
    answer: (body) => ({ decision: simpleDecision(body) }),
  };
}

function permissionsRequest(base: ProviderRequest, params: Loose): OpenRequest {
  return {
    request: {
      ...base,
      tool: 'Permissions',
      title: 'More permissions',
      input: object(params.permissions),
      choices: [{ ...ALLOW, label: 'Allow for this turn' }, session('Until the session ends.'), DENY],
    },
    answer: ({ decision }) => ({
      permissions: decision === 'allow' || decision === 'session' ? object(params.permissions) : {},
      scope: decision === 'session' ? 'session' : 'turn',
    }),
  };
}

function userInputRequest(base: ProviderRequest, params: Loose): OpenRequest {
  const questions = list(params.questions).map(object).map((one): Question => ({
    id: string(one.id),
    header: string(one.header),
    question: string(one.question),
    options: options(one.options),
    multiSelect: false,
    other: one.isOther === true || list(one.options).length === 0,
    secret: one.isSecret === true,
  }));
  return {
    request: {
      ...base,
      request: 'question',
      tool: 'AskUserQuestion',
      title: questions[0]?.question ?? '',
      choices: [NO_ANSWER],
      questions,
    },
    answer: ({ answers = {} }) => ({
      answers: Object.fromEntries(questions.map(({ id }) => [id, { answers: own(answers, id) }])),
    }),
  };
}

const options = (value: unknown) =>
  list(value).map(object).map((one) => ({ label: string(one.label), description: string(one.description) }));

const own = (answers: Record<string, string[]>, id: string): string[] => Object.hasOwn(answers, id) ? answers[id]! : [];

/** An MCP server asks: a form of its schema's properties, or a page to open. */
function elicitation(base: ProviderRequest, params: Loose): OpenRequest {
  const properties = Object.entries(object(object(params.requestedSchema).properties));
  const text = [string(params.message), string(params.url)].filter(Boolean).join('\n');
  const shared = {
    ...base,
    tool: `mcp__${string(params.serverName)}`,
    title: `${string(params.serverName)} asks`,
    description: text,
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
          content: Object.fromEntries(properties.map(([id, value]) => [id, typed(object(value), own(answers, id))])),
          _meta: null,
        }
        : { action: 'decline', content: null, _meta: null },
  };
}

function schemaQuestion(id: string, schema: Loose): Question {
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

function typed(schema: Loose, answers: string[]): unknown {
  const first = answers[0] ?? '';
  if (schema.type === 'array') return answers;
  if (schema.type === 'boolean') return first === 'true';
  if (schema.type === 'number' || schema.type === 'integer') return number(Number(first));
  return first;
}

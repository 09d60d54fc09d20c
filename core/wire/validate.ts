/**
 * Checks of what comes from a browser or a script, for both ends of the wire. Each takes parsed JSON and gives a value that
 * holds nothing but known fields of the right type, or throws WireError with a sentence that names the field.
 * Browser-safe.
 */
import type { LiveCommand } from './live.ts';
import type {
  AgentFlags,
  CreateAgentBody,
  DecisionBody,
  PermissionMode,
  ProviderName,
  SendMessageBody,
} from './types.ts';

export class WireError extends Error {}

/** Characters of one chat message. */
export const TEXT_LIMIT = 200_000;
/** Characters of a name, a path, a model … */
export const FIELD_LIMIT = 4096;
/** Characters of the instructions (CLAUDE.md). */
export const INSTRUCTIONS_LIMIT = 200_000;
export const LIST_LIMIT = 100;
/** Images of one message, and base64 characters of one. The whole body is bounded by the server. */
export const IMAGES_LIMIT = 8;
export const IMAGE_LIMIT = 7 * 1024 * 1024;
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

export const PROVIDERS: ProviderName[] = ['claude', 'codex'];
export const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan', 'auto', 'dontAsk', 'bypassPermissions'];
const EFFORTS = ['', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type Fields = Record<string, unknown>;
type Check<T> = (value: unknown, name: string) => T;

const wrong = (name: string, what: string): never => {
  throw new WireError(`"${name}" must be ${what}.`);
};

/** A plain object; arrays and null are not. */
export function fields(value: unknown, name = 'body'): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong(name, 'an object');
  return value as Fields;
}

/** Text of at most `limit` characters that is well-formed and holds no NUL (no argument or file name can carry one). */
export const text = (limit: number, required = false): Check<string> => (value, name) => {
  if (typeof value !== 'string') return wrong(name, 'a text');
  if (required && !value.trim()) wrong(name, 'filled in');
  if (value.length > limit) wrong(name, `at most ${limit} characters long`);
  if (value.includes('\0')) wrong(name, 'free of NUL characters');
  return value;
};

/** A value that becomes an argument of a CLI: never one that could be read as an option. */
const argument: Check<string> = (value, name) => {
  const given = text(FIELD_LIMIT)(value, name);
  if (given.trim().startsWith('-')) wrong(name, 'something that does not begin with "-"');
  return given;
};

const bool: Check<boolean> = (value, name) => typeof value === 'boolean' ? value : wrong(name, 'true or false');
export const oneOf = <T extends string>(values: readonly T[]): Check<T> => (value, name) =>
  values.includes(value as T) ? value as T : wrong(name, `one of ${values.map((v) => v || '""').join(', ')}`);
const list = <T>(each: Check<T>, limit = LIST_LIMIT): Check<T[]> => (value, name) => {
  if (!Array.isArray(value)) return wrong(name, 'a list');
  if (value.length > limit) wrong(name, `a list of at most ${limit}`);
  return value.map((item, i) => each(item, `${name}[${i}]`));
};
/** Lists may come as one text with commas, as the create form of the reference product sent them. */
const listOrText: Check<string[]> = (value, name) =>
  list(argument)(typeof value === 'string' ? splitList(value) : value, name).filter((item) => item.trim());
export const uuid: Check<string> = (value, name) =>
  typeof value === 'string' && UUID.test(value) ? value.toLowerCase() : wrong(name, 'a UUID');
const budget: Check<number> = (value, name) =>
  typeof value === 'number' && value > 0 && value <= 1e6 ? value : wrong(name, 'an amount of dollars above 0');
const integer: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? value as number : wrong(name, 'a whole number from 0');
const record: Check<Fields> = (value, name) => fields(value, name);

/** Splits at commas outside parentheses: `Bash(git log, git diff), Read` are two tools. */
function splitList(value: string): string[] {
  const items = [''];
  let depth = 0;
  for (const c of value) {
    depth += c === '(' ? 1 : c === ')' ? -1 : 0;
    if (c === ',' && depth <= 0) items.push('');
    else items[items.length - 1] += c;
  }
  return items.map((item) => item.trim());
}

/** Picks known fields: absent and null ones are left out, unknown ones dropped. */
export function pick<T>(
  value: unknown,
  checks: { [K in keyof T]-?: Check<NonNullable<T[K]>> },
  name = 'body',
): Partial<T> {
  const from = fields(value, name);
  const result: Partial<T> = {};
  for (const key of Object.keys(checks) as (keyof T & string)[]) {
    const given = Object.hasOwn(from, key) ? from[key] : undefined;
    if (given !== undefined && given !== null) result[key] = checks[key](given, key) as T[typeof key];
  }
  return result;
}

function need<T, K extends keyof T & string>(value: Partial<T>, ...keys: K[]): Partial<T> & Required<Pick<T, K>> {
  for (const key of keys) if (value[key] === undefined) throw new WireError(`"${key}" is missing.`);
  return value as Partial<T> & Required<Pick<T, K>>;
}

export const parseFlags: Check<AgentFlags> = (value, name) =>
  pick<AgentFlags>(value, {
    dangerouslySkipPermissions: bool,
    resume: argument,
    forkSession: bool,
    model: argument,
    effort: oneOf(EFFORTS),
    fullAuto: bool,
    chrome: bool,
    permissionMode: oneOf(MODES),
    maxBudgetUsd: budget,
    allowedTools: listOrText,
    disallowedTools: listOrText,
    addDirs: listOrText,
    mcpConfig: argument,
    worktree: bool,
  }, name);

export function parseCreateAgent(value: unknown): CreateAgentBody {
  const body = pick<CreateAgentBody>(value, {
    name: text(200),
    directory: text(FIELD_LIMIT, true),
    prompt: text(TEXT_LIMIT),
    provider: oneOf(PROVIDERS),
    claudeMd: text(INSTRUCTIONS_LIMIT),
    adminEmail: text(FIELD_LIMIT),
    whatsappPhone: text(100),
    slackWebhookUrl: text(FIELD_LIMIT),
    flags: parseFlags,
    clientId: uuid,
  });
  return need(body, 'directory');
}

type Image = NonNullable<SendMessageBody['images']>[number];
const image: Check<Image> = (value, name) => {
  const given = need(
    pick<Image>(value, { mediaType: oneOf(IMAGE_TYPES), data: text(IMAGE_LIMIT, true) }, name),
    'mediaType',
    'data',
  );
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(given.data)) wrong(`${name}.data`, 'base64');
  return given;
};

/** A message needs a text or an image. */
export function parseSendMessage(value: unknown): SendMessageBody {
  const body = pick<SendMessageBody>(value, {
    text: text(TEXT_LIMIT),
    clientId: uuid,
    images: list(image, IMAGES_LIMIT),
  });
  if (!body.text?.trim() && !body.images?.length) throw new WireError('"text" is missing: write a message.');
  return { ...body, text: body.text ?? '' };
}

const answers: Check<Record<string, string[]>> = (value, name) =>
  Object.fromEntries(
    Object.entries(fields(value, name)).slice(0, LIST_LIMIT)
      .map(([question, given]) => [question, list(text(TEXT_LIMIT))(given, `${name}.${question}`)]),
  );

/** `clientId` may be left out by scripts: then repeating the request is not recognised as the same. */
export function parseDecision(value: unknown, makeId: () => string): DecisionBody {
  const body = need(
    pick<DecisionBody>(value, {
      decision: text(100, true),
      clientId: uuid,
      message: text(TEXT_LIMIT),
      interrupt: bool,
      input: record,
      answers,
      mode: oneOf(MODES),
    }),
    'decision',
  );
  return { ...body, clientId: body.clientId ?? makeId() };
}

/** One named field of a body: the small actions (`{name}`, `{mode}`, `{content}` …). */
export function parseField<T>(value: unknown, name: string, check: Check<T>): T {
  const from = fields(value);
  if (!Object.hasOwn(from, name)) throw new WireError(`"${name}" is missing.`);
  return check(from[name], name);
}
export const checks = {
  name: text(200, true),
  instructions: text(INSTRUCTIONS_LIMIT),
  mode: oneOf(MODES),
  model: argument,
  effort: oneOf(EFFORTS),
};

/** A client's message on the live feed. */
export function parseLiveCommand(value: unknown): LiveCommand {
  const command = fields(value, 'message');
  const agent = () =>
    need(
      pick<{ agent: string; after: number; limit: number }>(command, {
        agent: text(100, true),
        after: integer,
        limit: integer,
      }),
      'agent',
    );
  switch (command.type) {
    case 'hello':
      return {
        type: 'hello',
        ...pick<{ epoch: string; last: number }>(command, { epoch: text(100), last: integer }),
        watch: list((item, name) =>
          need(pick<{ agent: string; limit: number }>(item, { agent: text(100, true), limit: integer }, name), 'agent')
        )(command.watch ?? [], 'watch'),
      };
    case 'watch':
      return { type: 'watch', ...agent() };
    case 'unwatch':
      return { type: 'unwatch', agent: agent().agent };
    case 'ping':
      return { type: 'ping', t: typeof command.t === 'number' ? command.t : 0 };
    default:
      throw new WireError('"type" must be hello, watch, unwatch or ping.');
  }
}

/**
 * What an agent asks leave for, as it must be shown: the one rule for every place that offers "Allow" or tells of a request.
 * Whatever the input holds is in `command`, `diffs`, `fields` or `description`; `isWhole` is false when a part of it is not
 * known here. Allow is offered only where all of it is shown, as visible.ts shows it. Pure.
 */
import type { FileDiff, RequestMessage } from './messages.ts';
import { isPlain, isReordered, markedText } from './visible.ts';

/** Something that makes a command more than it looks like. */
export type ApprovalWarning = 'no_sandbox' | 'background';

export interface ApprovalField {
  /** The name in the input, for a part of a list with its index: `edits[1].replace_all`. */
  name: string;
  /** A text as it is, anything else as JSON. */
  text: string;
}

export interface Approval {
  tool: string;
  /** What the request is about where the input does not say it. */
  title: string;
  /** What the agent says that it is for; not a part of what is done. */
  description: string;
  /** What a shell runs; empty for all else. */
  command: string;
  /** Changes that stand for their fields of the input, complete. */
  diffs: readonly FileDiff[];
  /** Every other field, in the order of the input. */
  fields: readonly ApprovalField[];
  warnings: readonly ApprovalWarning[];
  /** False: the page does not have all of it, so it must not be allowed from there. */
  isWhole: boolean;
}

const WARNINGS: Record<string, ApprovalWarning> = {
  dangerouslyDisableSandbox: 'no_sandbox',
  run_in_background: 'background',
};

/** The parts of a request that say what it asks for. */
export type Asked = Pick<
  RequestMessage,
  'request' | 'tool' | 'title' | 'description' | 'input' | 'truncated' | 'diffs' | 'plan'
>;

/** @param request a request of any kind; of a plan and of questions, everything but their own text */
export function approvalOf(request: Asked): Approval {
  const { input, tool, title } = request;
  const command = commandOf(request);
  const covered = coveredByDiffs(request);
  const isUnknownChange = covered === null && isFileChange(request);
  const fields = [...fieldsOf(request, covered), ...(covered?.fields ?? [])];
  const diffs = covered || isUnknownChange ? request.diffs : [];
  const isTitled = request.request !== 'permission' || command !== '' || diffs.length > 0 ||
    fields.some(({ text }) => text.includes(title));
  return {
    tool,
    title: isTitled ? '' : title,
    description: descriptionOf(request),
    command,
    diffs,
    fields,
    warnings: Object.entries(WARNINGS).filter(([name]) => isSet(input[name])).map(([, warning]) => warning),
    isWhole: !request.truncated && !isUnknownChange && !fields.some(({ text }) => text === TOO_DEEP),
  };
}

/** `approvalOf(request).isWhole`, without making the rest of it: an input of plain values has nothing that could be missing. */
export function isWholeRequest(request: Asked): boolean {
  const isPlainInput = Object.values(request.input).every((value) =>
    value !== TOO_DEEP && (typeof value !== 'object' || value === null)
  );
  return isPlainInput ? !request.truncated : approvalOf(request).isWhole;
}

const commandOf = ({ input }: Asked): string =>
  typeof input.command === 'string' && input.command.trim() ? input.command : '';

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== false;

/** Some name the files in the input; what is changed in them comes as diffs only. */
const isFileChange = ({ tool, input }: Asked): boolean => tool === 'Edit' && Array.isArray(input.files);

function fieldsOf(request: Asked, covered: Covered | null): ApprovalField[] {
  const shown = new Set([
    ...(covered?.names ?? []),
    ...(commandOf(request) ? ['command'] : []),
    ...ownFields(request),
  ]);
  return Object.entries(request.input)
    .filter(([name, value]) => value !== undefined && !shown.has(name) && !isSaid(request, name, value))
    .map(([name, value]) => ({ name, text: fieldText(value) }));
}

/** Said elsewhere: the description of a command, and a warning that is simply on or off. */
function isSaid(request: Asked, name: string, value: unknown): boolean {
  if (name === 'description') return describesItself(request);
  return Object.hasOwn(WARNINGS, name) && (value === true || !isSet(value));
}

/** The description of a shell command is the agent's word about it. Of any other tool it may be what is written somewhere. */
const describesItself = (request: Asked): boolean =>
  commandOf(request) !== '' && typeof request.input.description === 'string' && !request.tool.startsWith('mcp__');

/** The server's sentences and the command's own description, each once. */
function descriptionOf(request: Asked): string {
  const own = describesItself(request) ? String(request.input.description) : '';
  const { description } = request;
  return description.includes(own) ? description : [description, own].filter(Boolean).join('\n');
}

/** A plan and questions are shown as such; what the request would grant beside them is not part of their text. */
const ownFields = ({ request, plan, input }: Asked): string[] =>
  request === 'question' ? ['questions'] : request === 'plan' && input.plan === plan ? ['plan'] : [];

const TOO_DEEP = '…';

function fieldText(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value, null, 2);
  } catch {
    return TOO_DEEP; // nested deeper than the stack
  }
}

interface Covered {
  /** Fields of the input that the diffs show. */
  names: string[];
  /** What stands in those fields beside what the diffs show. */
  fields: ApprovalField[];
}

/** Which fields of the input the diffs show exactly; null when they do not stand for the input. */
function coveredByDiffs({ diffs, input }: Asked): Covered | null {
  if (Array.isArray(input.files)) return coversFiles(diffs, input.files);
  const diff = diffs[0];
  if (diffs.length !== 1 || !diff || diff.truncated || diff.path !== input.file_path) return null;
  if (typeof input.content === 'string') {
    return diff.kind === 'add' && writes(diff, input.content) ? { names: ['file_path', 'content'], fields: [] } : null;
  }
  if (Array.isArray(input.edits)) return coversEdits(diff, input.edits);
  return isEdit(input) && diff.hunks.length === 1 && edits(diff, 0, input)
    ? { names: ['file_path', 'old_string', 'new_string'], fields: [] }
    : null;
}

/**
 * Some name their files in the input and give the changes as diffs. What a diff cannot show stands in the input too: where
 * the file is moved to, or the change as a text (`diff`) where lines of it are in no hunk.
 */
function coversFiles(diffs: readonly FileDiff[], files: readonly unknown[]): Covered | null {
  const all = files.map((file, i) => fieldsOfFile(file, diffs[i], i));
  const isCovered = files.length > 0 && files.length === diffs.length && all.every((fields) => fields !== null);
  return isCovered ? { names: ['files'], fields: all.flatMap((fields) => fields ?? []) } : null;
}

/** @returns null when neither the diff nor the input has all of the change */
function fieldsOfFile(file: unknown, diff: FileDiff | undefined, index: number): ApprovalField[] | null {
  const { path, kind, ...rest } = (file ?? {}) as Record<string, unknown>;
  const isWhole = !diff?.truncated || typeof rest.diff === 'string';
  if (!diff || path !== diff.path || kind !== diff.kind || !isWhole) return null;
  return Object.entries(rest).map(([name, value]) => ({ name: `files[${index}].${name}`, text: fieldText(value) }));
}

/** The lines of one side of a diff; a line end that is missing or too many at the end of a text is no line. */
const side = (hunks: FileDiff['hunks'], sign: '+' | '-'): string =>
  hunks.flatMap(({ lines }) => lines).filter((line) => line.startsWith(sign)).map((line) => line.slice(1)).join('\n');
const withoutEnd = (text: string): string => text.endsWith('\n') ? text.slice(0, -1) : text;

const writes = ({ hunks }: FileDiff, content: string): boolean => side(hunks, '+') === withoutEnd(content);

interface Edit {
  old_string: string;
  new_string: string;
}

const isEdit = (value: unknown): value is Edit => {
  const { old_string: before, new_string: after } = (value ?? {}) as Partial<Edit>;
  return typeof before === 'string' && typeof after === 'string';
};

/** One hunk shows one edit. An edit of nothing but the last line end is not seen in a diff. */
function edits({ hunks }: FileDiff, index: number, { old_string: before, new_string: after }: Edit): boolean {
  const hunk = hunks.slice(index, index + 1);
  const isEndKept = !before || !after || before.endsWith('\n') === after.endsWith('\n');
  return isEndKept && side(hunk, '-') === withoutEnd(before) && side(hunk, '+') === withoutEnd(after);
}

function coversEdits(diff: FileDiff, list: readonly unknown[]): Covered | null {
  const isCovered = list.length === diff.hunks.length &&
    list.every((entry, i) => isEdit(entry) && edits(diff, i, entry));
  if (!isCovered) return null;
  const fields = list.flatMap((entry, i) =>
    Object.entries(entry as Record<string, unknown>).filter(([name]) => name !== 'old_string' && name !== 'new_string')
      .map(([name, value]) => ({ name: `edits[${i}].${name}`, text: fieldText(value) }))
  );
  return { names: ['file_path', 'edits'], fields };
}

/** Longer than this is not read at a glance; characters and lines. */
const MAX_GLANCE = 300;
const MAX_GLANCE_LINES = 12;

/** Every text of an approval that must be seen before Allow, with the names of its fields. */
const textsOf = ({ tool, title, command, diffs, fields }: Approval): string[] => [
  tool,
  title,
  command,
  ...diffs.flatMap((diff) => [diff.path, ...diff.hunks.flatMap(({ lines }) => lines)]),
  ...fields.flatMap(({ name, text }) => [name, text]),
];

/** Whether only its description says what would be done. */
const isDescribed = ({ command, diffs, fields, description }: Approval): boolean =>
  description !== '' && command === '' && !diffs.length && !fields.length;

/**
 * Whether it may be allowed beside other things, without opening it: known whole, short, and without anything that needs a
 * mark. Whoever shows it must show all of it but the description, and still measure that all of it fits.
 */
export function isShort(approval: Approval): boolean {
  const texts = textsOf(approval).filter(Boolean);
  const lines = texts.reduce((sum, text) => sum + text.split('\n').length, 0);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const isSmall = length <= MAX_GLANCE && lines <= MAX_GLANCE_LINES;
  return approval.isWhole && !isDescribed(approval) && isSmall && texts.every(isPlain);
}

const WARNING_TEXT: Record<ApprovalWarning, string> = {
  no_sandbox: 'Runs without the sandbox.',
  background: 'Goes on in the background.',
};

/** More of a notification is not shown by every system before it is opened; characters and lines. */
const MAX_NOTIFICATION = 160;
const MAX_NOTIFICATION_LINES = 4;

/**
 * A request as plain text, for notifications.
 * @param limit most characters
 * @returns `isWhole`: the text shows everything that is asked for, as it is, at a glance. Only then may it be allowed from there
 */
export function approvalText(request: Asked, limit: number): { text: string; isWhole: boolean } {
  const approval = approvalOf(request);
  const { tool, title, command, diffs, fields, warnings, description } = approval;
  const changes = diffs.map(diffText);
  const head = [tool, command || title || (diffs.length === 1 ? changes[0]!.shift()! : '')];
  const matter = [
    head.filter(Boolean).map(markedText).join(': '),
    ...warnings.map((warning) => WARNING_TEXT[warning]),
    ...fields.map(({ name, text }) => `${markedText(name)}: ${markedText(text)}`),
    ...changes.flat().map(markedText),
  ].join('\n');
  const text = [matter, markedText(description)].filter(Boolean).join('\n');
  const isSeen = matter.length < Math.min(limit, MAX_NOTIFICATION) &&
    matter.split('\n').length <= MAX_NOTIFICATION_LINES;
  const isPermission = request.request === 'permission';
  return { text: clip(text, limit), isWhole: isPermission && isSeen && isShort(approval) && !isReordered(matter) };
}

/** At most `limit` characters, with an ellipsis, never in the middle of a character. */
const clip = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;

const diffText = ({ path, kind, hunks }: FileDiff): string[] => [
  `${kind} ${path}`,
  ...hunks.flatMap(({ lines }) => lines),
];

/** The tool calls of an ACP agent: told in pieces, each of which may change any part of the call. */
import { type FileDiff, imageType, type ToolResult, type ToolStatus } from '../../../core/api/messages.ts';
import type { ToolPicture } from '../provider.ts';
import { textDiff } from '../text-diff.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';

export interface ToolCall {
  id: string;
  title: string;
  /** read, edit, delete, move, search, execute, think, fetch, switch_mode, other; '' when not told. */
  kind: string;
  /** Of the tool, where the agent tells it outside of the protocol. */
  name: string;
  input: JsonObject | null;
  /** The text of its content: output, or what it is about to do. */
  text: string;
  diffs: FileDiff[];
  pictures: ToolPicture[];
  paths: string[];
  status: string;
  rawOutput: unknown;
}

/** The kinds of the protocol, as the page names tools. */
const NAMES: Record<string, string> = {
  read: 'Read',
  edit: 'Edit',
  delete: 'Delete',
  move: 'Move',
  search: 'Search',
  execute: 'Bash',
  think: 'Think',
  fetch: 'Fetch',
  switch_mode: 'Mode',
};

export const toolName = ({ kind, name }: ToolCall): string => NAMES[kind] ?? (name || 'Tool');

export const emptyCall = (id: string): ToolCall => ({
  id,
  title: '',
  kind: '',
  name: '',
  input: null,
  text: '',
  diffs: [],
  pictures: [],
  paths: [],
  status: '',
  rawOutput: undefined,
});

/** The call after one update. A field that is left out or null says nothing new. */
export function updateCall(before: ToolCall, update: JsonObject): ToolCall {
  const content = Array.isArray(update.content) ? list(update.content).map(object) : null;
  const diffs = content?.filter((entry) => entry.type === 'diff').map(diffOf);
  const meta = object(update._meta);
  return {
    id: before.id,
    title: string(update.title) || before.title,
    kind: string(update.kind) || before.kind,
    name: string(update.name) || string(meta.toolName) || string(object(meta.claudeCode).toolName) || before.name,
    input: isFilled(update.rawInput) ? object(update.rawInput) : before.input,
    text: content ? content.map(textOf).filter(Boolean).join('\n') : before.text,
    diffs: diffs?.length ? diffs : before.diffs,
    pictures: content ? content.map(pictureOf).filter(Boolean).map((data) => ({ data })) : before.pictures,
    paths: Array.isArray(update.locations)
      ? list(update.locations).map((entry) => string(object(entry).path)).filter(Boolean)
      : before.paths,
    status: string(update.status) || before.status,
    rawOutput: update.rawOutput ?? before.rawOutput,
  };
}

const isFilled = (value: unknown) => Object.keys(object(value)).length > 0;

const textOf = (entry: JsonObject): string => {
  if (entry.type !== 'content') return '';
  const block = object(entry.content);
  if (block.type === 'text') return string(block.text);
  if (block.type === 'resource_link') return string(block.uri);
  return block.type === 'image' && !pictureOf(entry) ? '[image]' : '';
};

/** The base64 of a picture; '' for every other content, and for what is no picture that is kept. */
function pictureOf(entry: JsonObject): string {
  const block = object(entry.content);
  const data = entry.type === 'content' && block.type === 'image' ? string(block.data) : '';
  return imageType(data) ? data : '';
}

const diffOf = ({ path, oldText, newText }: JsonObject): FileDiff =>
  textDiff(string(path), typeof oldText === 'string' && oldText !== '' ? oldText : null, string(newText));

/**
 * What the tool is called with. Some agents tell it only as a title and a text (Gemini), some as JSON in the text (Kimi): what
 * is to be approved must be in it either way.
 */
export function toolInput(call: ToolCall): JsonObject {
  if (call.input) return call.input;
  const written = parsed(call.text);
  if (written) return written;
  const command: JsonObject = call.kind === 'execute' && call.title ? { command: call.title } : {};
  return {
    ...command,
    ...(command.command === undefined && call.title ? { title: call.title } : {}),
    ...(call.paths.length ? { paths: call.paths } : {}),
    ...(call.text ? { details: call.text } : {}),
  };
}

function parsed(text: string): JsonObject | null {
  if (!text.startsWith('{')) return null;
  try {
    const value = object(JSON.parse(text));
    return Object.keys(value).length ? value : null;
  } catch {
    return null;
  }
}

export const isOver = ({ status }: ToolCall): boolean => status === 'completed' || status === 'failed';

export const statusOf = ({ status }: ToolCall): ToolStatus => status === 'failed' ? 'error' : 'done';

export function resultOf(call: ToolCall): ToolResult {
  const exit = exitCode(object(call.rawOutput));
  const raw = typeof call.rawOutput === 'string' ? call.rawOutput : '';
  return {
    text: call.text || raw,
    truncated: false,
    ...(exit === null ? {} : { exitCode: exit }),
    ...(call.diffs.length ? { diffs: call.diffs } : {}),
  };
}

function exitCode(output: JsonObject): number | null {
  const ended = list(output.contents).map(object).find((entry) => entry.type === 'shell_exit');
  for (const value of [object(output.metadata).exit, output.exitCode, ended?.exitCode]) {
    if (Number.isSafeInteger(value)) return value as number;
  }
  return null;
}

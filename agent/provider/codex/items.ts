import { imageType, type ToolResult, type ToolStatus } from '../../../core/api/messages.ts';
import type { ToolPicture } from '../provider.ts';
import { fileChanges } from './diff.ts';
import { type JsonObject, list, number, object, string, strings } from '../untyped-json.ts';

export type Described =
  | { kind: 'user'; clientId: string; text: string; images: number }
  | { kind: 'text' | 'thinking'; text: string }
  | DescribedTool
  | { kind: 'compacted' }
  | null;

interface DescribedTool {
  kind: 'tool';
  tool: string;
  title: string;
  input: JsonObject;
  status: ToolStatus;
  result: ToolResult;
  pictures?: ToolPicture[];
}

const STATUS: Record<string, ToolStatus> = {
  inProgress: 'running',
  completed: 'done',
  failed: 'error',
  declined: 'denied',
};

/** @returns null for a kind of item that is not shown */
export function describe(item: JsonObject): Described {
  switch (item.type) {
    case 'userMessage':
      return userMessage(item);
    case 'agentMessage':
    case 'plan':
      return { kind: 'text', text: string(item.text) };
    case 'exitedReviewMode':
      return { kind: 'text', text: string(item.review) };
    case 'reasoning':
      return { kind: 'thinking', text: strings(item.summary).join('\n\n') || strings(item.content).join('\n\n') };
    case 'commandExecution':
      return command(item);
    case 'fileChange':
      return fileChange(item);
    case 'mcpToolCall':
      return mcpCall(item);
    case 'dynamicToolCall':
      return withPictures(
        tool(item, string(item.tool), string(item.tool), object(item.arguments), contentText(item.contentItems)),
        list(item.contentItems).map(object).map(({ imageUrl }) => dataUrl(string(imageUrl))),
      );
    case 'collabAgentToolCall':
      return tool(item, 'Agent', string(item.prompt) || string(item.tool), {
        prompt: string(item.prompt),
        action: string(item.tool),
      }, '');
    case 'webSearch':
      return tool({ status: 'completed', ...item }, 'WebSearch', string(item.query), { query: string(item.query) }, '');
    case 'imageView':
      return viewed(item);
    case 'imageGeneration':
      return withPictures(
        tool(item, 'ImageGeneration', string(item.revisedPrompt), { prompt: string(item.revisedPrompt) }, ''),
        [string(item.result)],
      );
    case 'contextCompaction':
      return { kind: 'compacted' };
    default:
      return null;
  }
}

function userMessage(item: JsonObject): Described {
  const content = list(item.content).map(object);
  return {
    kind: 'user',
    clientId: string(item.clientId),
    text: content.filter((part) => part.type === 'text').map((part) => string(part.text)).join('\n'),
    images: content.filter((part) => part.type === 'image' || part.type === 'localImage').length,
  };
}

function tool(
  item: JsonObject,
  name: string,
  title: string,
  input: JsonObject,
  text: string,
  more: Partial<ToolResult> = {},
): DescribedTool {
  const status = STATUS[string(item.status)] ?? 'done';
  return { kind: 'tool', tool: name, title, input, status, result: { text, truncated: false, ...more } };
}

function mcpCall(item: JsonObject): Described {
  const name = `mcp__${string(item.server)}__${string(item.tool)}`;
  const blocks = list(object(item.result).content).map(object);
  const pictures = blocks.filter(({ type }) => type === 'image').map(({ data }) => string(data));
  return withPictures(tool(item, name, string(item.tool), object(item.arguments), mcpText(item)), pictures);
}

/** The picture is the file that Codex looked at. */
function viewed(item: JsonObject): Described {
  const path = string(item.path);
  const call = tool({ status: 'completed', ...item }, 'ViewImage', path, { path }, '');
  return path ? { ...call, pictures: [{ path }] } : call;
}

/** @param data base64 of what may be pictures */
function withPictures(call: DescribedTool, data: readonly string[]): DescribedTool {
  const pictures = data.filter(imageType).map((data) => ({ data }));
  return pictures.length ? { ...call, pictures } : call;
}

const dataUrl = (url: string): string => /^data:image\/[a-z]+;base64,(?<data>.*)$/s.exec(url)?.groups?.data ?? '';

function command(item: JsonObject): Described {
  const line = plainCommand(string(item.command));
  const exitCode = number(item.exitCode);
  return tool(
    item,
    'Bash',
    line,
    { command: line, cwd: string(item.cwd) },
    string(item.aggregatedOutput),
    exitCode === null ? {} : { exitCode },
  );
}

function fileChange(item: JsonObject): Described {
  const changes = fileChanges(item.changes);
  const diffs = changes.map(({ diff }) => diff);
  const input = { files: changes.map((change) => change.input) };
  return tool(item, 'Edit', diffs.map((diff) => diff.path).join(', '), input, '', { diffs });
}

/**
 * The command without the shell that Codex wraps around it: `/bin/bash -lc 'touch x'` → `touch x`. A wrapping that is not
 * exactly one quoted or one bare word stays as it is, and so does a shell that is not the system's: what a user approves must
 * never look smaller than what is run.
 */
export function plainCommand(wrapped: string): string {
  const match = /^(?:(?:\/usr(?:\/local)?|\/opt\/homebrew)?\/bin\/)?(?:ba|z|da)?sh -l?c ([\s\S]+)$/.exec(wrapped);
  if (!match) return wrapped;
  const word = match[1]!;
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // Single quotes, where a quote inside is written '\'' ; or double quotes without anything that the shell expands.
  if (/^'(?:[^']|'\\'')*'$/.test(word)) return word.slice(1, -1).replaceAll(`'\\''`, `'`);
  if (/^"[^"\\$`!]*"$/.test(word)) return word.slice(1, -1);
  return wrapped;
}

const contentText = (content: unknown) =>
  list(content).map((part) => string(object(part).text)).filter(Boolean).join('\n');
const mcpText = (item: JsonObject) => string(object(item.error).message) || contentText(object(item.result).content);

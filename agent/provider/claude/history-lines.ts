/** Lines of a stored session as messages. */
import { imageType, type Picture } from '../../../core/api/messages.ts';
import { type JsonObject, list, object, string } from '../untyped-json.ts';
import { bounded, type HistoryMessage, notice } from '../history-message.ts';
import { contentText, toolEnd, toolTitle } from './tools.ts';

export type ToolMessage = Extract<HistoryMessage, { kind: 'tool' }>;

/** What a user typed; empty for tool results, for what Claude inserted itself and for the output of local commands. */
export function promptOf(line: JsonObject): string {
  if (line.type !== 'user' || line.isMeta === true || line.isSidechain === true || line.isCompactSummary === true) {
    return '';
  }
  const { content } = object(line.message);
  if (list(content).some((block) => object(block).type === 'tool_result')) return '';
  const text = contentText(content).trim();
  return /^<(local-command|command-|bash-|system-reminder|task-notification)/.test(text) ? '' : text;
}

export const timeOf = (line: JsonObject): number => Date.parse(string(line.timestamp)) || 0;

export const isShown = (line: JsonObject): boolean =>
  line.isSidechain !== true &&
  (line.type === 'user' || line.type === 'assistant' || line.subtype === 'compact_boundary');

/** @param branch ids of the lines that are the conversation */
export function toMessages(lines: JsonObject[], branch: Set<string>, behindGap: Set<string>): HistoryMessage[] {
  const messages: HistoryMessage[] = [];
  const tools = new Map<string, ToolMessage>();
  for (const line of lines) {
    // Results of parallel tools belong to different branches of lines: they are matched by their tool.
    if (line.type === 'user') applyResults(line, tools);
    if (!branch.has(string(line.uuid))) continue;
    if (behindGap.has(string(line.uuid))) messages.push(damageNotice(string(line.uuid), timeOf(line)));
    const added = lineMessages(line);
    messages.push(...added);
    for (const message of added) if (message.kind === 'tool') tools.set(message.id, message);
  }
  return messages;
}

export function damageNotice(uuid: string, at: number): HistoryMessage {
  const text = 'A part of this session is missing here: its file is damaged. The agent may not know it either.';
  return { ...notice('lost', text, at), id: `history-lost-${uuid}` };
}

/** What one line adds to the conversation; a tool is without its result, which another line has. */
export function lineMessages(line: JsonObject): HistoryMessage[] {
  const at = timeOf(line);
  if (line.subtype === 'compact_boundary') return [notice('compacted', 'The conversation was summarised here.', at)];
  return line.type === 'user' ? userMessages(line, at) : assistantMessages(line, at);
}

function userMessages(line: JsonObject, at: number): HistoryMessage[] {
  const text = promptOf(line);
  if (!text) return [];
  const images = list(object(line.message).content).map(object).filter((block) => block.type === 'image').map(
    (block) => {
      const source = object(block.source);
      return { mediaType: string(source.media_type), size: Math.floor(string(source.data).length * 3 / 4) };
    },
  );
  return [{ kind: 'user', id: string(line.uuid), text: bounded(text), images, status: 'sent', by: '', at }];
}

function assistantMessages(line: JsonObject, at: number): HistoryMessage[] {
  return list(object(line.message).content).map(object).flatMap((block, index): HistoryMessage[] => {
    const id = `${string(line.uuid)}-${index}`;
    if (block.type === 'text' && string(block.text)) {
      return [{ kind: 'text', id, text: bounded(string(block.text)), done: true, at }];
    }
    if (block.type === 'thinking' && string(block.thinking)) {
      return [{ kind: 'thinking', id, text: bounded(string(block.thinking)), done: true, at }];
    }
    if (block.type !== 'tool_use') return [];
    const input = object(block.input);
    return [{
      kind: 'tool',
      id: string(block.id) || id,
      tool: string(block.name),
      title: toolTitle(input),
      input: boundInput(input),
      inputText: '',
      output: '',
      status: 'cancelled', // until its result is found
      at,
    }];
  });
}

function applyResults(line: JsonObject, tools: Map<string, ToolMessage>): void {
  for (const { toolId, end } of toolResults(line)) {
    const tool = tools.get(toolId);
    if (tool) Object.assign(tool, end);
  }
}

export interface ToolEnd {
  toolId: string;
  end: Pick<ToolMessage, 'status' | 'result' | 'endedAt'>;
}

/** The results of tools that a user line has. */
export function toolResults(line: JsonObject): ToolEnd[] {
  const blocks = list(object(line.message).content).map(object).filter(({ type }) => type === 'tool_result');
  return blocks.map((block) => {
    const { status, result, pictures } = toolEnd(block, line.toolUseResult, line.toolResultMeta);
    const described = pictures ? { pictures: pictures.map(describePicture) } : {};
    const ended = { ...result, text: bounded(result.text), ...described };
    return { toolId: string(block.tool_use_id), end: { status, result: ended, endedAt: timeOf(line) } };
  });
}

/** The bytes stay in the CLI's own file. */
const describePicture = ({ data }: { data: string }): Picture => ({
  mediaType: imageType(data) ?? '',
  size: Math.floor(data.length * 3 / 4),
});

const boundInput = (input: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(input).map(([key, value]) => [key, typeof value === 'string' ? bounded(value) : value]),
  );

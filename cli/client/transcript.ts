/**
 * A conversation as plain text. A message has parts that appear one after another while it lives (a tool's call, then its
 * result); each has a key, so that whoever prints them prints each once. Pure; every text is made harmless for a terminal.
 */
import type { Message, RequestMessage, ToolMessage } from '../../core/api/messages.ts';
import { approvalOf } from '../../core/api/approval.ts';
import { printable, printableLine } from './printable.ts';
import { shortId } from './find-agent.ts';

export interface Part {
  key: string;
  text: string;
}

export interface TranscriptOptions {
  /** The model's thinking, too. */
  hasThinking?: boolean;
  /** Texts that still stream in, as far as they are there. */
  hasUnfinished?: boolean;
  /** Results of tools as long as they are. */
  isFull?: boolean;
}

/** Lines and characters of a tool's result, unless all of it is wanted. */
const MAX_RESULT_LINES = 12;
const MAX_RESULT = 2_000;
/** Characters of a title in one line. */
const MAX_TITLE = 300;

/** The parts of a message that can be shown by now, in order. */
export function partsOf(message: Message, options: TranscriptOptions = {}): Part[] {
  const parts = partsOfKind(message, options).filter(({ text }) => text.trim() !== '');
  return message.parent ? parts.map(({ key, text }) => ({ key, text: indent(text) })) : parts;
}

function partsOfKind(message: Message, options: TranscriptOptions): Part[] {
  switch (message.kind) {
    case 'user':
      return userParts(message);
    case 'text':
      return message.done || options.hasUnfinished ? [{ key: 'text', text: printable(message.text) }] : [];
    case 'thinking':
      return message.done && options.hasThinking ? [{ key: 'text', text: quote('thinking', message.text) }] : [];
    case 'tool':
      return toolParts(message, options);
    case 'request':
      return requestParts(message);
    case 'todos':
      return [{ key: JSON.stringify(message.todos), text: message.todos.map(todoLine).join('\n') }];
    case 'notice':
      return message.passing ? [] : [{ key: 'text', text: `[${message.level}] ${printable(message.text)}` }];
    case 'turn':
      return [{ key: 'turn', text: turnLine(message) }];
  }
}

function userParts({ text, images, files = [], status, error }: Extract<Message, { kind: 'user' }>): Part[] {
  const pictures = images.length ? ` [${images.length} image${images.length === 1 ? '' : 's'}]` : '';
  const said = {
    key: 'said',
    text: quote('you', `${text}${pictures}${files.map(({ name }) => ` [file: ${name}]`).join('')}`),
  };
  if (status === 'cancelled') return [said, { key: 'cancelled', text: '[cancelled before the agent began with it]' }];
  if (status === 'failed') return [said, { key: 'failed', text: `[not delivered] ${printable(error ?? '')}` }];
  return [said];
}

function toolParts(message: ToolMessage, options: TranscriptOptions): Part[] {
  const { tool, title, input, status } = message;
  if (input === null && status === 'running') return [];
  const call = { key: 'call', text: `* ${clip(printableLine(`${tool}: ${title}`), MAX_TITLE)}` };
  if (status === 'running') return [call];
  return [call, { key: 'result', text: indent(`[${status}] ${resultOf(message, options)}`.trimEnd()) }];
}

function resultOf({ result, output, title }: ToolMessage, { isFull = false }: TranscriptOptions): string {
  const files = result?.diffs?.map(({ kind, path }) => `${kind} ${path}`).join('\n') ?? '';
  const text = printable(result?.text || output || files).trimEnd();
  const cut = result?.truncated ? '\n[cut by the server]' : '';
  const head = clip(printableLine(title), 80);
  if (isFull || !text) return `${text ? `${head}\n${text}` : head}${cut}`;
  const lines = clip(text, MAX_RESULT).split('\n');
  const rest = text.split('\n').length - Math.min(lines.length, MAX_RESULT_LINES);
  const more = rest > 0 ? `\n[${rest} more lines: --full]` : '';
  return `${head}\n${lines.slice(0, MAX_RESULT_LINES).join('\n')}${more}${cut}`;
}

function requestParts(message: RequestMessage): Part[] {
  const asked = { key: 'asked', text: `? ${requestLine(message)}` };
  const { decision, status, id } = message;
  if (status === 'pending') return [asked];
  const how = decision
    ? `${decision.decision} by ${printableLine(decision.by)}${
      decision.message ? `: ${printable(decision.message)}` : ''
    }`
    : status === 'expired'
    ? 'the session ended before it was decided'
    : 'no longer asked for';
  return [asked, { key: 'decided', text: `[${printableLine(shortId(id))}] ${how}` }];
}

/** One line: what a request is about and by which id it is decided. Never enough to allow it by. */
export function requestLine(message: RequestMessage, id = shortId(message.id)): string {
  const { command, title } = approvalOf(message);
  const { request, tool, questions, diffs } = message;
  const what = request === 'question'
    ? questions.map(({ question }) => question).join(' / ')
    : command || title || message.title || diffs.map(({ path }) => path).join(', ');
  const subject = request === 'permission' ? `${tool}: ${what}` : what;
  return `[${printableLine(id)}] ${request}: ${clip(printableLine(subject), MAX_TITLE)}`;
}

function turnLine({ outcome, text, durationMs, costUsd }: Extract<Message, { kind: 'turn' }>): string {
  const cost = costUsd === null ? [] : [`$${costUsd.toFixed(2)} in all`];
  const why = outcome === 'done' || !text ? [] : [printable(text)];
  return `-- ${[outcome, `${(durationMs / 1000).toFixed(1)} s`, ...cost, ...why].join(', ')}`;
}

const BOX = { pending: '[ ]', in_progress: '[>]', completed: '[x]' } as const;
const todoLine = ({ text, status }: { text: string; status: keyof typeof BOX }): string =>
  `${BOX[status] ?? '[ ]'} ${printableLine(text)}`;

const quote = (who: string, text: string): string => `${who}> ${printable(text).replaceAll('\n', '\n     ')}`;

const indent = (text: string): string => text.split('\n').map((line) => line && `  ${line}`).join('\n');

/** At most `limit` characters, never in the middle of one. */
const clip = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…`;

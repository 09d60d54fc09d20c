/** What of a message is searched: what people and the agent said, which tools were called with what, notices. */
import type { Message } from '../../core/api/messages.ts';
import type { SearchKind } from '../../core/api/search.ts';

/** Characters of one message that are searched: of a written file its beginning. */
export const MAX_SEARCHED = 64 * 1024;
/** Between the parts of a tool call. */
const SEPARATOR = ' · ';
/** Values of a tool's input. */
const MAX_VALUES = 1000;

/** A message as the search sees it. */
export interface SearchedMessage {
  id: string;
  seq: number;
  at: number;
  kind: SearchKind;
  /** Without line ends: each run of white space is one space. */
  text: string;
}

/** @returns null when nothing of it is searched (yet: a text that streams in is when it is done) */
export function searchedMessage(message: Message): SearchedMessage | null {
  const text = textOf(message);
  if (!text) return null;
  const { id, seq, at, kind } = message;
  const beginning = text.slice(0, 2 * MAX_SEARCHED).replace(/[\0\s]+/g, ' ').trim().slice(0, MAX_SEARCHED);
  return beginning
    ? { id, seq, at, kind: kind as SearchKind, text: beginning.replace(/\p{Surrogate}/gu, '\ufffd') }
    : null;
}

function textOf(message: Message): string {
  switch (message.kind) {
    case 'user':
    case 'notice':
      return asText(message.text);
    case 'text':
      return message.done ? asText(message.text) : '';
    case 'tool':
      return message.input ? toolText(asText(message.tool), asText(message.title), message.input) : '';
    case 'thinking':
    case 'request':
    case 'todos':
    case 'turn':
      return '';
    default: // of a later version
      return '';
  }
}

/** What a damaged disk gives back may be anything. */
const asText = (value: unknown): string => typeof value === 'string' ? value : '';

function toolText(tool: string, title: string, input: unknown): string {
  const values: string[] = [];
  collect(input, values);
  const parts = [tool, title, ...values.filter((value) => value !== title)];
  return parts.filter(Boolean).join(SEPARATOR);
}

/** Texts and numbers of an input, however deep; pictures are none of it. */
function collect(value: unknown, values: string[]): void {
  if (values.length >= MAX_VALUES) return;
  if (typeof value === 'string') values.push(value.slice(0, MAX_SEARCHED));
  else if (typeof value === 'number') values.push(String(value));
  else if (Array.isArray(value)) { for (const entry of value) collect(entry, values); }
  else if (typeof value === 'object' && value !== null) {
    for (const entry of Object.values(value)) collect(entry, values);
  }
}

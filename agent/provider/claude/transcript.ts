/**
 * The end of a session's file as a conversation: lines come in, the messages of the branch that was written last come out. What
 * is old is dropped, so that a session of any length takes the same memory.
 */
import { type HistoryMessage, notice } from '../history-message.ts';
import type { Transcript } from '../terminal-sessions.ts';
import {
  damageNotice,
  isShown,
  lineMessages,
  timeOf,
  type ToolEnd,
  type ToolMessage,
  toolResults,
} from './history-lines.ts';
import { SessionBranch } from './session-branch.ts';
import { type JsonObject, string } from '../untyped-json.ts';

/** Lines that are retained, and characters of what is made of them. */
export const MAX_LINES = 4000;
export const MAX_LENGTH = 8 * 1024 * 1024;
/** Messages of a conversation that is read along. */
export const MAX_MESSAGES = 1000;

/** Characters of one message as JSON, which is sent to dashboards as one. */
export const MAX_MESSAGE = 512 * 1024;

interface Line {
  uuid: string;
  parent: string;
  isSide: boolean;
  isShown: boolean;
  at: number;
  messages: HistoryMessage[];
  results: ToolEnd[];
  /** A line before it could not be read. */
  isBehindDamage: boolean;
  length: number;
}

type MergedTools = Map<string, { from: ToolMessage; end: ToolEnd['end'] | null; merged: ToolMessage }>;

export class ClaudeTranscript implements Transcript {
  #lines: Line[] = [];
  #length = 0;
  #isDamaged = false;
  #isCut: boolean;
  #isLong = false;
  /** A tool with its result, so that the same message is the same object until it changes. */
  #tools: MergedTools = new Map();

  /** There are earlier messages than the first. */
  get isCut(): boolean {
    return this.#isCut || this.#isLong;
  }

  /** @param isCut what comes first is not the beginning of the file */
  constructor(isCut: boolean) {
    this.#isCut = isCut;
  }

  add(line: JsonObject): void {
    const uuid = string(line.uuid);
    if (!uuid) return;
    const shown = isShown(line);
    const messages = shown ? lineMessages(line).map(short) : [];
    const results = line.type === 'user' && !line.isSidechain ? toolResults(line).map(shortResult) : [];
    const length = messages.length + results.length ? JSON.stringify([messages, results]).length : 100;
    this.#lines.push({
      ...{ uuid, messages, results, length, at: timeOf(line), isShown: shown },
      parent: string(line.parentUuid) || string(line.logicalParentUuid),
      isSide: line.isSidechain === true,
      isBehindDamage: this.#isDamaged,
    });
    this.#isDamaged = false;
    this.#length += length;
    this.#dropOld();
  }

  /** A line that could not be read. */
  addDamage(): void {
    this.#isDamaged = true;
  }

  /** The conversation, oldest first. */
  messages(): HistoryMessage[] {
    const { branch, behindGap } = this.#branch();
    const ends = new Map(this.#lines.flatMap(({ results }) => results.map(({ toolId, end }) => [toolId, end])));
    const lines = this.#lines.filter(({ uuid, isShown }) => isShown && branch.has(uuid));
    const lastText = lines.findLastIndex(({ messages }) => messages.some(({ kind }) => kind !== 'tool'));
    const tools: MergedTools = new Map();
    const all = lines.flatMap(({ uuid, at, messages }, i) => {
      const merged = messages.map((message) =>
        message.kind === 'tool' ? this.#merge(message, ends.get(message.id) ?? null, i > lastText, tools) : message
      );
      return behindGap.has(uuid) ? [damageNotice(uuid, at), ...merged] : merged;
    });
    this.#tools = tools;
    this.#isLong = all.length > MAX_MESSAGES;
    return all.slice(-MAX_MESSAGES);
  }

  /** @param isOpen nothing was said after it: without a result it runs, or waits for an answer */
  #merge(from: ToolMessage, end: ToolEnd['end'] | null, isOpen: boolean, tools: MergedTools): ToolMessage {
    const status = isOpen ? 'running' : from.status;
    const known = this.#tools.get(from.id);
    const isSame = known?.from === from && known.end === end && (end || known.merged.status === status);
    const merged = isSame ? known.merged : { ...from, status, ...end } as ToolMessage;
    tools.set(from.id, { from, end, merged });
    return merged;
  }

  #branch() {
    const tree = new SessionBranch();
    for (const { uuid, parent, isSide, isBehindDamage } of this.#lines) {
      if (isBehindDamage) tree.addDamage();
      tree.add(uuid, parent, isSide);
    }
    const shown = this.#lines.filter(({ isShown }) => isShown);
    return tree.to(shown.at(-1)?.uuid ?? '', new Set(shown.map(({ uuid }) => uuid)));
  }

  /** In portions: removing the first of a long array moves all others. */
  #dropOld(): void {
    if (this.#lines.length <= MAX_LINES && this.#length <= MAX_LENGTH) return;
    let count = 0;
    while (
      count < this.#lines.length - 1 &&
      (this.#lines.length - count > MAX_LINES * 3 / 4 || this.#length > MAX_LENGTH * 3 / 4)
    ) {
      this.#length -= this.#lines[count++]!.length;
    }
    this.#lines.splice(0, count);
    this.#isCut = true;
  }
}

const isLong = (part: unknown): boolean => JSON.stringify(part).length > MAX_MESSAGE;

const TOO_LONG = 'A part of this session is too long to be shown here. The agent knows it.';

function short(message: HistoryMessage): HistoryMessage {
  if (!isLong(message)) return message;
  if (message.kind === 'tool') return { ...message, input: {}, inputText: TOO_LONG };
  return { ...notice('too_long', TOO_LONG, message.at), id: message.id };
}

const shortResult = (entry: ToolEnd): ToolEnd =>
  isLong(entry) ? { ...entry, end: { ...entry.end, result: { text: TOO_LONG, truncated: true } } } : entry;

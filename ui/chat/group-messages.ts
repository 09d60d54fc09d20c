import { inConversation, type Message, type RequestMessage } from '../../core/api/messages.ts';
import { workedFor } from './waiting-time.ts';

export interface GroupedMessages {
  /** Top-level entries in order, in chunks that stay the same object while nothing in them changed. */
  chunks: readonly Chunk[];
  /** Pending requests, oldest first. */
  pending: readonly RequestMessage[];
}

export interface Chunk {
  key: number;
  entries: readonly Entry[];
}

export interface Row {
  message: Message;
  /** Messages of the subagent that this tool runs. */
  children: readonly Row[];
  /** A pending request asks for leave to run this tool: it does not run yet. */
  asks: boolean;
  /** The decided request that asked for leave to run this tool. */
  request: RequestMessage | null;
  /** What one turn took and cost; of a turn's end only. */
  turn: TurnFacts | null;
}

export interface TurnFacts {
  /** Without the time that it waited for a person. */
  workedMs: number;
  /** null where it is not known. */
  costUsd: number | null;
}

/** Several tools, one after another, that are shown as one line. */
export interface Run {
  id: string;
  rows: readonly Row[];
}

export type Entry = Row | Run;

export const isRun = (entry: Entry): entry is Run => 'rows' in entry;

export const CHUNK = 40;
/** Fewer tools than this stay rows of their own. */
export const MIN_RUN = 3;
const NONE: ReadonlySet<string> = new Set();
/** The chunks with the last so many entries. */
export function lastEntries(chunks: readonly Chunk[], count: number): readonly Chunk[] {
  const last: Chunk[] = [];
  for (let i = chunks.length - 1, left = count; i >= 0 && left > 0; i--) {
    const { key, entries } = chunks[i]!;
    last.unshift(entries.length > left ? { key, entries: entries.slice(-left) } : chunks[i]!);
    left -= entries.length;
  }
  return last;
}

const NO_ROWS: readonly Row[] = [];

/** Groups the messages anew each time they change, and reuses what did not change, so that only changed chunks are drawn. */
export class MessageGrouper {
  #rows = new Map<string, Row>();
  #runs = new Map<string, Run>();
  #chunks = new Map<number, Chunk>();

  /**
   * @param cards requests that have no row: they are shown as cards below, also when they were answered a moment ago
   * @param isFirst the first message is the agent's first: the cost of its first turn is known
   */
  group(bySeq: readonly Message[], cards: ReadonlySet<string> = NONE, isFirst = true): GroupedMessages {
    const messages = inConversation(bySeq);
    const children = new Map<string, Message[]>();
    const known = new Set(messages.map((message) => message.id));
    const top: Message[] = [];
    const requests = messages.filter((message) => message.kind === 'request');
    const pending = requests.filter(({ status }) => status === 'pending');
    const isHidden = hiddenIn(messages, requests, known, cards);
    for (const [i, message] of messages.entries()) {
      if (isHidden(message, i)) continue;
      if (message.parent && known.has(message.parent)) push(children, message.parent, message);
      else top.push(message);
    }
    const rows = this.#rowsOf(top, children, requests, turnFacts(messages, isFirst));
    return { chunks: this.#cut(this.#fold(rows)), pending };
  }

  /** A row for each message; the row of before where nothing changed in it and below it. */
  #rowsOf(
    top: Message[],
    children: Map<string, Message[]>,
    requests: readonly RequestMessage[],
    turns: ReadonlyMap<string, TurnFacts>,
  ): Row[] {
    const byTool = new Map(requests.map((request) => [request.toolId, request]));
    const rows = new Map<string, Row>();
    const row = (message: Message): Row => {
      const below = children.get(message.id)?.map(row) ?? NO_ROWS;
      const old = this.#rows.get(message.id);
      const asked = byTool.get(message.id) ?? null;
      const asks = asked?.status === 'pending';
      const request = asks ? null : asked;
      const turn = turns.get(message.id) ?? null;
      const isSame = old && old.message === message && old.asks === asks && old.request === request &&
        sameList(old.children, below) && sameTurn(old.turn, turn);
      const current = isSame ? old : { message, children: below, asks, request, turn };
      rows.set(message.id, current);
      return current;
    };
    const topRows = top.map(row);
    this.#rows = rows;
    return topRows;
  }

  /** Runs of tools as one entry each; what was thought between two tools belongs to their run. */
  #fold(rows: readonly Row[]): Entry[] {
    const entries: Entry[] = [];
    const runs = new Map<string, Run>();
    for (let i = 0; i < rows.length;) {
      const end = endOfRun(rows, i);
      if (end - i < MIN_RUN) {
        entries.push(rows[i++]!);
        continue;
      }
      const part = rows.slice(i, end);
      i = end;
      const id = part[0]!.message.id;
      const old = this.#runs.get(id);
      const run = old && sameList(old.rows, part) ? old : { id, rows: part };
      runs.set(id, run);
      entries.push(run);
    }
    this.#runs = runs;
    return entries;
  }

  /** Chunks begin at fixed sequence numbers, so that older pages in front do not move the cuts behind. */
  #cut(entries: Entry[]): Chunk[] {
    const groups = new Map<number, Entry[]>();
    for (const entry of entries) push(groups, Math.floor(seqOf(entry) / CHUNK), entry);
    const chunks = new Map<number, Chunk>();
    for (const [key, group] of groups) {
      const old = this.#chunks.get(key);
      chunks.set(key, old && sameList(old.entries, group) ? old : { key, entries: group });
    }
    this.#chunks = chunks;
    return [...chunks.values()];
  }
}

const seqOf = (entry: Entry): number => (isRun(entry) ? entry.rows[0]! : entry).message.seq;

/** The index behind the last tool of the run that begins at an index; the index itself when too few tools are there. */
function endOfRun(rows: readonly Row[], from: number): number {
  let end = from;
  let tools = 0;
  for (let i = from; i < rows.length; i++) {
    const { message } = rows[i]!;
    if (message.kind === 'tool') {
      end = i + 1;
      tools++;
    } else if (message.kind !== 'thinking' || !message.done || i === from) break;
  }
  return tools < MIN_RUN ? from : end;
}

/** What is shown elsewhere: as a card, above the composer, in the row of its tool, in the newest to-do list; or is over. */
function hiddenIn(
  messages: readonly Message[],
  requests: readonly RequestMessage[],
  known: ReadonlySet<string>,
  cards: ReadonlySet<string>,
): (message: Message, index: number) => boolean {
  const lastTodos = messages.findLast((message) => message.kind === 'todos')?.id;
  const asking = new Set(requests.filter(({ request }) => request !== 'permission').map(({ toolId }) => toolId));
  return (message, i) => {
    switch (message.kind) {
      case 'request': {
        const isInRow = message.request === 'permission' && message.toolId !== null && known.has(message.toolId);
        return message.status === 'pending' || cards.has(message.id) || isInRow;
      }
      case 'tool':
        // A question and a plan say themselves what they are; so does the to-do list.
        return asking.has(message.id) || (message.tool === 'TodoWrite' && message.status !== 'error');
      case 'user':
        return message.status === 'queued';
      case 'todos':
        return message.id !== lastTodos;
      case 'notice':
        return message.passing && isPast(messages, i);
      default:
        return false;
    }
  };
}

/** What each turn took and cost: the CLIs count the cost of the whole session, and the time of the person's thinking too. */
function turnFacts(messages: readonly Message[], isFirst: boolean): Map<string, TurnFacts> {
  const facts = new Map<string, TurnFacts>();
  let requests: RequestMessage[] = [];
  let before: number | null = isFirst ? 0 : null;
  for (const message of messages) {
    if (message.kind === 'request') requests.push(message);
    if (message.kind !== 'turn') continue;
    const { durationMs, costUsd } = message;
    const cost = costUsd === null || before === null || costUsd < before ? null : costUsd - before;
    facts.set(message.id, { workedMs: workedFor(durationMs, requests), costUsd: cost });
    before = costUsd;
    requests = [];
  }
  return facts;
}

/** A passing notice is over when anything but another notice came after it, or a newer one of its kind. */
function isPast(messages: readonly Message[], at: number): boolean {
  const code = (messages[at] as Extract<Message, { kind: 'notice' }>).code;
  for (let i = at + 1; i < messages.length; i++) {
    const later = messages[i]!;
    if (later.kind !== 'notice' || later.code === code) return true;
  }
  return false;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

const sameList = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a === b || (a.length === b.length && a.every((item, i) => item === b[i]));

const sameTurn = (a: TurnFacts | null, b: TurnFacts | null): boolean =>
  a === b || (a?.workedMs === b?.workedMs && a?.costUsd === b?.costUsd);

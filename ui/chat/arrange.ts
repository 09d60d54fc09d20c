/** How messages become rows: subagents below their tool, pending requests last, passing and outdated ones left out. Pure. */
import type { Message, RequestMessage } from '../../core/wire/types.ts';

export interface Arranged {
  /** Top-level rows in order, in chunks that stay the same object while nothing in them changed. */
  chunks: readonly Chunk[];
  /** Pending requests, oldest first. */
  pending: readonly RequestMessage[];
}

export interface Chunk {
  key: number;
  rows: readonly Row[];
}

export interface Row {
  message: Message;
  /** Messages of the subagent that this tool runs. */
  children: readonly Row[];
  /** A pending request asks for leave to run this tool: it does not run yet. */
  asks: boolean;
}

export const CHUNK = 40;

/** Arranges again and again, reusing what did not change, so that only changed chunks are drawn. */
export class Arranger {
  #rows = new Map<string, Row>();
  #chunks = new Map<number, Chunk>();

  arrange(messages: readonly Message[]): Arranged {
    const pending: RequestMessage[] = [];
    const children = new Map<string, Message[]>();
    const known = new Set(messages.map((message) => message.id));
    const top: Message[] = [];
    const lastTodos = messages.findLast((message) => message.kind === 'todos')?.id;
    for (const [i, message] of messages.entries()) {
      if (message.kind === 'request' && message.status === 'pending') pending.push(message);
      else if (message.kind === 'user' && message.status === 'queued') continue; // above the composer
      else if (message.kind === 'todos' && message.id !== lastTodos) continue;
      else if (message.kind === 'notice' && message.passing && isPast(messages, i)) continue;
      else if (message.parent && known.has(message.parent)) push(children, message.parent, message);
      else top.push(message);
    }
    const asking = new Set(pending.map((request) => request.toolId));
    const rows = new Map<string, Row>();
    const row = (message: Message): Row => {
      const below = (children.get(message.id) ?? []).map(row);
      const old = this.#rows.get(message.id);
      const asks = asking.has(message.id);
      const same = old && old.message === message && old.asks === asks && sameList(old.children, below);
      const made = same ? old : { message, children: below, asks };
      rows.set(message.id, made);
      return made;
    };
    const made = top.map(row);
    this.#rows = rows;
    return { chunks: this.#cut(made), pending };
  }

  /** Chunks begin at fixed sequence numbers, so that older pages in front do not move the cuts behind. */
  #cut(rows: Row[]): Chunk[] {
    const groups = new Map<number, Row[]>();
    for (const row of rows) push(groups, Math.floor(row.message.seq / CHUNK), row);
    const chunks = new Map<number, Chunk>();
    for (const [key, group] of groups) {
      const old = this.#chunks.get(key);
      chunks.set(key, old && sameList(old.rows, group) ? old : { key, rows: group });
    }
    this.#chunks = chunks;
    return [...chunks.values()];
  }
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
  a.length === b.length && a.every((item, i) => item === b[i]);

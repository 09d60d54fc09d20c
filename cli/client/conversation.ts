/**
 * The messages of one agent while they come in: what was seen, what may still change, and from where on to ask after a cut.
 * Pure. The feed's rules are in core/api/SPEC.md.
 */
import type { LiveChange } from '../../core/api/live.ts';
import type { Message } from '../../core/api/messages.ts';

type Delta = Extract<LiveChange, { type: 'delta' }>;

/** What to do after a change. */
export interface Step {
  /** Messages that were added or changed, in order. */
  changed: Message[];
  /** Messages are missing: ask for those after `resumeAfter`. */
  isBehind: boolean;
}

const NOTHING: Step = { changed: [], isBehind: false };

export class Conversation {
  readonly #agent: string;
  /** Everything up to this number has been seen. */
  #lastSeq: number;
  /** Messages that may still change. */
  readonly #open = new Map<string, Message>();

  /** @param after messages up to this number are not wanted */
  constructor(agent: string, after: number) {
    this.#agent = agent;
    this.#lastSeq = after;
  }

  /** Asking for everything after this number misses no change of an open message. */
  get resumeAfter(): number {
    let first = this.#lastSeq + 1;
    for (const { seq } of this.#open.values()) first = Math.min(first, seq);
    return first - 1;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** A page of messages as they are now, in order and without gaps. */
  addPage(messages: readonly Message[]): Step {
    return { changed: messages.filter((message) => this.#put(message)), isBehind: false };
  }

  apply(change: LiveChange): Step {
    switch (change.type) {
      case 'message':
        return change.agent === this.#agent ? this.#add(change.message) : NOTHING;
      case 'message.patch':
        return change.agent === this.#agent ? this.#patch(change.id, change.patch) : NOTHING;
      case 'delta':
        return change.agent === this.#agent ? this.#append(change) : NOTHING;
      case 'messages.cleared':
        return { changed: [], isBehind: change.agent === this.#agent };
      default:
        return NOTHING;
    }
  }

  /** While a page is on its way newer messages arrive: they come again with the page. */
  #add(message: Message): Step {
    if (message.seq > this.#lastSeq + 1) return { changed: [], isBehind: true };
    return this.#put(message) ? { changed: [message], isBehind: false } : NOTHING;
  }

  /** @returns whether it is new or may have changed */
  #put(message: Message): boolean {
    if (message.seq <= this.#lastSeq && !this.#open.has(message.id)) return false;
    this.#lastSeq = Math.max(this.#lastSeq, message.seq);
    if (message.kind === 'user' || message.kind === 'turn') this.#closeTurn(message.seq);
    if (isFinal(message)) this.#open.delete(message.id);
    else this.#open.set(message.id, message);
    return true;
  }

  /** Todos and passing notices are replaced within their turn only. */
  #closeTurn(before: number): void {
    for (const { id, seq, kind } of this.#open.values()) {
      if (seq < before && (kind === 'todos' || kind === 'notice')) this.#open.delete(id);
    }
  }

  #patch(id: string, patch: Record<string, unknown>): Step {
    const message = this.#open.get(id);
    if (!message) return NOTHING;
    const next = { ...message, ...patch } as Message;
    this.#put(next);
    return { changed: [next], isBehind: false };
  }

  /** Text that is there already stays; what lies behind a gap comes with the complete message. */
  #append({ id, field, offset, text }: Delta): Step {
    const message = this.#open.get(id) as (Message & Record<string, unknown>) | undefined;
    const present = message?.[field];
    if (!message || typeof present !== 'string' || present.length < offset) return NOTHING;
    this.#open.set(id, { ...message, [field]: present.slice(0, offset) + text } as Message);
    return NOTHING; // streamed text is shown when it is complete
  }
}

/** Whether nothing about a message changes any more. */
export function isFinal(message: Message): boolean {
  switch (message.kind) {
    case 'text':
    case 'thinking':
      return message.done;
    case 'tool':
      return message.status !== 'running';
    case 'request':
      return message.status !== 'pending' && message.status !== 'decided';
    case 'user':
      return message.status !== 'accepted' && message.status !== 'queued';
    case 'notice':
      return !message.passing;
    case 'todos':
      return false;
    case 'turn':
      return true;
  }
}

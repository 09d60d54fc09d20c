/** Follows an agent's conversation over the live feed: every message once at each of its stages, whatever is cut. */
import type { LiveChange, LiveSnapshot } from '../../core/api/live.ts';
import type { Message } from '../../core/api/messages.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Api } from './api.ts';
import { Conversation, type Step } from './conversation.ts';
import { Live } from './live.ts';

/** Messages that are asked for at a time. */
const PAGE = 100;

export interface FollowOptions {
  agent: string;
  /** Messages up to this number are not wanted. */
  after: number;
  /** Messages that were added or changed, in order; the same state may come twice. */
  onMessages(messages: readonly Message[]): void;
  /** Resolves when more may be handed over: the next page is asked for then. */
  drained(): Promise<void>;
  onAway?(reason: string): void;
}

export class Follower {
  readonly #options: FollowOptions;
  readonly #conversation: Conversation;
  readonly #live: Live;
  /** A page is on its way. */
  #isAsking = false;

  constructor(api: Api, options: FollowOptions) {
    this.#options = options;
    this.#conversation = new Conversation(options.agent, options.after);
    this.#live = new Live(api, {
      onSnapshot: (snapshot) => this.#onSnapshot(snapshot),
      onChange: (change) => this.#onChange(change),
      onMessages: ({ messages }) => this.#onPage(messages),
      onAway: (reason) => options.onAway?.(reason),
    });
  }

  /** Runs until the agent is deleted. Rejects when the command is given up or the feed can no longer go on. */
  run(): Promise<void> {
    return this.#live.run();
  }

  #onSnapshot({ agents }: LiveSnapshot): void {
    if (!agents.some(({ id }) => id === this.#options.agent)) throw gone();
    this.#ask(this.#conversation.resumeAfter);
  }

  #onChange(change: LiveChange): void {
    if (change.type === 'agent.removed' && change.id === this.#options.agent) throw gone();
    this.#take(this.#conversation.apply(change));
  }

  #onPage(messages: readonly Message[]): void {
    this.#isAsking = false;
    this.#take(this.#conversation.addPage(messages));
    if (messages.length < PAGE) return;
    this.#isAsking = true;
    void this.#options.drained().then(() => this.#ask(messages.at(-1)!.seq));
  }

  #take({ changed, isBehind }: Step): void {
    if (changed.length) this.#options.onMessages(changed);
    if (isBehind && !this.#isAsking) this.#ask(this.#conversation.resumeAfter);
  }

  #ask(after: number): void {
    this.#isAsking = true;
    this.#live.send({ type: 'watch', agent: this.#options.agent, after, limit: PAGE });
  }
}

const gone = (): CommandError => new CommandError('The agent was deleted.', EXIT.notFound);

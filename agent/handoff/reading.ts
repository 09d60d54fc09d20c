/** The sessions at the desk that are read along, each as long as somebody watches it. */
import { Failure } from '../../core/api/errors.ts';
import { deskChat } from '../../core/api/handoff.ts';
import type { MessagePage } from '../../core/api/messages.ts';
import type { AgentContext } from '../context.ts';
import type { TerminalSessions } from '../provider/terminal-sessions.ts';
import { Follower } from './follower.ts';

/** Sessions that are read along at a time. */
export const MAX_READ_ALONG = 8;

export interface ReadingOptions {
  context: Pick<AgentContext, 'clock' | 'publish'>;
  source: Pick<TerminalSessions, 'path' | 'transcript'>;
  /** Whether somebody watches a chat of the live feed. */
  isWatched(chat: string): boolean;
  /** Whether it is listed: nothing else is read. */
  isListed(session: string): boolean;
}

export class Reading {
  readonly #options: ReadingOptions;
  readonly #followers = new Map<string, Follower>();

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  has(session: string): boolean {
    return this.#followers.has(session) || this.#options.isListed(session);
  }

  /** Begins to read it, unless that is done already. Resolves when what is on disk is here. Throws Failure `too_many`. */
  async open(session: string): Promise<void> {
    const follower = this.#follow(session);
    if (!follower) throw new Failure('too_many', `At most ${MAX_READ_ALONG} sessions are read along at a time.`);
    await follower.ready();
  }

  /** What is known of it; the rest follows as events. */
  page(session: string, range: { after?: number; before?: number; limit?: number }): MessagePage {
    return this.#follow(session)?.page(range) ?? { messages: [], more: false };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers.values()].map((follower) => follower.close()));
  }

  #follow(session: string): Follower | null {
    const known = this.#followers.get(session);
    if (known) return known;
    if (this.#followers.size >= MAX_READ_ALONG) return null;
    const { context: { clock, publish }, source, isWatched } = this.#options;
    const follower = new Follower({
      ...{ session, clock, publish, source },
      isWatched: () => isWatched(deskChat(session)),
      onEnd: () => this.#followers.delete(session),
    });
    this.#followers.set(session, follower);
    return follower;
  }
}

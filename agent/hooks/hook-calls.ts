/** Calls of the hooks of sessions at the desk: whose they are, and what comes of them. */
import { type Clock, pause } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { HookBody } from '../../core/api/hooks.ts';
import { isSameProcess, type ProcessIdentity } from '../process/identity.ts';
import { isAtDesk, type SessionHooks, type TerminalSessions } from '../provider/terminal-sessions.ts';
import { descendsFrom } from './caller.ts';
import { type HookReply, OpenRequests } from './open-requests.ts';

/** A session that was not found is looked for again: its file may have been seen while it was written. */
const LOOKS = 3;
const AGAIN_MS = 200;

/** What a session says without asking anything. */
export interface DeskNews {
  session: string;
  event: 'waits' | 'finished';
  text: string;
}

export interface HookCallsOptions {
  clock: Clock;
  source: Pick<TerminalSessions, 'list'>;
  hooks: SessionHooks;
  requests: OpenRequests;
  /** Something happened at the desk: the list of sessions is to be looked at. */
  refresh(): Promise<unknown>;
  isCaller?: typeof descendsFrom;
}

export class HookCalls {
  readonly #options: HookCallsOptions;
  #onNews: (news: DeskNews) => void = () => {};

  constructor(options: HookCallsOptions) {
    this.#options = options;
  }

  /** Who tells people of it. */
  serve(onNews: (news: DeskNews) => void): void {
    this.#onNews = onNews;
  }

  /**
   * @param reply to be called once with what the hook is to do, now or when somebody has answered
   * @returns ends the wait: the hook is gone
   * Throws Failure; the terminal's own prompt then goes on alone
   */
  async call({ id, pid, payload }: HookBody, reply: (answer: HookReply) => void): Promise<() => void> {
    const { hooks, requests } = this.#options;
    const call = hooks.read(id, payload);
    if (!call) return nothing(reply);
    const program = await this.#program(call.session, pid);
    await this.#options.refresh();
    if (call.event === 'request') {
      const { session, request, answer } = call;
      return requests.add({ session, request, answer, isAlive: () => isSameProcess(program), reply });
    }
    const { session, event } = call;
    const isKnown = event === 'waits' && requests.pendingOf(session).length > 0;
    if (!isKnown) this.#onNews({ session, event, text: event === 'finished' ? call.text : '' });
    return nothing(reply);
  }

  /** The process of the session that has started the hook. Throws Failure `local_only`: what this server runs is none. */
  async #program(session: string, pid: number): Promise<ProcessIdentity> {
    const { clock, source, isCaller = descendsFrom } = this.#options;
    for (let look = 0; look < LOOKS; look++) {
      if (look) await pause(clock, AGAIN_MS);
      const live = (await source.list()).filter((entry) => entry.id === session && isAtDesk(entry));
      const program = live.flatMap(({ process }) => process ?? []).find((process) => isCaller(pid, [process]));
      if (program) return program;
    }
    throw new Failure('local_only', 'This is no hook of a session that runs in a terminal of this user.');
  }
}

function nothing(reply: (answer: HookReply) => void): () => void {
  reply({ output: null });
  return () => {};
}

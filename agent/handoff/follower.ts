/** One session at the desk that is read along: its messages as the live feed sends those of an agent. */
import { deskChat } from '../../core/api/handoff.ts';
import type { LiveChange } from '../../core/api/live.ts';
import type { Message, MessagePage } from '../../core/api/messages.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { type HistoryMessage, notice } from '../provider/history-message.ts';
import type { TerminalSessions, Transcript } from '../provider/terminal-sessions.ts';
import { FileTail } from './file-tail.ts';

/** How often the file is looked at, ms. */
export const LOOK_MS = 250;
/** How long somebody who asked for it has to begin to watch, ms. */
const GRACE_MS = 15_000;
/** More changes than this are sent as one: the page asks for the newest messages again. */
const MAX_CHANGES = 100;
const DEFAULT_PAGE = 50;

export interface FollowerOptions {
  session: string;
  clock: Clock;
  source: Pick<TerminalSessions, 'path' | 'transcript'>;
  publish(change: LiveChange): void;
  isWatched(): boolean;
  /** Nobody watches any more, and it has ended. */
  onEnd(): void;
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #chat: string;
  #tail: FileTail | null = null;
  #transcript: Transcript;
  #sources: readonly HistoryMessage[] = [];
  #messages: Message[] = [];
  /** The number before the first message is that of the notice that earlier ones are missing. */
  #lastSeq = 1;
  #timer: Timer | null = null;
  #graceUntil: number;
  #looking: Promise<void> | null = null;
  #isClosed = false;
  /** Something was read since the last update. */
  #hasNews = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#transcript = options.source.transcript(false);
    this.#chat = deskChat(options.session);
    this.#graceUntil = options.clock.monotonic() + GRACE_MS;
    this.#schedule(0);
  }

  /** Somebody is about to watch. Resolves when what is on disk now is here. */
  async ready(): Promise<void> {
    this.#graceUntil = this.#options.clock.monotonic() + GRACE_MS;
    await this.#look();
  }

  page({ before, after, limit = DEFAULT_PAGE }: { after?: number; before?: number; limit?: number }): MessagePage {
    const known = this.#messages.filter(({ seq }) => seq < (before ?? Infinity) && seq > (after ?? 0));
    const messages = after === undefined ? known.slice(-limit) : known.slice(0, limit);
    const first = messages[0];
    const isStart = first === this.#messages[0];
    const earlier = first && isStart && this.#transcript.isCut ? [earlierNotice(first)] : [];
    // What was before that left the memory: there is nothing more to ask for.
    return { messages: [...earlier, ...messages], more: first !== undefined && !isStart };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    await this.#looking;
    await this.#tail?.close();
  }

  #schedule(ms: number): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#tick(), ms);
  }

  async #tick(): Promise<void> {
    const { clock, isWatched, onEnd } = this.#options;
    await this.#look();
    if (this.#isClosed) return;
    if (isWatched() || clock.monotonic() < this.#graceUntil) return this.#schedule(LOOK_MS);
    onEnd(); // at once: who asks from now on gets another
    await this.close();
  }

  #look(): Promise<void> {
    return this.#looking ??= this.#read().catch(() => {}).finally(() => this.#looking = null);
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    const { source, session } = this.#options;
    if (!this.#tail) {
      const path = await source.path(session);
      if (path === null) return;
      this.#tail = new FileTail(path, {
        begin: (isCut) => {
          this.#transcript = source.transcript(isCut);
          this.#hasNews = true;
        },
        line: (line) => {
          this.#transcript.add(line);
          this.#hasNews = true;
        },
        damaged: () => this.#transcript.addDamage(),
      });
    }
    // Gone: it may come again elsewhere. What was read stays.
    if (!await this.#tail.read()) this.#tail = null;
    if (this.#hasNews) this.#update();
    this.#hasNews = false;
  }

  /** Sends what changed; a conversation that goes on from an earlier place begins again. */
  #update(): void {
    const now = this.#transcript.messages();
    const before = this.#sources;
    this.#sources = now;
    // Its beginning leaves the memory while the session goes on.
    const dropped = before.findIndex(({ id }) => id === now[0]?.id);
    const goesOn = dropped >= 0 && before.slice(dropped).every(({ id }, i) => id === now[i]?.id);
    if (!goesOn) return this.#restart(now);
    const old = this.#messages.slice(dropped);
    this.#messages = now.map((message, i) => {
      const same = i < old.length && isSame(message, before[i + dropped]!);
      return same ? old[i]! : { ...message, seq: old[i]?.seq ?? ++this.#lastSeq } as Message;
    });
    const changed = this.#messages.filter((message, i) => message !== old[i]);
    if (changed.length > MAX_CHANGES) return this.#options.publish({ type: 'messages.cleared', agent: this.#chat });
    for (const message of changed) this.#options.publish({ type: 'message', agent: this.#chat, message });
  }

  #restart(now: readonly HistoryMessage[]): void {
    const isEmpty = !now.length && !this.#messages.length;
    this.#messages = now.map((message) => ({ ...message, seq: ++this.#lastSeq }) as Message);
    if (!isEmpty) this.#options.publish({ type: 'messages.cleared', agent: this.#chat });
  }
}

const EARLIER = 'Older messages of this session are not shown here. The agent knows them.';

const earlierNotice = (first: Message): Message => ({
  ...notice('earlier', EARLIER, first.at),
  id: 'history-earlier',
  seq: first.seq - 1,
} as Message);

/** Messages are objects of their line; notices are worded anew each time. */
const isSame = (a: HistoryMessage, b: HistoryMessage): boolean => a === b || (a.kind === 'notice' && a.id === b.id);

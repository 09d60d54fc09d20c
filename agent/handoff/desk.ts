/** The sessions at the desk: listed, followed while somebody looks, published as they change. */
import type { ProviderName } from '../../core/api/agents.ts';
import type { DeskSession } from '../../core/api/handoff.ts';
import type { Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { AgentContext } from '../context.ts';
import { DATA_DIRECTORY_MARK } from '../process/environment.ts';
import { readEnvironment } from '../process/proc-table.ts';
import type { LiveSession, TerminalSessions } from '../provider/terminal-sessions.ts';
import { deskSessions, difference } from './desk-list.ts';
import { type WatchDirectory, watchDirectory } from './watch-directory.ts';

/** While somebody looks: a process that was killed leaves its file as it is, and a folder may not be there to be watched yet; ms. */
const POLL_MS = 2000;
/** Changes of the folder within this time are one; ms. */
const GATHER_MS = 50;

export interface DeskOptions {
  context: Pick<AgentContext, 'config' | 'clock' | 'publish' | 'log'>;
  provider: ProviderName;
  source: Pick<TerminalSessions, 'directory' | 'list'>;
  /** Ids of what a session asks here. */
  pending?(id: string): readonly string[];
  environment?(pid: number): Promise<string>;
  watch?: WatchDirectory;
}

export class Desk {
  readonly #options: Required<DeskOptions>;
  #sessions: readonly DeskSession[] = [];
  /** Process → whether it runs in a terminal of this server; of those that are listed. */
  #isHere = new Map<string, boolean>();
  #looking = 0;
  #poll: Timer | null = null;
  #soon: Timer | null = null;
  #endWatch: (() => void) | null = null;
  #scanning: Promise<void> | null = null;
  #isStale = false;
  #isClosed = false;

  constructor(options: DeskOptions) {
    this.#options = { pending: () => [], environment: readEnvironment, watch: watchDirectory, ...options };
  }

  /** As they were seen last; they are up to date while somebody looks. */
  get sessions(): readonly DeskSession[] {
    return this.#sessions;
  }

  /** Somebody looks from now on. @returns ends that, once */
  look(): () => void {
    if (++this.#looking === 1) this.#follow();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (--this.#looking === 0) this.#rest();
    };
  }

  /** Looks now. Resolves when the list is up to date. */
  async refresh(): Promise<readonly DeskSession[]> {
    this.#isStale = true;
    if (!this.#isClosed) await (this.#scanning ??= this.#scan());
    return this.#sessions;
  }

  /** What one of them asks has changed. */
  requestsChanged(): void {
    if (!this.#isClosed) this.#set(this.#sessions);
  }

  async has(id: string): Promise<boolean> {
    return (await this.refresh()).some((session) => session.id === id);
  }

  /** Throws Failure `not_found`. */
  async find(id: string): Promise<DeskSession> {
    const session = (await this.refresh()).find((entry) => entry.id === id);
    if (session) return session;
    throw new Failure('not_found', 'This session does not run in a terminal (any more).');
  }

  close(): void {
    this.#isClosed = true;
    this.#rest();
  }

  /** Again while there was a change during the last look. */
  async #scan(): Promise<void> {
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false;
      await this.#scanOnce();
    }
    this.#scanning = null;
  }

  async #scanOnce(): Promise<void> {
    const { provider, source, context: { log } } = this.#options;
    try {
      const live = await source.list();
      await this.#learnWhose(live);
      if (this.#isClosed) return;
      this.#set(deskSessions(provider, live, (session) => this.#isHere.get(keyOf(session)) ?? false));
    } catch (error) {
      log.warn('the sessions at the desk could not be read', { error: String(error) });
    }
  }

  #set(sessions: readonly DeskSession[]): void {
    const { pending, context: { publish } } = this.#options;
    const before = this.#sessions;
    this.#sessions = sessions.map(({ pending: _, ...session }) => {
      const ids = pending(session.id);
      return ids.length ? { ...session, pending: ids } : session;
    });
    const { changed, removed } = difference(before, this.#sessions);
    for (const id of removed) publish({ type: 'handoff.removed', id });
    for (const session of changed) publish({ type: 'handoff', session });
  }

  async #learnWhose(live: readonly LiveSession[]): Promise<void> {
    const { config: { dataDir } } = this.#options.context;
    const known = new Map<string, boolean>();
    for (const session of live) {
      const key = keyOf(session);
      const here = this.#isHere.get(key) ??
        (await this.#options.environment(session.pid)).includes(`\0${DATA_DIRECTORY_MARK}=${dataDir}\0`);
      known.set(key, here);
    }
    this.#isHere = known;
  }

  #follow(): void {
    if (this.#isClosed) return; // a dashboard that comes while the server ends
    const { clock } = this.#options.context;
    this.#watch();
    void this.refresh();
    const poll = () => {
      this.#poll = clock.setTimeout(poll, POLL_MS);
      this.#watch();
      void this.refresh();
    };
    this.#poll = clock.setTimeout(poll, POLL_MS);
  }

  #watch(): void {
    const { source, watch } = this.#options;
    this.#endWatch ??= watch(source.directory, {
      changed: () => this.#refreshSoon(),
      ended: () => this.#endWatch = null,
    });
  }

  #refreshSoon(): void {
    const { clock } = this.#options.context;
    this.#soon ??= clock.setTimeout(() => {
      this.#soon = null;
      void this.refresh();
    }, GATHER_MS);
  }

  #rest(): void {
    const { clock } = this.#options.context;
    for (const timer of [this.#poll, this.#soon]) clock.clearTimeout(timer);
    this.#poll = null;
    this.#soon = null;
    this.#endWatch?.();
    this.#endWatch = null;
  }
}

const keyOf = ({ pid, process }: LiveSession): string => `${pid} ${process?.startTime ?? ''}`;

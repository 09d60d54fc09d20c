/** An agent's hold on the session of its CLI: taken before anything is started on it, given up when nothing is any more. */
import type { ProviderName } from '../../core/api/agents.ts';
import { type AgentRecord, sessionOf } from './record.ts';
import { openElsewhere, type SessionHolder, type SessionLock, type SessionLocks } from './session-locks.ts';

export interface SessionHoldOptions {
  locks: SessionLocks;
  /** The agent's record as it is now. */
  record(): AgentRecord;
  /** Has a program that this server did not start the session open? */
  isOpenElsewhere(provider: ProviderName, sessionId: string): Promise<boolean>;
  /** The session's lock, when the create command has it already. */
  lock?: SessionLock | null;
}

export class SessionHold {
  readonly #options: SessionHoldOptions;
  #lock: SessionLock | null;

  constructor(options: SessionHoldOptions) {
    this.#options = options;
    this.#lock = options.lock ?? null;
  }

  /**
   * Takes the session that the next CLI goes on with, or that the present one has told. Throws Failure `session_in_use`.
   * @returns its id; null: the next CLI begins a new one
   */
  take(): string | null {
    const record = this.#options.record();
    const session = sessionOf(record);
    if (session === (this.#lock?.sessionId ?? null)) return session;
    const { id, name, provider } = record.info;
    const lock = session === null ? null : this.#options.locks.acquire(provider, session, { kind: 'agent', id, name });
    this.release();
    this.#lock = lock;
    return session;
  }

  /**
   * Takes the session first and looks around then: nobody can take it in between. Throws Failure `session_in_use`.
   * @param isOpen the agent's own CLI has it open, so that nobody else needs to be looked for
   */
  async takeToSend(isOpen: boolean): Promise<void> {
    if (this.take() !== null && !isOpen) await this.#refuseElsewhere(this.#lock!);
  }

  /**
   * Gives the session to a terminal. `stop` ends the agent's own CLI.
   * @returns null when there is no session yet
   */
  async handOver(holder: SessionHolder, stop: () => Promise<void>): Promise<SessionLock | null> {
    this.take();
    const lock = this.#lock;
    lock?.handTo(holder);
    this.#lock = null;
    try {
      await stop();
      if (lock) await this.#refuseElsewhere(lock);
      return lock;
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  release(): void {
    this.#lock?.release();
    this.#lock = null;
  }

  async #refuseElsewhere({ sessionId }: SessionLock): Promise<void> {
    const { provider } = this.#options.record().info;
    if (await this.#options.isOpenElsewhere(provider, sessionId)) throw openElsewhere();
  }
}

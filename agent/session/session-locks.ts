/**
 * Who may run a program on a session of a CLI: one at a time, because two processes on one session lose each other's turns.
 * Agents, terminals and create commands all ask here, before they wait for anything; whoever is refused has changed nothing.
 */
import type { ProviderName } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';

export interface SessionHolder {
  kind: 'agent' | 'terminal';
  id: string;
  /** For people. */
  name: string;
}

/** A session that is held. Release it when no program can run on it any more. */
export interface SessionLock {
  readonly sessionId: string;
  readonly holder: SessionHolder;
  /** The holder gives the session to another one, without a moment in which nobody has it. */
  handTo(holder: SessionHolder): void;
  release(): void;
}

export class SessionLocks {
  readonly #locks = new Map<string, SessionLock>();

  /** Throws Failure `session_in_use` when somebody has the session. */
  acquire(provider: ProviderName, sessionId: string, holder: SessionHolder): SessionLock {
    const key = `${provider} ${sessionId}`;
    const present = this.#locks.get(key);
    if (present) throw inUse(present.holder);
    let current = holder;
    const lock: SessionLock = {
      sessionId,
      get holder() {
        return current;
      },
      handTo: (next) => void (current = next),
      release: () => {
        if (this.#locks.get(key) === lock) this.#locks.delete(key);
      },
    };
    this.#locks.set(key, lock);
    return lock;
  }

  holderOf(provider: ProviderName, sessionId: string): SessionHolder | null {
    return this.#locks.get(`${provider} ${sessionId}`)?.holder ?? null;
  }
}

function inUse({ kind, name }: SessionHolder): Failure {
  const text = kind === 'terminal'
    ? `This session is open in the terminal "${name}". Close the terminal and go on here.`
    : `The agent "${name}" has this session open. Go on there, or fork the session.`;
  return new Failure('session_in_use', text, { params: { kind, name } });
}

/** A program that this server did not start has the session open. */
export const openElsewhere = (): Failure =>
  new Failure(
    'session_in_use',
    'A program on this machine has this session open. End it and go on here, or fork the session.',
  );

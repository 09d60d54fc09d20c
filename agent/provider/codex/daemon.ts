/** Codex's daemon on this machine: whether it runs, which threads it has, and who else writes one. */
import { readlinkSync } from 'node:fs';
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Environment } from '../../process/environment.ts';
import { list, string } from '../untyped-json.ts';
import { DaemonLink } from './daemon-link.ts';
import { codexHome, daemonSocket } from './daemon-socket.ts';
import { isBelow, threadWriter } from './thread-lock.ts';

/** Threads that are listed. */
const MAX_LOADED = 1000;
/** thread/resume of a thread that another process writes. */
const HELD = /already has an active writer/;
/** A thread is on disk from its first turn on; resumed before that, or when its file is gone, it is not known. */
const LOST = /no rollout found/;

export class CodexDaemon {
  readonly #home: string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The last refusal, said once. */
  #refusal = '';

  constructor({ env, clock, log }: { env: Environment; clock: Clock; log: Log }) {
    this.#home = codexHome(env);
    this.#clock = clock;
    this.#log = log.tagged('Codex');
  }

  /** Its socket; null: it does not run, or is not to be trusted. */
  get socket(): string | null {
    try {
      return daemonSocket(this.#home);
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#refusal) this.#log.warn('the socket of the Codex daemon is not used', { reason: message });
      this.#refusal = message;
      return null;
    }
  }

  /** The socket by which to join the thread; null: it is for a server of our own. @param ownPids our own servers */
  socketFor(threadId: string, ownPids: readonly number[]): string | null {
    const writer = threadWriter(this.#home, threadId);
    if (!writer || (writer.pid !== null && isBelow(writer.pid, ownPids))) return null;
    return this.socket;
  }

  /** Ids of the threads that it has loaded. Empty when it does not run or does not answer. */
  async loaded(): Promise<Set<string>> {
    const { socket } = this;
    if (!socket) return new Set();
    const nothing = () => {};
    const link = new DaemonLink({ socket, clock: this.#clock, notification: nothing, request: nothing, lost: nothing });
    try {
      await link.ready;
      const { data } = await link.request('thread/loaded/list', { limit: MAX_LOADED });
      return new Set(list(data).slice(0, MAX_LOADED).map(string));
    } catch (error) {
      this.#log.info('the Codex daemon lists no threads', { reason: (error as Error).message });
      return new Set();
    } finally {
      link.close();
    }
  }

  /** What is said about a thread that could not be opened. */
  failure(threadId: string, text: string): { text: string; sessionLost: boolean } {
    const isHeld = HELD.test(text);
    return { text: isHeld ? this.#heldBy(threadId) : text, sessionLost: !isHeld && LOST.test(text) };
  }

  #heldBy(threadId: string): string {
    const pid = threadWriter(this.#home, threadId)?.pid ?? null;
    const where = pid === null ? '' : ` (process ${pid}${directoryOf(pid)})`;
    return `This conversation is open in another Codex program on this machine${where}. ` +
      'Leave it there with /quit, then send the message again.';
  }
}

function directoryOf(pid: number): string {
  try {
    return ` in ${readlinkSync(`/proc/${pid}/cwd`)}`;
  } catch {
    return '';
  }
}

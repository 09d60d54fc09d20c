/**
 * Which user of this machine is at the other end of a loopback connection (Linux). The look-up begins when the connection
 * is made, and whoever wants to serve a request on it waits for its outcome. Who cannot be found out is unknown, never
 * allowed: this is what the caller refuses.
 */
import { setImmediate } from 'node:timers';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import {
  type ConnectionAddresses,
  findPeerUsers,
  readSystemTable,
  type ReadTable,
  type RowKeys,
  rowKeys,
} from './socket-table.ts';

/** What the look-up needs of a net.Socket. */
export interface PeerSocket extends ConnectionAddresses {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

export interface PeerUsersOptions {
  clock: Clock;
  log: Log;
  readTable?: ReadTable;
}

/**
 * Waits before a living connection is looked for again, ms: a row can be skipped when others of its hash bucket go
 * while the table is read, and the table cannot be opened while the process is out of file descriptors.
 */
export const RETRY_MS: readonly number[] = [5, 20, 80, 320];

interface LookUp {
  readonly keys: RowKeys;
  readonly resolve: (user: number | null) => void;
  tries: number;
  timer: Timer | null;
}

export class PeerUsers {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #readTable: ReadTable;
  /** A connection's owner does not change: looked up once. */
  readonly #users = new WeakMap<object, Promise<number | null>>();
  /** Look-ups without an outcome by their peer's key; bounded by the server's limit of connections. */
  readonly #pending = new Map<string, LookUp>();
  /** Those of them that the next reading of the tables is for. */
  readonly #next = new Set<LookUp>();
  #isReading = false;
  #isUnreadable = false;

  constructor({ clock, log, readTable = readSystemTable }: PeerUsersOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#readTable = readTable;
  }

  /** Begins the look-up. Call it when the connection is made, before any byte of it is processed. */
  add(socket: PeerSocket): void {
    const keys = socket.destroyed ? null : rowKeys(socket);
    this.#users.set(socket, keys ? this.#lookUp(socket, keys) : Promise.resolve(null));
  }

  /** The user id of the other end; null: it cannot be found out. A socket that was not added is of nobody we know. */
  async of(socket: object): Promise<number | null> {
    return await this.#users.get(socket) ?? null;
  }

  /** Ends every look-up as unknown. */
  close(): void {
    for (const lookUp of this.#pending.values()) this.#settle(lookUp, null);
  }

  #lookUp(socket: PeerSocket, keys: RowKeys): Promise<number | null> {
    return new Promise((resolve) => {
      // The same two ends again: the earlier connection is over, and its port may be another user's now.
      const earlier = this.#pending.get(keys.peer);
      if (earlier) this.#settle(earlier, null);
      const lookUp: LookUp = { keys, resolve, tries: 0, timer: null };
      this.#pending.set(keys.peer, lookUp);
      socket.once('close', () => this.#settle(lookUp, null));
      this.#enqueue(lookUp);
    });
  }

  #settle(lookUp: LookUp, user: number | null): void {
    this.#clock.clearTimeout(lookUp.timer);
    this.#next.delete(lookUp);
    if (this.#isPending(lookUp)) this.#pending.delete(lookUp.keys.peer);
    lookUp.resolve(user);
  }

  #isPending(lookUp: LookUp): boolean {
    return this.#pending.get(lookUp.keys.peer) === lookUp;
  }

  #enqueue(lookUp: LookUp): void {
    this.#next.add(lookUp);
    this.#readNext();
  }

  /** One reading for all connections of a tick, and one for all that come while the tables are read. */
  #readNext(): void {
    if (this.#isReading || this.#next.size === 0) return;
    this.#isReading = true;
    setImmediate(() => void this.#read());
  }

  async #read(): Promise<void> {
    const batch = [...this.#next];
    this.#next.clear();
    const users = await this.#find(batch.map(({ keys }) => keys));
    // After one turn of the loop: what happened to these connections before their rows were read is known then, too.
    setImmediate(() => {
      this.#isReading = false;
      for (const lookUp of batch) {
        if (!this.#isPending(lookUp)) continue;
        const user = users.get(lookUp.keys);
        if (user === undefined) this.#retry(lookUp);
        else this.#settle(lookUp, user);
      }
      this.#readNext();
    });
  }

  #retry(lookUp: LookUp): void {
    const wait = RETRY_MS[lookUp.tries++];
    if (wait === undefined) return this.#settle(lookUp, null);
    lookUp.timer = this.#clock.setTimeout(() => this.#enqueue(lookUp), wait);
  }

  /** Finds nobody when the tables cannot be read; said once in the log, and once when they can be read again. */
  async #find(keys: readonly RowKeys[]): Promise<Map<RowKeys, number>> {
    try {
      const users = await findPeerUsers(keys, this.#readTable);
      if (this.#isUnreadable) this.#log.info('/proc/net/tcp can be read again: local connections are served');
      this.#isUnreadable = false;
      return users;
    } catch (error) {
      if (!this.#isUnreadable) this.#log.warn(unreadable(error as NodeJS.ErrnoException));
      this.#isUnreadable = true;
      return new Map();
    }
  }
}

function unreadable(error: NodeJS.ErrnoException): string {
  const isOutOfFiles = error.code === 'EMFILE' || error.code === 'ENFILE';
  const mend = isOutOfFiles
    ? 'Too many files are open: close connections, or raise the limit (ulimit -n) and start again.'
    : 'Start the server where /proc/net/tcp and /proc/net/tcp6 are readable.';
  return `Local connections are refused: /proc/net/tcp does not say which user they are from (${error.message}). ${mend}`;
}

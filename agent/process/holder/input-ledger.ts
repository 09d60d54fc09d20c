/**
 * Input by client, counted in bytes, so that a client that comes back on another connection knows what was received and sends
 * the rest: nothing is typed twice and nothing is lost. Input is acknowledged as the program reads it, so that a client sends
 * no more than INPUT_WINDOW ahead. Only clients that typed are counted: a page that is loaded and only watches costs nothing.
 */
import { INPUT_WINDOW } from '../../../core/api/terminals.ts';

/** Clients whose counts are retained. More than can be connected at once (MAX_VIEWER), so that one can always be dropped. */
export const MAX_CLIENTS = 64;

interface Count {
  /** Bytes received, and of those, bytes that the PTY has taken. */
  received: number;
  taken: number;
}

/** A ledger as JSON. */
export interface InputSnapshot {
  /** Client, bytes received, bytes taken; the one that was heard of longest ago first. */
  counts: [string, number, number][];
  /** Client and bytes. */
  queue: [string, number][];
  hasDropped: boolean;
}

export class InputLedger {
  readonly #isConnected: (client: string) => boolean;
  readonly #maxClients: number;
  /** The one that was heard of longest ago first. */
  readonly #counts = new Map<string, Count>();
  /** Handed to the PTY and not taken yet, in order. */
  readonly #queue: { client: string; count: Count; bytes: number }[] = [];
  #hasDropped = false;

  /** @param isConnected the count of a connected client is never dropped: both sides go on counting from it */
  constructor(isConnected: (client: string) => boolean, maxClients = MAX_CLIENTS) {
    this.#isConnected = isConnected;
    this.#maxClients = maxClients;
  }

  snapshot(): InputSnapshot {
    return {
      counts: [...this.#counts].map(([client, { received, taken }]) => [client, received, taken]),
      queue: this.#queue.map(({ client, bytes }) => [client, bytes]),
      hasDropped: this.#hasDropped,
    };
  }

  /** Goes on where another ledger was. */
  restore({ counts, queue, hasDropped }: InputSnapshot): void {
    for (const [client, received, taken] of counts) this.#moveLast(client, { received, taken });
    for (const [client, bytes] of queue) {
      this.#queue.push({ client, count: this.#counts.get(client) ?? { received: 0, taken: 0 }, bytes });
    }
    this.#hasDropped ||= hasDropped;
  }

  /** Counts input that another ledger has received: `received` is its count, these bytes included. */
  follow(client: string, received: number, bytes: number): void {
    const before = received - bytes;
    const known = this.#counts.get(client);
    const count = known?.received === before ? known : { received: before, taken: before };
    this.#moveLast(client, count);
    count.received = received;
    this.#queue.push({ client, count, bytes });
  }

  /**
   * Bytes received from a client, for the moment it connects. null: unknown, because counts have been dropped and its own may
   * be one of them. The next byte is then number 0.
   */
  received(client: string): number | null {
    const count = this.#counts.get(client);
    if (!count) return this.#hasDropped ? null : 0;
    this.#moveLast(client, count);
    return count.received;
  }

  /** Counts input of a client. Returns false when it is beyond the client's window: then it is not taken. */
  receive(client: string, bytes: number): boolean {
    const count = this.#counts.get(client) ?? { received: 0, taken: 0 };
    if (count.received + bytes - count.taken > INPUT_WINDOW) return false;
    this.#moveLast(client, count);
    count.received += bytes;
    this.#queue.push({ client, count, bytes });
    return true;
  }

  #moveLast(client: string, count: Count): void {
    this.#counts.delete(client);
    this.#counts.set(client, count);
    if (this.#counts.size <= this.#maxClients) return;
    const oldest = [...this.#counts.keys()].find((entry) => entry !== client && !this.#isConnected(entry));
    if (oldest === undefined) return;
    this.#counts.delete(oldest);
    this.#hasDropped = true;
  }

  /** The PTY has taken so many bytes more. Returns each client concerned with its new count. */
  taken(bytes: number): Map<string, number> {
    const changed = new Map<string, number>();
    while (bytes > 0 && this.#queue.length) {
      const next = this.#queue[0]!;
      const part = Math.min(bytes, next.bytes);
      bytes -= part;
      next.bytes -= part;
      next.count.taken += part;
      if (!next.bytes) this.#queue.shift();
      // A client that was dropped and came back counts from 0: this input is not in its count.
      if (this.#counts.get(next.client) === next.count) changed.set(next.client, next.count.taken);
    }
    return changed;
  }
}

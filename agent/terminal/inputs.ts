/**
 * Input by client, counted in bytes, so that a client that comes back on another connection knows what was taken and sends
 * the rest: nothing is typed twice and nothing is lost. And acknowledged as the program reads it, so that a client sends no
 * more than INPUT_WINDOW ahead.
 */
import { INPUT_WINDOW } from '../../core/wire/terminal.ts';

/** Clients whose counts are kept; the ones longest unheard of are forgotten first. */
export const CLIENTS_KEPT = 64;

interface Count {
  /** Bytes received, and of those, bytes that the PTY has taken. */
  received: number;
  taken: number;
}

export class Inputs {
  readonly #counts = new Map<string, Count>();
  /** Handed to the PTY and not yet taken, in order. */
  readonly #queue: { client: string; bytes: number }[] = [];

  #count(client: string): Count {
    const count = this.#counts.get(client) ?? { received: 0, taken: 0 };
    this.#counts.delete(client);
    this.#counts.set(client, count);
    if (this.#counts.size > CLIENTS_KEPT) this.#counts.delete(this.#counts.keys().next().value!);
    return count;
  }

  received(client: string): number {
    return this.#count(client).received;
  }

  /** @returns false when the client sends beyond its window: it is not taken */
  receive(client: string, bytes: number): boolean {
    const count = this.#count(client);
    if (count.received + bytes - count.taken > INPUT_WINDOW) return false;
    count.received += bytes;
    this.#queue.push({ client, bytes });
    return true;
  }

  /** The PTY has taken so many bytes more. Gives each client concerned and its new count. */
  taken(bytes: number): Map<string, number> {
    const changed = new Map<string, number>();
    while (bytes > 0 && this.#queue.length) {
      const next = this.#queue[0]!;
      const part = Math.min(bytes, next.bytes);
      bytes -= part;
      next.bytes -= part;
      if (!next.bytes) this.#queue.shift();
      const count = this.#counts.get(next.client);
      if (count) changed.set(next.client, count.taken += part);
    }
    return changed;
  }
}

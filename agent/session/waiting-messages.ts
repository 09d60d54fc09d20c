/**
 * Messages that no CLI has yet: they wait behind a running turn, in the order in which they will be handed over. Until then
 * each can be changed, moved and taken out.
 */
import type { OutgoingMessage } from '../provider/provider.ts';

/** Messages of one agent that wait; more are refused. */
export const MAX_WAITING = 100;

export class WaitingMessages {
  #list: OutgoingMessage[] = [];

  get list(): readonly OutgoingMessage[] {
    return this.#list;
  }

  has(id: string): boolean {
    return this.#list.some((message) => message.id === id);
  }

  get(id: string): OutgoingMessage | undefined {
    return this.#list.find((message) => message.id === id);
  }

  addLast(message: OutgoingMessage): void {
    this.#list.push(message);
  }

  addFirst(messages: Iterable<OutgoingMessage>): void {
    this.#list.unshift(...messages);
  }

  /** @returns the message, which does not wait any more; undefined: it did not */
  take(id: string): OutgoingMessage | undefined {
    const found = this.get(id);
    this.#list = this.#list.filter((message) => message !== found);
    return found;
  }

  takeFirst(): OutgoingMessage | undefined {
    return this.#list.shift();
  }

  /** @returns what waited */
  takeAll(): OutgoingMessage[] {
    return this.#list.splice(0);
  }

  /** @returns false when it does not wait */
  setText(id: string, text: string): boolean {
    if (!this.has(id)) return false;
    this.#list = this.#list.map((message) => message.id === id ? { ...message, text } : message);
    return true;
  }

  /** @param before the message that it comes before; one that does not wait: it comes last. @returns false when it does not wait */
  move(id: string, before: string): boolean {
    const message = this.get(id);
    if (!message || id === before) return message !== undefined;
    const rest = this.#list.filter((other) => other !== message);
    const position = rest.findIndex((other) => other.id === before);
    rest.splice(position < 0 ? rest.length : position, 0, message);
    this.#list = rest;
    return true;
  }
}

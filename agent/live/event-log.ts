/**
 * Every change of this machine in one order: published here, numbered, retained for those who were away, handed to the
 * subscribers. Knows no socket. See core/api/SPEC.md, "Live feed".
 */
import { randomUUID } from 'node:crypto';
import type { LiveChange } from '../../core/api/live.ts';

/** Changes that are retained, and characters of their JSON. */
export const MAX_RETAINED_CHANGES = 20_000;
export const MAX_RETAINED_LENGTH = 8 * 1024 * 1024;

/** A change as it is retained: the object itself may be changed later. */
export interface LiveEvent {
  seq: number;
  /** The `event` message of the live feed. */
  json: string;
  /** The agent whose messages changed; null: a change that concerns everybody. */
  agent: string | null;
}

export type LiveSubscriber = (change: LiveChange, event: LiveEvent) => void;

export class EventLog {
  /** One life of the server: numbers of another epoch mean nothing here. */
  readonly epoch: string = randomUUID();
  readonly #subscribers = new Set<LiveSubscriber>();
  #seq = 0;
  #retained: LiveEvent[] = [];
  #retainedLength = 0;
  /** Events not handed out yet: a subscriber may publish, and everybody still sees one order. */
  #undelivered: [LiveChange, LiveEvent][] = [];
  #isDelivering = false;

  /** The number of the newest change; 0 before the first. */
  get seq(): number {
    return this.#seq;
  }

  /**
   * Numbers the change and hands it to every subscriber before it returns, or before the publish that it is part of does.
   * @param changeJson the change's JSON
   */
  publish(change: LiveChange, changeJson = JSON.stringify(change)): void {
    const seq = ++this.#seq;
    const event = { seq, json: eventJson(seq, changeJson), agent: agentOf(change) };
    this.#retain(event);
    this.#undelivered.push([change, event]);
    if (!this.#isDelivering) this.#deliver();
  }

  /** @returns the unsubscriber. What a subscriber throws goes to the process's handler of unexpected errors, not to the publisher. */
  subscribe(subscriber: LiveSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  /** The changes after that number; null when some of them are not retained any more, or when it is none of this epoch. */
  since(last: number): LiveEvent[] | null {
    if (last > this.#seq) return null;
    const first = this.#retained[0]?.seq ?? this.#seq + 1;
    return last + 1 < first ? null : this.#retained.slice(last + 1 - first);
  }

  #retain(event: LiveEvent): void {
    this.#retained.push(event);
    this.#retainedLength += event.json.length;
    let drop = 0;
    while (this.#retained.length - drop > MAX_RETAINED_CHANGES || this.#retainedLength > MAX_RETAINED_LENGTH) {
      this.#retainedLength -= this.#retained[drop++]!.json.length;
    }
    // In portions: removing the first of a long array moves all others.
    if (drop > 0) this.#retained.splice(0, drop);
  }

  #deliver(): void {
    this.#isDelivering = true;
    for (let next = this.#undelivered.shift(); next; next = this.#undelivered.shift()) {
      for (const subscriber of [...this.#subscribers]) call(subscriber, ...next);
    }
    this.#isDelivering = false;
  }
}

/** The JSON of a LiveMessage `event`. */
const eventJson = (seq: number, changeJson: string): string => `{"type":"event","seq":${seq},"change":${changeJson}}`;

function call(subscriber: LiveSubscriber, change: LiveChange, event: LiveEvent): void {
  try {
    subscriber(change, event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function agentOf(change: LiveChange): string | null {
  switch (change.type) {
    case 'message':
    case 'message.patch':
    case 'delta':
    case 'messages.cleared':
      return change.agent;
    default:
      return null;
  }
}

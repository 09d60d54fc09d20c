/** Server-wide warnings that dashboards show until they are taken back. */
import type { LiveSnapshot } from '../../core/api/live.ts';
import type { Log } from '../../core/log.ts';
import type { EventLog } from './event-log.ts';

export class Warnings {
  readonly #events: EventLog;
  readonly #log: Log;
  readonly #texts = new Map<string, string>();

  constructor(events: EventLog, log: Log) {
    this.#events = events;
    this.#log = log;
  }

  /** Sets the warning of this code; an empty text takes it back. */
  set(code: string, text: string): void {
    if ((this.#texts.get(code) ?? '') === text) return;
    if (text) {
      this.#texts.set(code, text);
      this.#log.warn(text, { code });
    } else this.#texts.delete(code);
    this.#events.publish({ type: 'warning', code, text });
  }

  list(): LiveSnapshot['warnings'] {
    return [...this.#texts].map(([code, text]) => ({ code, text }));
  }
}

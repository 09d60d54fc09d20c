/**
 * Which devices were told of which request: on disk before they are told, until each has been told of its end. So a request that
 * a restart ended does not stand on a lock screen for ever.
 */
import { join } from 'node:path';
import { fields, list, string } from '../../core/api/schema.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';
import { MAX_SUBSCRIPTION } from './subscriptions.ts';

/** Requests whose end is still to be told; older ones are forgotten, their notifications stay until they are tapped. */
export const MAX_SHOWN = 1000;

export interface ShownRequest {
  agent: string;
  request: string;
  /** Ids of the subscriptions. */
  devices: readonly string[];
}

export class ShownRequests {
  readonly #document: Document<readonly ShownRequest[]>;
  readonly #warn: (sentence: string) => void;

  constructor({ config, warn, log }: AgentContext) {
    this.#document = openDocument<readonly ShownRequest[]>({
      path: join(config.dataDir, 'push-shown.json'),
      initial: [],
      parse: (value) => list(parseShown, MAX_SHOWN)(value, 'shown'),
      warn: (sentence) => warn('push-shown', sentence),
    });
    this.#warn = (sentence) => log.warn(sentence);
  }

  all(): readonly ShownRequest[] {
    return this.#document.value;
  }

  /** Resolves when it is on disk, or could not get there: a request is told all the same. */
  add(shown: ShownRequest): Promise<void> {
    return this.#change((all) => {
      const others = all.filter(({ request, agent }) => request !== shown.request || agent !== shown.agent);
      return [...others.slice(-(MAX_SHOWN - 1)), shown];
    });
  }

  /** These devices know that it is over. */
  async remove(agent: string, request: string, devices: readonly string[]): Promise<void> {
    await this.#change((all) =>
      all.map((entry) =>
        entry.agent === agent && entry.request === request
          ? { ...entry, devices: entry.devices.filter((device) => !devices.includes(device)) }
          : entry
      ).filter((entry) => entry.devices.length > 0)
    );
  }

  async #change(change: (all: readonly ShownRequest[]) => readonly ShownRequest[]): Promise<void> {
    await this.#document.update(change).catch((error) => this.#warn((error as Error).message));
  }
}

function parseShown(value: unknown, name: string): ShownRequest {
  const entry = fields(value, name);
  return {
    agent: string(entry.agent, `${name}.agent`),
    request: string(entry.request, `${name}.request`),
    devices: list(string, MAX_SUBSCRIPTION)(entry.devices, `${name}.devices`),
  };
}

/** Deletes agents that nobody used for the time of the settings; never one that works, waits for somebody or holds unmerged work. */
import type { Timer } from '../core/clock.ts';
import { HttpError } from '../core/http/reply.ts';
import type { AgentInfo } from '../core/wire/types.ts';
import type { Agents, House } from './rooms.ts';

const EVERY_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

export class Retention {
  readonly #house: House;
  readonly #agents: Agents;
  readonly #hours: () => number;
  /** Agents that hold unmerged work, each told once. */
  readonly #kept = new Set<string>();
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param hours of the settings; 0: never */
  constructor(house: House, agents: Agents, hours: () => number) {
    this.#house = house;
    this.#agents = agents;
    this.#hours = hours;
    this.#wait();
  }

  #wait(): void {
    if (this.#closed) return;
    this.#timer = this.#house.clock.setTimeout(() => {
      this.#running = this.sweep().finally(() => this.#wait());
    }, EVERY_MS);
  }

  async sweep(): Promise<void> {
    const hours = this.#hours();
    if (!hours) return;
    const limit = this.#house.clock.now() - hours * HOUR_MS;
    for (const agent of this.#agents.list()) if (isForgotten(agent, limit)) await this.#remove(agent);
  }

  async #remove({ id, name }: AgentInfo): Promise<void> {
    try {
      await this.#agents.remove(id, { discardWork: false }, 'retention');
      this.#kept.delete(id);
    } catch (error) {
      if (this.#kept.has(id)) return;
      this.#kept.add(id);
      const isWork = error instanceof HttpError && error.code === 'unmerged_work';
      const text = isWork ? 'An old agent is kept because of its unmerged work' : 'An old agent could not be deleted';
      this.#house.log.info(text, { agent: id, name });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#house.clock.clearTimeout(this.#timer);
    await this.#running;
  }
}

function isForgotten(agent: AgentInfo, limit: number): boolean {
  const isQuiet = agent.state === 'idle' || agent.state === 'stopped' || agent.state === 'error';
  return isQuiet && !agent.queue.length && !agent.pending.length && Math.max(agent.activeAt, agent.createdAt) < limit;
}

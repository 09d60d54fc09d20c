/** Deletes agents unused for the time of the settings; never one that works, waits for a user, is pinned or holds unmerged work. */
import type { Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import type { AgentContext } from '../context.ts';
import type { RunTime } from '../store/run-time.ts';
import type { Agents } from './agents.ts';

const SWEEP_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;

export interface RetentionOptions {
  context: AgentContext;
  agents: Agents;
  terminals: { list(): TerminalInfo[] };
  runTime: Pick<RunTime, 'since'>;
  /** Of the settings; 0: never. */
  hours(): number;
}

export class Retention {
  readonly #options: RetentionOptions;
  /** Agents that could not be deleted, each logged once. */
  readonly #retained = new Set<string>();
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#options.context.clock.setTimeout(() => {
      this.#running = this.sweep().finally(() => this.#schedule());
    }, SWEEP_MS);
  }

  async sweep(): Promise<void> {
    for (const agent of this.#options.agents.list()) if (this.#isForgotten(agent)) await this.#remove(agent);
  }

  #isForgotten(agent: AgentInfo): boolean {
    const hours = this.#options.hours();
    const isQuiet = agent.state === 'idle' || agent.state === 'stopped' || agent.state === 'error';
    if (!hours || !isQuiet || agent.pinned || agent.queue.length || agent.pending.length) return false;
    const terminals = this.#options.terminals.list().filter(({ agentId }) => agentId === agent.id);
    if (terminals.some(({ exited }) => !exited)) return false;
    const used = Math.max(agent.activeAt, agent.createdAt, ...terminals.map(({ activeAt }) => activeAt));
    return this.#options.runTime.since(used) > hours * HOUR_MS;
  }

  async #remove({ id, name }: AgentInfo): Promise<void> {
    const onlyIf = (agent: AgentInfo) => this.#isForgotten(agent);
    try {
      await this.#options.agents.remove(id, { discardWork: false, onlyIf }, 'retention');
      this.#retained.delete(id);
    } catch (error) {
      if (this.#retained.has(id)) return;
      this.#retained.add(id);
      const isWork = error instanceof Failure && error.code === 'unmerged_work';
      const text = isWork ? 'An old agent is kept because of its unmerged work' : 'An old agent could not be deleted';
      this.#options.context.log.info(text, {
        agent: id,
        name,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#options.context.clock.clearTimeout(this.#timer);
    await this.#running;
  }
}

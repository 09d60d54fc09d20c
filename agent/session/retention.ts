/**
 * Archives agents unused for the time of the settings, and deletes those that lie in the archive for longer; never one that
 * works, waits for a user or is pinned. What holds unmerged work is not deleted.
 */
import type { Timer } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Settings } from '../../core/api/settings.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import type { AgentContext } from '../context.ts';
import type { RunTime } from '../store/run-time.ts';
import type { Agents } from './agents.ts';

const SWEEP_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface RetentionOptions {
  context: AgentContext;
  agents: Agents;
  terminals: { list(): TerminalInfo[] };
  runTime: Pick<RunTime, 'since'>;
  /** 0: never. */
  settings(): Pick<Settings, 'retentionHours' | 'archiveDays'>;
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
    for (const agent of this.#options.agents.list()) {
      if (agent.archivedAt && this.#isForgotten(agent)) await this.#remove(agent);
      else if (!agent.archivedAt && this.#isUnused(agent)) await this.#archive(agent);
    }
  }

  /** Whether it is archived or not: it was not used for the hours of the settings. */
  #isUnused(agent: AgentInfo): boolean {
    return this.#isOlder(agent, this.#options.settings().retentionHours * HOUR_MS);
  }

  /** It lies in the archive, unused, for the days of the settings. */
  #isForgotten(agent: AgentInfo): boolean {
    return !!agent.archivedAt && this.#isOlder(agent, this.#options.settings().archiveDays * DAY_MS);
  }

  /** @param limit ms; 0: never */
  #isOlder(agent: AgentInfo, limit: number): boolean {
    const isQuiet = agent.state === 'idle' || agent.state === 'stopped' || agent.state === 'error' ||
      (agent.state === 'waiting_limit' && !agent.goOn);
    if (!limit || !isQuiet || agent.background || agent.pinned || agent.queue.length || agent.pending.length) {
      return false;
    }
    const terminals = this.#options.terminals.list().filter(({ agentId }) => agentId === agent.id);
    if (terminals.some(({ exited }) => !exited)) return false;
    const { activeAt, createdAt, archivedAt = 0 } = agent;
    const used = Math.max(activeAt, createdAt, archivedAt, ...terminals.map(({ activeAt }) => activeAt));
    return this.#options.runTime.since(used) > limit;
  }

  async #archive({ id, name }: AgentInfo): Promise<void> {
    const { agents, context } = this.#options;
    try {
      await agents.mark(id, { archived: true });
      // Used while it was being saved, when it was not in the archive yet: nothing else takes it out.
      const { archivedAt, ...info } = agents.info(id);
      if (archivedAt && !this.#isUnused(info)) await agents.mark(id, { archived: false });
      else context.log.info('agent archived', { agent: id, name, by: 'retention' });
    } catch (error) {
      context.log.debug('an agent could not be archived', { agent: id, reason: String(error) });
    }
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

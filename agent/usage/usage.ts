/** What agents use of their accounts and budgets, put together. */
import type { AgentInfo, ProviderName } from '../../core/api/agents.ts';
import type { Failure } from '../../core/api/errors.ts';
import type { Budget, LimitWindow, UsageReport } from '../../core/api/usage.ts';
import type { AgentContext } from '../context.ts';
import { BudgetGuard } from './budget.ts';
import { GoOn } from './go-on.ts';
import { UsageLedger } from './ledger.ts';
import type { UsageMeters } from './meters.ts';

export interface UsageOptions {
  context: AgentContext;
  agents: {
    list(): AgentInfo[];
    has(id: string): boolean;
    info(id: string): AgentInfo;
    stopFor(id: string, text: string): Promise<void>;
    goOn(id: string, message: { text: string; clientId: string }, by: string): Promise<void>;
  };
  meters: UsageMeters;
  budget(): Budget;
  /** As the agent's CLI names it; empty: it does not. */
  account(agent: string): string;
  /** Asks a CLI for its account's limits; null where it does not say. */
  readLimits(provider: ProviderName): Promise<LimitWindow[] | null>;
}

export class Usage {
  readonly #ledger: UsageLedger;
  readonly #meters: UsageMeters;
  readonly #budget: BudgetGuard;
  readonly #goOn: GoOn;
  #isOpen = false;

  constructor({ context, agents, meters, budget, account, readLimits }: UsageOptions) {
    this.#meters = meters;
    this.#budget = new BudgetGuard({ budget, rows: () => this.#ledger.rows(1), agents });
    this.#ledger = new UsageLedger({ context, agents, onUsed: (agent) => this.#onUsed(agent) });
    this.#goOn = new GoOn({
      ...{ context, agents, readLimits },
      meter: ({ id, provider }) => meters.of(provider, account(id)),
    });
    this.#isOpen = true;
  }

  #onUsed(agent: AgentInfo): void {
    // What an earlier server did not count is no reason to stop anything.
    if (this.#isOpen) this.#budget.check(agent);
  }

  report(days: number): UsageReport {
    return { today: this.#ledger.today, days, meters: this.#meters.list(), rows: this.#ledger.rows(days) };
  }

  /** Why this agent may not begin anything today; null: it may. */
  refusal(agent: string): Failure | null {
    return this.#budget.refusal(agent);
  }

  /** Begins nothing more. To be called before the agents are closed. */
  async end(): Promise<void> {
    await this.#goOn.close();
  }

  async close(): Promise<void> {
    await this.end();

    await Promise.all([this.#ledger.close(), this.#meters.close()]);
  }
}

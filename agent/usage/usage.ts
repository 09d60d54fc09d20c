/** What agents use of their accounts and budgets, put together. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Failure } from '../../core/api/errors.ts';
import type { Budget, UsageReport } from '../../core/api/usage.ts';
import type { AgentContext } from '../context.ts';
import { BudgetGuard } from './budget.ts';
import { UsageLedger } from './ledger.ts';
import type { UsageMeters } from './meters.ts';

export interface UsageOptions {
  context: AgentContext;
  agents: {
    list(): AgentInfo[];
    has(id: string): boolean;
    info(id: string): AgentInfo;
    stopFor(id: string, text: string): Promise<void>;
  };
  meters: UsageMeters;
  budget(): Budget;
}

export class Usage {
  readonly #ledger: UsageLedger;
  readonly #meters: UsageMeters;
  readonly #budget: BudgetGuard;
  #isOpen = false;

  constructor({ context, agents, meters, budget }: UsageOptions) {
    this.#meters = meters;
    this.#budget = new BudgetGuard({ budget, rows: () => this.#ledger.rows(1), agents });
    this.#ledger = new UsageLedger({ context, agents, onUsed: (agent) => this.#onUsed(agent) });
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

  async close(): Promise<void> {
    await Promise.all([this.#ledger.close(), this.#meters.close()]);
  }
}

/** A day's budget: an agent that has used it up is stopped with a sentence, and takes no message before the next day or a larger one. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';
import { type Budget, tokensOf, type UsageRow } from '../../core/api/usage.ts';

const HINT = 'Raise it under Settings, or go on tomorrow.';

export interface BudgetGuardOptions {
  budget(): Budget;
  /** The rows of today. */
  rows(): UsageRow[];
  agents: {
    list(): AgentInfo[];
    /** Ends what the agent does, with this sentence. */
    stopFor(id: string, text: string): Promise<void>;
  };
}

export class BudgetGuard {
  readonly #options: BudgetGuardOptions;

  constructor(options: BudgetGuardOptions) {
    this.#options = options;
  }

  /** Why this agent (null: one that is about to be made) may not begin anything today; null: it may. */
  refusal(agent: string | null): Failure | null {
    const text = this.#reached(agent);
    return text ? new Failure('budget_reached', text) : null;
  }

  /** An agent has used something: stops every one at work whose budget is used up. */
  check(used: AgentInfo): void {
    const { agents } = this.#options;
    const everybody = this.#reached(null);
    for (const agent of everybody ? agents.list() : [used]) {
      const text = everybody ?? this.#reached(agent.id);
      if (text) void agents.stopFor(agent.id, text).catch(() => {});
    }
  }

  /** A sentence; null: no budget is used up. */
  #reached(agent: string | null): string | null {
    const { agentUsd, agentTokens, allUsd, allTokens } = this.#options.budget();
    const rows = this.#options.rows();
    const own = agent === null ? [] : rows.filter((row) => row.agent === agent);
    return dollars(rows, allUsd, 'all agents together') ?? tokens(rows, allTokens, 'all agents together') ??
      dollars(own, agentUsd, 'one agent') ?? tokens(own, agentTokens, 'one agent');
  }
}

function dollars(rows: readonly UsageRow[], limit: number, whose: string): string | null {
  const used = rows.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0);
  if (!limit || used < limit) return null;
  return `Today's budget of $${limit} for ${whose} is used up ($${used.toFixed(2)}). ${HINT}`;
}

function tokens(rows: readonly UsageRow[], limit: number, whose: string): string | null {
  const used = rows.reduce((sum, row) => sum + tokensOf(row), 0);
  if (!limit || used < limit) return null;
  return `Today's budget of ${limit} tokens for ${whose} is used up (${used}). ${HINT}`;
}

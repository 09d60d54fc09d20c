/** Scripted agents with what counts their use, holds them to budgets and lets them go on after limits. */
import { type Budget, type LimitWindow, NO_BUDGET } from '../../../core/api/usage.ts';
import { UsageMeters } from '../../../agent/usage/meters.ts';
import { Usage } from '../../../agent/usage/usage.ts';
import { type ScriptedAgents, withScriptedAgents } from './scripted-agents.ts';

export interface ScriptedUsage {
  place: ScriptedAgents;
  usage: Usage;
  meters: UsageMeters;
  budget: Budget;
  /** What the CLIs answer when they are asked for their limits; null: nothing. */
  limits: LimitWindow[] | null;
  /** Providers whose CLI does not answer before that. */
  silent: Map<string, Promise<void>>;
  /** The usage parts end and begin anew; the agents go on. */
  reopen(): Promise<void>;
  /** The whole server ends, and another one starts. */
  restart(): Promise<void>;
}

export const withUsage = (use: (it: ScriptedUsage) => Promise<void>) => (): Promise<void> =>
  withScriptedAgents(async (place) => {
    const open = () => {
      it.meters = new UsageMeters(place.context);
      it.usage = new Usage({
        ...{ context: place.context, agents: place.agents, meters: it.meters, budget: () => it.budget },
        account: (id) => place.agents.capabilities(id)?.account ?? '',
        readLimits: async (provider) => {
          await it.silent.get(provider);
          return it.limits;
        },
      });
    };
    const it = {
      place,
      budget: { ...NO_BUDGET },
      limits: null,
      silent: new Map(),
      async reopen() {
        await it.usage.close();
        open();
      },
      async restart() {
        await it.usage.end();
        await place.restart(() => {});
        await it.reopen();
      },
    } as unknown as ScriptedUsage;
    open();
    place.hooks.refuse = (agent) => it.usage.refusal(agent);
    place.hooks.onLimits = (...said) => it.meters.note(...said);
    try {
      await use(it);
    } finally {
      await it.usage.close();
    }
  });

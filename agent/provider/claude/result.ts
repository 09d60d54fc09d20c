import type { Usage } from '../../../core/api/agents.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';

/** Cumulative, also over resume and fork: the latest counts. */
export function usageOf(line: JsonObject, model: string): Partial<Usage> {
  const models = Object.entries(object(line.modelUsage)).map((
    [name, usage],
  ) => ({ name, ...object(usage) } as JsonObject));
  const sum = (key: string) => models.reduce((total, entry) => total + (number(entry[key]) ?? 0), 0);
  const main = models.find((entry) => entry.name === model) ?? models[0];
  const window = number(main?.contextWindow);
  const cost = number(line.total_cost_usd);
  return {
    ...(cost === null ? {} : { costUsd: cost }),
    ...(models.length
      ? {
        inputTokens: sum('inputTokens'),
        outputTokens: sum('outputTokens'),
        cacheReadTokens: sum('cacheReadInputTokens'),
        cacheWriteTokens: sum('cacheCreationInputTokens'),
      }
      : {}),
    ...(window === null ? {} : { contextWindow: window }),
  };
}

export function outcomeOf(line: JsonObject): 'done' | 'interrupted' | 'error' | 'max_turns' | 'max_budget' {
  if (line.subtype === 'error_max_turns') return 'max_turns';
  if (line.subtype === 'error_max_budget_usd') return 'max_budget';
  if (string(line.terminal_reason).startsWith('aborted')) return 'interrupted';
  return line.is_error === true || line.subtype !== 'success' ? 'error' : 'done';
}

/** The answer to `--resume` of an unknown id; the process ends after it. */
export const isLost = (line: JsonObject): boolean => /^No conversation found/.test(string(list(line.errors)[0]));

/** What agents have used: windows of an account's limits, tokens and money by day. Browser-safe. */
import type { ProviderName } from './agents.ts';
import { bool, type Check, list, need, number, pick, string, time, wrong } from './schema.ts';

/** Days that are remembered, and that GET /api/usage?days= may ask for. */
export const MAX_DAYS = 90;
export const DAYS_DEFAULT = 30;

/** One window of an account's limit, e.g. its five hours. */
export interface LimitWindow {
  /** The CLI's own name: `five_hour`, `seven_day`, `primary` … */
  id: string;
  /** Its length; null: not told. */
  minutes: number | null;
  /** 0 to 100, or above where the CLI says so; null: not told. */
  percent: number | null;
  /** ms since the Unix epoch; null: not told. */
  resetsAt: number | null;
  /** Nothing goes on until it is reset. */
  isReached: boolean;
}

/** How much of an account's limits is used, as its CLI said last. */
export interface UsageMeter {
  provider: ProviderName;
  /** As the CLI names it; empty: it does not. */
  account: string;
  windows: LimitWindow[];
  /** When it was said. */
  at: number;
}

export interface UsageAmounts {
  /** null: the provider tells no price. */
  costUsd: number | null;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  turns: number;
}

/** What one agent used with one model on one day. */
export interface UsageRow extends UsageAmounts {
  /** Of the machine's time zone: `2026-11-30`. */
  day: string;
  agent: string;
  /** The agent's name and folder then. */
  name: string;
  directory: string;
  provider: ProviderName;
  model: string;
}

/** GET /api/usage?days= */
export interface UsageReport {
  /** The machine's day. */
  today: string;
  days: number;
  meters: UsageMeter[];
  /** Oldest day first. */
  rows: UsageRow[];
}

/** Dollars and tokens of a day; 0: no limit. Input and output tokens, without those of the cache. */
export interface Budget {
  /** Of each agent. */
  agentUsd: number;
  agentTokens: number;
  /** Of all agents together. */
  allUsd: number;
  allTokens: number;
}

export const NO_BUDGET: Budget = { agentUsd: 0, agentTokens: 0, allUsd: 0, allTokens: 0 };

const MAX_USD = 1e6;
const MAX_TOKENS = 1e12;

export const parseBudget: Check<Partial<Budget>> = (value, name) =>
  pick<Budget>(value, {
    agentUsd: number(0, MAX_USD),
    agentTokens: number(0, MAX_TOKENS),
    allUsd: number(0, MAX_USD),
    allTokens: number(0, MAX_TOKENS),
  }, name);

/** Tokens that count against a budget. */
export const tokensOf = ({ inputTokens, outputTokens }: Pick<UsageRow, 'inputTokens' | 'outputTokens'>): number =>
  inputTokens + outputTokens;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const day: Check<string> = (value, name) => {
  const input = string(value, name);
  return DAY.test(input) ? input : wrong(name, 'a day');
};

/** A row as this server stored it. */
export const parseRow: Check<UsageRow> = (value, name) => ({
  costUsd: null,
  ...need(
    pick<UsageRow>(value, {
      day,
      agent: string,
      name: string,
      directory: string,
      provider: string,
      model: string,
      costUsd: time,
      inputTokens: time,
      outputTokens: time,
      cacheReadTokens: time,
      cacheWriteTokens: time,
      turns: time,
    }, name),
    'day',
    'agent',
    'name',
    'directory',
    'provider',
    'model',
    'inputTokens',
    'outputTokens',
    'cacheReadTokens',
    'cacheWriteTokens',
    'turns',
  ),
});

/** Windows of one meter. */
export const MAX_WINDOWS = 20;

const parseWindow: Check<LimitWindow> = (value, name) => ({
  minutes: null,
  percent: null,
  resetsAt: null,
  ...need(
    pick<LimitWindow>(value, {
      id: string,
      minutes: time,
      percent: time,
      resetsAt: time,
      isReached: bool,
    }, name),
    'id',
    'isReached',
  ),
});

/** A meter as this server stored it. */
export const parseMeter: Check<UsageMeter> = (value, name) =>
  need(
    pick<UsageMeter>(
      value,
      { provider: string, account: string, windows: list(parseWindow, MAX_WINDOWS), at: time },
      name,
    ),
    'provider',
    'account',
    'windows',
    'at',
  );

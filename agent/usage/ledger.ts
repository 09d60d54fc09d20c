/**
 * What agents use, by day, agent and model: counted from the changes of their counters, kept over restarts. What a server did not
 * live to save is counted by the next one, since the counters themselves are on disk with the agents.
 */
import { join } from 'node:path';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { LiveChange } from '../../core/api/live.ts';
import { fields, list, need, pick } from '../../core/api/schema.ts';
import type { Timer } from '../../core/clock.ts';
import { MAX_DAYS, parseRow, type UsageAmounts, type UsageRow } from '../../core/api/usage.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';
import { count, type Counted, isNothing, NOTHING, parseCounted } from './counted.ts';
import { dayOf } from './day.ts';

/** Rows that are remembered: the oldest are dropped beyond that, and those of more than MAX_DAYS ago. */
export const MAX_ROW = 5000;
/** Changes are saved together this long after the first, ms. */
const SAVE_MS = 2000;

interface LedgerState {
  rows: UsageRow[];
  counted: Record<string, Counted>;
}

export interface UsageLedgerOptions {
  context: AgentContext;
  agents: { list(): AgentInfo[]; has(id: string): boolean; info(id: string): AgentInfo };
  /** An agent has used something. */
  onUsed?(agent: AgentInfo): void;
}

export class UsageLedger {
  readonly #options: UsageLedgerOptions;
  readonly #document: Document<LedgerState>;
  #rows: UsageRow[];
  readonly #counted: Map<string, Counted>;
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** Reads DATA_DIR/usage.json synchronously. */
  constructor(options: UsageLedgerOptions) {
    const { context, agents } = options;
    this.#options = options;
    this.#document = openDocument<LedgerState>({
      path: join(context.config.dataDir, 'usage.json'),
      initial: { rows: [], counted: {} },
      parse: parseState,
      now: context.clock.now,
      warn: (text) => context.warn('usage', text),
    });
    this.#rows = this.#document.value.rows;
    this.#counted = new Map(Object.entries(this.#document.value.counted));
    for (const agent of agents.list()) this.#begin(agent);
    for (const id of this.#counted.keys()) if (!agents.has(id)) this.#counted.delete(id);
    this.#unsubscribe = context.subscribe((change) => this.#onChange(change));
  }

  /** What was used before there was a ledger has no day: it is where counting begins. */
  #begin(agent: AgentInfo): void {
    if (this.#counted.has(agent.id)) return this.#note(agent);
    this.#counted.set(agent.id, count(NOTHING, agent.usage, agent.sessionId).counted);
    this.#saveLater();
  }

  #onChange(change: LiveChange): void {
    switch (change.type) {
      case 'agent': {
        const { id, flags } = change.agent;
        if (this.#counted.has(id)) return;
        this.#counted.set(id, { ...NOTHING, isForeign: flags.resume !== undefined });
        return this.#saveLater();
      }
      case 'agent.patch':
        if (change.patch.usage && this.#options.agents.has(change.id)) this.#note(this.#options.agents.info(change.id));
        return;
      case 'agent.removed':
        this.#counted.delete(change.id);
        return this.#saveLater();
    }
  }

  #note(agent: AgentInfo): void {
    const { counted, added } = count(this.#counted.get(agent.id) ?? NOTHING, agent.usage, agent.sessionId);
    this.#counted.set(agent.id, counted);
    if (isNothing(added)) return;
    this.#add(agent, added);
    this.#saveLater();
    this.#options.onUsed?.(agent);
  }

  #add({ id, name, directory, provider, model }: AgentInfo, added: UsageAmounts): void {
    const day = this.today;
    const at = this.#rows.findIndex((row) => row.day === day && row.agent === id && row.model === model);
    const before = this.#rows[at] ?? { ...NOTHING };
    const { costUsd } = before;
    const row: UsageRow = {
      ...{ day, agent: id, name, directory, provider, model },
      costUsd: added.costUsd === null ? costUsd : (costUsd ?? 0) + added.costUsd,
      inputTokens: before.inputTokens + added.inputTokens,
      outputTokens: before.outputTokens + added.outputTokens,
      cacheReadTokens: before.cacheReadTokens + added.cacheReadTokens,
      cacheWriteTokens: before.cacheWriteTokens + added.cacheWriteTokens,
      turns: before.turns + added.turns,
    };
    if (at >= 0) this.#rows[at] = row;
    else this.#rows.push(row);
    if (this.#rows.length > MAX_ROW) this.#rows.shift();
  }

  /** The machine's day. */
  get today(): string {
    return dayOf(this.#options.context.clock.now());
  }

  /** The rows of so many days up to today, oldest first. */
  rows(days: number): UsageRow[] {
    const first = dayOf(this.#options.context.clock.now(), 1 - days);
    const { today } = this; // a clock that was ahead has left later days
    const rows = this.#rows.filter(({ day }) => day >= first && day <= today);
    return rows.sort((a, b) => a.day < b.day ? -1 : a.day > b.day ? 1 : 0);
  }

  #saveLater(): void {
    this.#timer ??= this.#options.context.clock.setTimeout(() => {
      this.#timer = null;
      this.#save();
    }, SAVE_MS);
  }

  /** A disk that refuses loses nothing: the next change, or the next server, saves it. */
  #save(): void {
    const first = dayOf(this.#options.context.clock.now(), 1 - MAX_DAYS);
    this.#rows = this.#rows.filter(({ day }) => day >= first);
    const state = { rows: [...this.#rows], counted: Object.fromEntries(this.#counted) };
    this.#last = this.#document.update(() => state).catch(() => {});
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    this.#options.context.clock.clearTimeout(this.#timer);
    this.#save();
    await this.#last;
  }
}

function parseState(value: unknown): LedgerState {
  return need(
    pick<LedgerState>(value, {
      rows: list(parseRow, MAX_ROW),
      counted: (input, name) =>
        Object.fromEntries(
          Object.entries(fields(input, name)).map(([id, entry]) => [id, parseCounted(entry, `${name}.${id}`)]),
        ),
    }),
    'rows',
    'counted',
  );
}

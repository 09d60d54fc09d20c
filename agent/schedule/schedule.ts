/**
 * Begins agents and the pipeline at their times. What is due is on disk before it is begun, and its command has an id that follows
 * from the time: a server that ends in the middle begins it once all the same. Times that passed while no server ran are said, and
 * made good by one run.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Timer } from '../../core/clock.ts';
import { nextTime, parseCron } from '../../core/api/cron.ts';
import type { AgentInfo, CreateAgentBody } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';
import { DEFAULT_PROVIDER } from '../../core/api/providers.ts';
import {
  checkSchedule,
  MAX_SCHEDULE,
  parseScheduleEntry,
  type ScheduleBody,
  type ScheduleEntry,
  type ScheduleRun,
} from '../../core/api/schedule.ts';
import { list, ValidationError } from '../../core/api/schema.ts';
import type { AgentContext } from '../context.ts';
import { SideBySide } from '../side-by-side.ts';
import { derivedId } from '../store/derived-id.ts';
import { type Document, openDocument } from '../store/document.ts';

/** The wall clock is looked at so often: it may be set, and the machine may sleep. ms */
const LOOK_MS = 15_000;
/** Times that are counted as missed. */
const MAX_MISSED = 1000;
const BY = 'schedule';

export interface ScheduleOptions {
  context: AgentContext;
  agents: { create(body: CreateAgentBody, by: string): Promise<AgentInfo> };
  /** The pipeline. */
  board: { start(): Promise<void> };
}

export class Schedule {
  readonly #options: ScheduleOptions;
  readonly #document: Document<ScheduleEntry[]>;
  #timer: Timer | null = null;
  #looking: Promise<void> = Promise.resolve();
  /** Entries that are being begun. */
  readonly #runs = new SideBySide();
  #isClosed = false;

  /** Reads DATA_DIR/schedule.json synchronously. */
  constructor(options: ScheduleOptions) {
    const { context } = options;
    this.#options = options;
    this.#document = openDocument<ScheduleEntry[]>({
      path: join(context.config.dataDir, 'schedule.json'),
      initial: [],
      parse: (value) => list(parseScheduleEntry, MAX_SCHEDULE)(value, 'schedule'),
      now: context.clock.now,
      warn: (text) => context.warn('schedule', text),
    });
    this.#lookLater(0);
  }

  /** The next first; those that never come again last. */
  list(): ScheduleEntry[] {
    return [...this.#document.value].sort((a, b) => (a.nextAt ?? Infinity) - (b.nextAt ?? Infinity) || 0);
  }

  /** Throws Failure. */
  get(id: string): ScheduleEntry {
    const found = this.#document.value.find((entry) => entry.id === id);
    if (!found) throw new Failure('no_schedule', 'There is no such entry in the schedule (any more).');
    return found;
  }

  async add(body: ScheduleBody): Promise<ScheduleEntry> {
    const now = this.#options.context.clock.now();
    const entry = timed({ ...EMPTY, ...body, id: randomUUID(), createdAt: now, nextAt: null, last: null }, now);
    await this.#document.update((entries) => {
      if (entries.length < MAX_SCHEDULE) return [...entries, entry];
      throw new Failure('too_many', `There are ${MAX_SCHEDULE} entries already. Delete one first.`, {
        params: { limit: MAX_SCHEDULE },
      });
    });
    this.#lookLater(0);
    return entry;
  }

  /** Throws Failure. A time of before does not come again. */
  async edit(id: string, patch: Partial<ScheduleBody>): Promise<ScheduleEntry> {
    const now = this.#options.context.clock.now();
    await this.#change(id, (entry) => {
      const isTimed = patch.at !== undefined || patch.cron !== undefined || patch.on !== undefined;
      const next = { ...entry, ...patch };
      checkSchedule(next);
      return isTimed ? timed(next, now) : next;
    });
    this.#lookLater(0);
    return this.get(id);
  }

  async remove(id: string): Promise<void> {
    this.get(id);
    await this.#document.update((entries) => entries.filter((entry) => entry.id !== id));
    this.#options.context.warn(`schedule ${id}`, '');
  }

  /** Begins it now, beside its times. Throws Failure. */
  async runNow(id: string): Promise<ScheduleEntry> {
    const now = this.#options.context.clock.now();
    await this.#change(id, (entry) => ({ ...entry, last: begun(now, now, 0) }));
    await this.#perform(this.get(id));
    return this.get(id);
  }

  async #change(id: string, change: (entry: ScheduleEntry) => ScheduleEntry): Promise<void> {
    await this.#document.update((entries) => {
      const changed = change(this.get(id));
      return entries.map((entry) => (entry.id === id ? changed : entry));
    });
  }

  #lookLater(ms: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#options.context;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => {
      this.#timer = null;
      this.#looking = this.#looking.then(() => this.#look()).catch(() => {}).finally(() => {
        if (this.#timer === null && this.#document.value.length) this.#lookLater(LOOK_MS);
      });
    }, ms);
  }

  async #look(): Promise<void> {
    const now = this.#options.context.clock.now();
    for (const entry of this.#document.value) {
      if (isTooLate(entry, now)) await this.#change(entry.id, (found) => timed(found, now));
    }
    // An agent that takes long to be made holds up no other.
    for (const entry of this.#document.value) {
      if (isDue(entry, now) || isUnfinished(entry)) this.#runs.begin(entry.id, () => this.#catchUp(entry.id, now));
    }
  }

  /** What was begun and not finished, then what has become due. */
  async #catchUp(id: string, now: number): Promise<void> {
    if (isUnfinished(this.get(id))) await this.#perform(this.get(id));
    const { nextAt } = this.get(id);
    if (!this.#isClosed && isDue(this.get(id), now)) await this.#run(id, nextAt!, now);
  }

  /** On disk first: should the disk refuse, it stays due. */
  async #run(id: string, due: number, now: number): Promise<void> {
    const { times, next } = passed(this.get(id), due, now);
    const missed = times - 1;
    const { log } = this.#options.context;
    if (missed) log.warn('scheduled times passed without a server', { entry: id, missed });
    await this.#change(id, (entry) => ({
      ...entry,
      nextAt: next,
      on: entry.on && next !== null,
      last: begun(due, now, missed),
    }));
    await this.#perform(this.get(id));
  }

  /** The same time again makes nothing new. */
  async #perform(entry: ScheduleEntry): Promise<void> {
    const { context } = this.#options;
    const { last, name, id } = entry;
    if (!last || this.#isClosed) return;
    const result = await this.#begin(entry, last).catch((error): Pick<ScheduleRun, 'agentId' | 'error'> => ({
      agentId: null,
      error: error instanceof Error ? error.message : String(error),
    }));
    // Deleted meanwhile: nobody could clear a warning about it.
    const isThere = this.#document.value.some((entry) => entry.id === id);
    if (isThere) {
      context.warn(`schedule ${id}`, result.error && `"${name}" could not be begun at its time: ${result.error}`);
    }
    context.log.info('scheduled entry begun', { entry: id, ...result });
    await this.#change(
      id,
      (now) => now.last?.due === last.due ? { ...now, last: { ...last, ...result, isDone: true } } : now,
    );
  }

  async #begin(entry: ScheduleEntry, { due }: ScheduleRun): Promise<Pick<ScheduleRun, 'agentId' | 'error'>> {
    const { agents, board } = this.#options;
    if (entry.what === 'pipeline') {
      await board.start();
      return { agentId: null, error: '' };
    }
    const { name, directory, prompt, provider, model, flags, id } = entry;
    const agent = await agents.create({
      ...{ name, directory, prompt, provider, [INSTRUCTIONS_FIELD]: entry[INSTRUCTIONS_FIELD] },
      flags: { ...flags, ...(model ? { model } : {}) },
      clientId: derivedId(`schedule ${id} ${due}`),
    }, BY);
    return { agentId: agent.id, error: '' };
  }

  /** Begins nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#options.context.clock.clearTimeout(this.#timer);
    await this.#looking;
    await this.#runs.settled();
  }
}

const isDue = ({ on, nextAt }: ScheduleEntry, now: number): boolean => on && nextAt !== null && nextAt <= now;
const isUnfinished = ({ last }: ScheduleEntry): boolean => last !== null && !last.isDone;

const EMPTY: Omit<Required<ScheduleBody>, 'name' | 'what'> = {
  at: 0,
  cron: '',
  on: true,
  directory: '',
  prompt: '',
  provider: DEFAULT_PROVIDER,
  model: '',
  [INSTRUCTIONS_FIELD]: '',
  flags: {},
};

const begun = (due: number, at: number, missed: number): ScheduleRun => ({
  ...{ due, at, missed },
  isDone: false,
  agentId: null,
  error: '',
});

/** With its next time. Throws ValidationError. */
function timed(entry: ScheduleEntry, now: number): ScheduleEntry {
  checkSchedule(entry);
  if (!entry.on) return { ...entry, nextAt: null };
  const nextAt = entry.cron ? nextTime(parseCron(entry.cron)!, now) : entry.at;
  if (!entry.cron && entry.at <= now) throw new ValidationError('"at" must be a time to come.', 'at');
  return { ...entry, nextAt };
}

/** The clock was ahead when its next time was found: there is more than one before that. One has been run. */
function isTooLate({ on, cron: line, nextAt, last }: ScheduleEntry, now: number): boolean {
  const cron = on && last && last.at > now ? parseCron(line) : null;
  const first = cron && nextTime(cron, now);
  const second = first && nextTime(cron, first);
  return !!second && nextAt !== null && nextAt > second;
}

/** How many of its times have come, the first of them being `due`; and the next. */
function passed({ cron: line }: ScheduleEntry, due: number, now: number): { times: number; next: number | null } {
  const cron = line ? parseCron(line) : null;
  if (!cron) return { times: 1, next: null };
  let times = 1;
  let next = nextTime(cron, due);
  for (; next !== null && next <= now && times < MAX_MISSED; next = nextTime(cron, next)) times++;
  return { times, next: next !== null && next <= now ? nextTime(cron, now) : next };
}

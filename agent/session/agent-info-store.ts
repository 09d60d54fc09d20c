/**
 * Holds an agent's AgentInfo: publishes its changes and saves them; frequent changes go out once per interval. What its user
 * changes is saved first and published then: an answer that it could not be saved is true on every dashboard.
 */
import type { Timer } from '../../core/clock.ts';
import { cut } from '../../core/api/cut.ts';
import type { LiveChange } from '../../core/api/live.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { AgentContext } from '../context.ts';
import type { Document } from '../store/document.ts';
import { RETRY_MS } from '../store/journal.ts';
import type { AgentRecord } from './record.ts';

/** Signs of life and the preview line are published at most this often, ms. */
const TICK_MS = 1000;
const MAX_PREVIEW = 160;
/** Fields whose loss in a crash would mislead: saved at once. */
const URGENT: ReadonlySet<string> = new Set([
  'state',
  'sessionId',
  'name',
  'mode',
  'model',
  'effort',
  'pending',
]);

export class AgentInfoStore {
  readonly record: AgentRecord;
  readonly #document: Document<AgentRecord>;
  readonly #context: AgentContext;
  readonly #publish: (change: LiveChange) => void;
  #sent: { activeAt: number; preview: string; seenAt: number | null; lastSeq: number };
  #timer: Timer | null = null;
  #previewSource: (() => string) | null = null;
  #saving: Promise<void> | null = null;
  /** Writes of the record, one after another. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #retryTimer: Timer | null = null;
  #isDirty = false;
  #isClosed = false;

  constructor(document: Document<AgentRecord>, context: AgentContext, publish: (change: LiveChange) => void) {
    this.#document = document;
    this.record = structuredClone(document.value);
    this.#context = context;
    this.#publish = publish;
    const { activeAt, preview, cli, lastSeq } = this.record.info;
    this.#sent = { activeAt, preview, seenAt: cli.seenAt, lastSeq };
  }

  get info(): AgentInfo {
    return this.record.info;
  }

  /** Sets fields; publishes and saves those that differ. */
  patch(patch: Partial<AgentInfo>): void {
    const { lastSeq, ...rest } = patch;
    if (lastSeq !== undefined) this.#publishLater(() => this.info.lastSeq = lastSeq);
    const changed = this.#apply(rest);
    if (changed.some((key) => URGENT.has(key))) void this.save().catch(() => {});
    else if (changed.length) this.#publishLater();
  }

  /** Sets fields that differ and publishes them. @returns their names */
  #apply(patch: Partial<AgentInfo>): string[] {
    const changed = Object.fromEntries(
      Object.entries(patch).filter(([key, value]) => !isEqual(this.info[key as keyof AgentInfo], value)),
    ) as Partial<AgentInfo>;
    const names = Object.keys(changed);
    if (!names.length) return names;
    Object.assign(this.info, changed);
    this.#publish({ type: 'agent.patch', id: this.info.id, patch: changed });
    return names;
  }

  /**
   * Sets fields once they are on disk, for a command of a user. Without fields it only saves what there is. Throws Failure
   * when they cannot be saved; nothing has changed then.
   */
  change(patch: Partial<AgentInfo>, record: Partial<Omit<AgentRecord, 'info'>> = {}): Promise<void> {
    return this.#inTurn(async () => {
      const next = structuredClone({ ...this.record, ...record, info: { ...this.info, ...patch } });
      await this.#writeRecord(() => next);
      Object.assign(this.record, record);
      this.#apply(patch);
    });
  }

  /** Changes fields of the record that are not in the info. */
  update(patch: Partial<Omit<AgentRecord, 'info'>>): void {
    Object.assign(this.record, patch);
    void this.save().catch(() => {});
  }

  /** Records a sign of life. */
  touch(): void {
    const now = this.#context.clock.now();
    this.#publishLater(() => {
      this.info.activeAt = now;
      this.info.cli.seenAt = now;
    });
  }

  preview(text: string): void {
    this.#previewSource = null;
    this.#setPreview(text);
    this.#publishLater();
  }

  /**
   * Sets the preview of a text that streams in. `tail` is called once per interval: reading a long text at each of its
   * pieces would cost more than everything else.
   */
  previewLater(tail: () => string): void {
    this.#previewSource = tail;
    this.#publishLater();
  }

  #setPreview(text: string): void {
    const line = cut(text, 4 * MAX_PREVIEW).replace(/\s+/g, ' ').trim();
    if (line) this.info.preview = cut(line, MAX_PREVIEW);
  }

  #publishLater(change: () => void = () => {}): void {
    change();
    if (!this.#isClosed) this.#timer ??= this.#context.clock.setTimeout(() => this.#publishFrequent(), TICK_MS);
  }

  #publishFrequent(): void {
    if (this.#timer !== null) this.#context.clock.clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#previewSource) this.#setPreview(this.#previewSource());
    this.#previewSource = null;
    const { activeAt, preview, cli, lastSeq } = this.info;
    const sent = this.#sent;
    this.#sent = { activeAt, preview, seenAt: cli.seenAt, lastSeq };
    const patch: Partial<AgentInfo> = {
      ...(activeAt !== sent.activeAt ? { activeAt } : {}),
      ...(preview !== sent.preview ? { preview } : {}),
      ...(lastSeq !== sent.lastSeq ? { lastSeq } : {}),
      ...(cli.seenAt !== sent.seenAt ? { cli: { ...cli } } : {}),
    };
    if (Object.keys(patch).length) this.#publish({ type: 'agent.patch', id: this.info.id, patch });
    void this.save().catch(() => {});
  }

  /** Resolves when the record as it is now is on disk. Changes during a write share the next one. */
  save(): Promise<void> {
    this.#isDirty = true;
    return this.#saving ??= this.#inTurn(() => this.#writeChanges()).finally(() => this.#saving = null);
  }

  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const writing = this.#lastWrite.then(write);
    this.#lastWrite = writing.catch(() => {});
    return writing;
  }

  async #writeChanges(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      await this.#writeRecord(() => structuredClone(this.record));
    }
  }

  async #writeRecord(record: () => AgentRecord): Promise<void> {
    const code = `record ${this.info.id}`;
    try {
      await this.#document.update(record);
      this.#context.warn(code, '');
    } catch (error) {
      this.#isDirty = true;
      this.#retryLater();
      this.#context.warn(code, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** Nothing may change any more: what is in memory alone would stay so. */
  #retryLater(): void {
    const { clock } = this.#context;
    clock.clearTimeout(this.#retryTimer);
    if (this.#isClosed) return;
    this.#retryTimer = clock.setTimeout(() => void this.save().catch(() => {}), RETRY_MS);
  }

  async close(): Promise<void> {
    if (this.#timer !== null) this.#publishFrequent();
    this.#isClosed = true;
    this.#context.clock.clearTimeout(this.#retryTimer);
    if (this.#isDirty) void this.save().catch(() => {});
    await this.#lastWrite;
  }
}

const isEqual = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));

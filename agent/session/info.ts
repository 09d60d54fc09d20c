/** Keeps an agent's AgentInfo: changes are told to the dashboards and put on disk, frequent ones at intervals. */
import type { Timer } from '../../core/clock.ts';
import type { LiveChange } from '../../core/wire/live.ts';
import type { AgentInfo } from '../../core/wire/types.ts';
import type { Document, House } from '../rooms.ts';
import type { AgentRecord } from './record.ts';

/** Signs of life and the preview line are told at most this often, ms. */
const TICK_MS = 1000;
const PREVIEW_LENGTH = 160;
/** Fields whose loss in a crash would mislead: on disk at once. */
const URGENT: ReadonlySet<string> = new Set([
  'state',
  'sessionId',
  'name',
  'mode',
  'model',
  'effort',
  'pending',
]);

export class InfoKeeper {
  readonly record: AgentRecord;
  readonly #document: Document<AgentRecord>;
  readonly #house: House;
  readonly #publish: (change: LiveChange) => void;
  #told: { activeAt: number; preview: string; seenAt: number | null; lastSeq: number };
  #timer: Timer | null = null;
  #previewLater: (() => string) | null = null;
  #saving: Promise<void> | null = null;
  #isDirty = false;
  #isClosed = false;

  constructor(document: Document<AgentRecord>, house: House, publish: (change: LiveChange) => void) {
    this.#document = document;
    this.record = structuredClone(document.value);
    this.#house = house;
    this.#publish = publish;
    const { activeAt, preview, cli, lastSeq } = this.record.info;
    this.#told = { activeAt, preview, seenAt: cli.seenAt, lastSeq };
  }

  get info(): AgentInfo {
    return this.record.info;
  }

  /** Sets fields; tells and saves those that differ. */
  patch(patch: Partial<AgentInfo>): void {
    const { lastSeq, ...rest } = patch;
    if (lastSeq !== undefined) this.#later(() => this.info.lastSeq = lastSeq);
    const changed = Object.fromEntries(
      Object.entries(rest).filter(([key, value]) => !isEqual(this.info[key as keyof AgentInfo], value)),
    ) as Partial<AgentInfo>;
    if (!Object.keys(changed).length) return;
    Object.assign(this.info, changed);
    this.#publish({ type: 'agent.patch', id: this.info.id, patch: changed });
    if (Object.keys(changed).some((key) => URGENT.has(key))) void this.save().catch(() => {});
    else this.#later();
  }

  /** Changes what only the record holds. */
  update(patch: Partial<Omit<AgentRecord, 'info'>>): void {
    Object.assign(this.record, patch);
    void this.save().catch(() => {});
  }

  /** A sign of life. */
  touch(): void {
    const now = this.#house.clock.now();
    this.#later(() => {
      this.info.activeAt = now;
      this.info.cli.seenAt = now;
    });
  }

  preview(text: string): void {
    this.#previewLater = null;
    this.#setPreview(text);
    this.#later();
  }

  /**
   * The preview of a text that streams in, taken when it is told: to look into a long text with each of its pieces would
   * cost more than everything else.
   */
  previewLater(tail: () => string): void {
    this.#previewLater = tail;
    this.#later();
  }

  #setPreview(text: string): void {
    const line = text.slice(0, 4 * PREVIEW_LENGTH).replace(/\s+/g, ' ').trim();
    if (line) this.info.preview = line.slice(0, PREVIEW_LENGTH);
  }

  #later(change: () => void = () => {}): void {
    change();
    if (!this.#isClosed) this.#timer ??= this.#house.clock.setTimeout(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    if (this.#timer !== null) this.#house.clock.clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#previewLater) this.#setPreview(this.#previewLater());
    this.#previewLater = null;
    const { activeAt, preview, cli, lastSeq } = this.info;
    const told = this.#told;
    this.#told = { activeAt, preview, seenAt: cli.seenAt, lastSeq };
    const patch: Partial<AgentInfo> = {
      ...(activeAt !== told.activeAt ? { activeAt } : {}),
      ...(preview !== told.preview ? { preview } : {}),
      ...(lastSeq !== told.lastSeq ? { lastSeq } : {}),
      ...(cli.seenAt !== told.seenAt ? { cli: { ...cli } } : {}),
    };
    if (Object.keys(patch).length) this.#publish({ type: 'agent.patch', id: this.info.id, patch });
    void this.save().catch(() => {});
  }

  /** Resolves when the present record is on disk. Changes during a write share the next one. */
  save(): Promise<void> {
    this.#isDirty = true;
    return this.#saving ??= this.#write().finally(() => this.#saving = null);
  }

  async #write(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const code = `record ${this.info.id}`;
      try {
        await this.#document.update(() => structuredClone(this.record));
        this.#house.warn(code, '');
      } catch (error) {
        this.#house.warn(code, error instanceof Error ? error.message : String(error));
        throw error;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#timer !== null) this.#tick();
    this.#isClosed = true;
    await this.#saving?.catch(() => {});
  }
}

const isEqual = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));

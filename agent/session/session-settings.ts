/**
 * What a person sets of an agent: its name, marks, mode, model, effort. It is on disk first: where that fails, nothing has changed,
 * and the CLI was not told.
 */
import type { AgentMarks, MergeRecord, PermissionMode } from '../../core/api/agents.ts';
import type { SessionParts } from './session-parts.ts';

export class SessionSettings {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  rename(name: string): Promise<void> {
    return this.#parts.store.change({ name }, { isAutoNamed: false });
  }
  mark({ pinned, archived, seenSeq }: AgentMarks): Promise<void> {
    const { store, info } = this.#parts;
    return store.change({
      ...(pinned === undefined ? {} : { pinned }),
      ...(archived === undefined ? {} : { archivedAt: archived ? this.#now() : 0 }),
      ...(seenSeq === undefined ? {} : { seenSeq: Math.min(seenSeq, info.lastSeq) }),
    });
  }
  noteMerge(merge: Omit<MergeRecord, 'at'>): Promise<void> {
    return this.#parts.store.change({ merged: { ...merge, at: this.#now() } });
  }
  setGoOn(goOn: boolean): Promise<void> {
    return this.#parts.store.change({ goOn });
  }
  async setMode(mode: PermissionMode): Promise<void> {
    const parts = this.#parts;
    // A CLI that is being ended takes no mode: the next one opens with that of the record. One that runs says whether it took it.
    const takesMode = () => parts.run !== null && !parts.run.stopReason;
    await parts.store.change(takesMode() ? {} : { mode });
    if (takesMode()) parts.run!.cli.setMode(mode);
    else parts.store.patch({ mode });
  }
  async setModel(model: string): Promise<void> {
    await this.#parts.store.change({ model });
    this.#parts.run?.cli.setModel(model);
  }
  async setEffort(effort: string): Promise<void> {
    await this.#parts.store.change({ effort });
    this.#parts.run?.cli.setEffort(effort);
  }

  #now(): number {
    return this.#parts.options.context.clock.now();
  }
}

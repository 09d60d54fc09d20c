/** Create commands whose agents were deleted: a command outlives its agent, and repeated it makes no second one. */
import { join } from 'node:path';
import type { AgentContext } from '../context.ts';
import { Journal, loadJournal } from '../store/journal.ts';

/** Commands that are remembered, the newest; there are at most 500 agents at a time. */
export const MAX_DELETED = 20_000;

interface DeletedRecord {
  clientId: string;
}

export class DeletedAgents {
  readonly #journal: Journal;
  #ids = new Set<string>();

  /** Reads DATA_DIR/deleted-agents.jsonl synchronously. */
  constructor({ config, clock, warn }: AgentContext) {
    const path = join(config.dataDir, 'deleted-agents.jsonl');
    const report = (text: string) => warn('deleted agents', text);
    for (const record of loadJournal(path, report, clock.now).records) {
      const { clientId } = record as Partial<DeletedRecord>;
      if (typeof clientId === 'string') this.#ids.add(clientId);
    }
    this.#journal = new Journal({
      path,
      clock,
      snapshot: () => [...this.#ids].map((clientId) => ({ clientId }) satisfies DeletedRecord),
      onHealth: (error) => report(error ? `${path} cannot be written: ${error.message}` : ''),
    });
    this.#trim();
  }

  has(clientId: string): boolean {
    return this.#ids.has(clientId);
  }

  /** Resolves when it is on disk. A disk that refuses keeps nobody from deleting: it is saved as soon as that works. */
  async add(clientId: string | null): Promise<void> {
    if (!clientId) return;
    this.#ids.add(clientId);
    this.#journal.append({ clientId } satisfies DeletedRecord);
    this.#trim();
    await this.#journal.commit().catch(() => {});
  }

  /** A tenth more than the bound is kept for a while: the file is not rewritten at every deletion. */
  #trim(): void {
    if (this.#ids.size <= MAX_DELETED * 1.1) return;
    this.#ids = new Set([...this.#ids].slice(-MAX_DELETED));
    void this.#journal.rewrite().catch(() => {});
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

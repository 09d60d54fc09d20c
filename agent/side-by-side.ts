/** Runs what belongs to different keys side by side, and what belongs to one key once at a time. */
export class SideBySide {
  readonly #running = new Map<string, Promise<void>>();

  /** Begins `run` unless one of this key is under way: whoever looks again later begins it then. Its failure is the runner's. */
  begin(key: string, run: () => Promise<void>): void {
    if (this.#running.has(key)) return;
    this.#running.set(key, run().catch(() => {}).finally(() => this.#running.delete(key)));
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#running.size) await Promise.all(this.#running.values());
  }
}

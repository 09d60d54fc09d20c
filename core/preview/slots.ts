/** A bound on what runs at a time, with a line of those that wait for it. */

export interface SlotLimits {
  running: number;
  waiting: number;
}

export class Slots {
  readonly #limits: SlotLimits;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * Calls `start` now, or when there is room. When it throws, its place is free again: now `enter` throws that, later `failed`
   * is called with it.
   * @returns frees the place, or leaves the line; to be called in the end. null: the line is full, nothing will be started
   */
  enter(start: () => void, failed: (error: unknown) => void): (() => void) | null {
    if (this.#running < this.#limits.running) {
      const free = this.#take();
      try {
        start();
      } catch (error) {
        free();
        throw error;
      }
      return free;
    }
    if (this.#waiting.size >= this.#limits.waiting) return null;
    let leave: () => void = () => this.#waiting.delete(begin);
    const begin = () => {
      leave = this.#take();
      try {
        start();
      } catch (error) {
        leave();
        failed(error);
      }
    };
    this.#waiting.add(begin);
    return () => leave();
  }

  #take(): () => void {
    this.#running++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#running--;
      const [next] = this.#waiting;
      if (!next) return;
      this.#waiting.delete(next);
      next();
    };
  }
}

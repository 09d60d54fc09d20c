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
   * Calls `start` now, or when there is room.
   * @returns frees the place, or leaves the line; to be called in the end. null: the line is full, nothing will be started
   */
  enter(start: () => void): (() => void) | null {
    if (this.#running < this.#limits.running) {
      const free = this.#take();
      start();
      return free;
    }
    if (this.#waiting.size >= this.#limits.waiting) return null;
    let leave: () => void = () => this.#waiting.delete(begin);
    const begin = () => {
      leave = this.#take();
      start();
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

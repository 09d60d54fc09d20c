/**
 * The lines of a stored session form a tree by `parentUuid`: which of them are the current conversation, and where a damaged
 * line has left a gap in it.
 */

/** How the lines hang together, gathered while the file is read from its beginning. */
export class SessionBranch {
  readonly #parents = new Map<string, string>();
  /** Line → the last one before the damage that lies before it; '': the damage is at the beginning. */
  readonly #beforeDamage = new Map<string, string>();
  #last = '';
  #gap: string | null = null;

  /** A line of the file. `isSide`: of a subagent's conversation. */
  add(uuid: string, parent: string, isSide: boolean): void {
    if (!uuid) return;
    this.#parents.set(uuid, parent);
    if (this.#gap !== null) this.#beforeDamage.set(uuid, this.#gap);
    if (!isSide) this.#last = uuid;
  }

  /** A line that could not be read lies here. */
  addDamage(): void {
    this.#gap = this.#last;
  }

  /**
   * The lines from the beginning to `newest`. A line whose parent was damaged goes on where the file was before the damage:
   * the earlier part is not lost with it.
   * @param shown lines that have messages
   * @returns the branch, and those of `shown` before which something is missing
   */
  to(newest: string, shown: ReadonlySet<string>): { branch: Set<string>; behindGap: Set<string> } {
    const branch = new Set<string>();
    const behindGap = new Set<string>();
    let [uuid, below] = [newest, newest];
    while (uuid && !branch.has(uuid)) {
      branch.add(uuid);
      if (shown.has(uuid)) below = uuid;
      const parent = this.#parents.get(uuid) ?? '';
      const before = this.#beforeDamage.get(uuid);
      const isGap = parent !== '' && before !== undefined && !this.#parents.has(parent);
      if (isGap) behindGap.add(below);
      uuid = isGap ? before : parent;
    }
    return { branch, behindGap };
  }
}

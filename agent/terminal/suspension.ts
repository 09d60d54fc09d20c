/**
 * Ctrl+Z in a terminal that runs a program without a shell: the program stops, and nobody is there to continue it. So it is
 * continued, as by `fg`. What a shell runs is not meant: a shell puts itself and each job into a process group of its own, and
 * only the group of the session's leader, which has no shell in it then, is looked at.
 */
import type { Buffer } from 'node:buffer';
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

/** As a byte, and as the keyboard protocols write it (CSI u, modifyOtherKeys). */
const CTRL_Z = /\x1a|\x1b\[(?:122|90)(?::\d*)*;5(?::[12])?u|\x1b\[27;5;122~/;
/**
 * Times after the key, ms: the program tidies the screen up before it stops. It is told to go on also when it is not stopped: the
 * kernel ignores a SIGTSTP in a group that no shell looks after, and the program then waits for a SIGCONT that nobody sends.
 */
const LOOKS_MS = [100, 400, 1500];

export class Suspension {
  readonly #leader: number;
  #timers: ReturnType<typeof setTimeout>[] = [];

  /** @param leader of the PTY's session and of its process group */
  constructor(leader: number) {
    this.#leader = leader;
  }

  /** Bytes that were typed. */
  typed(bytes: Buffer): void {
    if (!CTRL_Z.test(bytes.toString('latin1'))) return;
    this.close();
    this.#timers = LOOKS_MS.map((ms) => setTimeout(() => this.#look(), ms));
  }

  #look(): void {
    if (isInUse(this.#leader)) continueGroup(this.#leader);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }
}

/**
 * Something is in the group beside its leader, which stops itself behind its last output (session-leader.ts). Without /proc that
 * is not known, and continuing what runs does no harm.
 */
function isInUse(group: number): boolean {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return true;
  }
  return names.some((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The name of the program (field 2) is in parentheses and may hold anything.
      const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) === group && Number(name) !== group && state !== 'Z' && state !== 'X';
    } catch {
      return false; // gone meanwhile
    }
  });
}

function continueGroup(group: number): void {
  try {
    process.kill(-group, 'SIGCONT');
  } catch { /* gone */ }
}

/** Linux's table of processes, /proc (proc(5)). Where there is no /proc it is empty. */
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface ProcessStat {
  pid: number;
  /** Name of the program, cut to 15 characters. */
  name: string;
  parent: number;
  group: number;
  session: number;
  isZombie: boolean;
  /** Clock ticks after boot (field 22). */
  startTime: string;
}

/** null when there is no such process. */
export function readStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name (field 2) is in parentheses and may hold anything, also ") ".
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      parent: Number(fields[1]),
      group: Number(fields[2]),
      session: Number(fields[3]),
      isZombie: fields[0] === 'Z' || fields[0] === 'X',
      startTime: fields[19]!,
    };
  } catch {
    return null;
  }
}

/** Every process, zombies too. */
export function readStats(): ProcessStat[] {
  return processIds().map(readStat).filter((stat) => stat !== null);
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return []; // no Linux
  }
}

/** The environment that the process was started with, as `\0NAME=value\0…\0`; empty when it is another user's or gone. */
export async function readEnvironment(pid: number): Promise<string> {
  return `\0${await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')}`;
}

/** Changes with every boot: start times of two boots cannot be compared. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

/** Paths of the files that programs of this name have open, without those of `except` and its children. */
export async function filesOpenBy(name: RegExp, except: readonly number[]): Promise<Set<string>> {
  const programs = readStats().filter((stat) =>
    name.test(stat.name) && !except.includes(stat.pid) && !except.includes(stat.parent)
  );
  const paths = await Promise.all(programs.map(async ({ pid }) => {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    return await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  }));
  return new Set(paths.flat());
}

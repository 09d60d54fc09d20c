/** Recognising a process again: its number alone may belong to another process by now. null where there is no /proc. */
import process from 'node:process';
import { type Check, integer, need, number, pick, string } from '../../core/api/schema.ts';
import { bootId, readStat } from './proc-table.ts';

/** JSON: it is saved on disk so that the process is found again after a crash of this server. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks after boot. */
  startTime: string;
  bootId: string;
  /** Value of PROCESS_MARK in its environment. */
  mark: string;
}

/** The number of one process: 0 and below stand for groups. */
export const processId: Check<number> = (value, name) => integer(number(1, 2 ** 31)(value, name), name);

/** An identity as it was stored. Throws ValidationError. */
export const parseProcessIdentity: Check<ProcessIdentity> = (value, name) => ({
  startTime: '',
  bootId: '',
  mark: '',
  ...need(
    pick<ProcessIdentity>(value, { pid: processId, startTime: string, bootId: string, mark: string }, name),
    'pid',
  ),
});

/** null when the process is gone or the system has no /proc. */
export function processIdentity(pid: number, mark = ''): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat && { pid, startTime: stat.startTime, bootId: bootId(), mark };
}

/** Does this very process still run? A zombie does not. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  return stat !== null && !stat.isZombie && stat.startTime === identity.startTime && bootId() === identity.bootId;
}

/** Signals a process or, with a negative number, a group. @returns false when there is none or it is not ours */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/**
 * Signals the group that a process leads or has led. A number is not given away while its group lives, but may be another's long
 * after the group's end.
 * @param leader null: only its number is known. @returns false when there is no such group (any more)
 */
export function signalGroup(pid: number, leader: ProcessIdentity | null, name: NodeJS.Signals): boolean {
  const stat = leader && readStat(pid);
  const isOther = leader !== null && (leader.bootId !== bootId() || (stat && stat.startTime !== leader.startTime));
  return !isOther && signal(-pid, name);
}

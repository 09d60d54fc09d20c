/**
 * CLIs that an earlier life of this server started and never put on record (it was killed in between), and what they
 * started: found by a variable that all of them inherit.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { endLeftover, processIdentity } from '../provider/process.ts';

/** Names the data folder of the server that started a CLI. */
export const OWNER = 'AGENT_MONITOR_DATA';

/** Ends every process of this data folder but our own ancestors. The folder's lock is held. @returns how many were found */
export async function endStrays(dataDir: string): Promise<number> {
  const wanted = `\0${OWNER}=${dataDir}\0`;
  const spared = new Set([process.pid, process.ppid]);
  const pids = processIds().filter((pid) => !spared.has(pid));
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
  const strays = pids.filter((_, i) => `\0${environments[i]}`.includes(wanted));
  await Promise.all(strays.map(async (pid) => {
    const identity = processIdentity(pid);
    if (identity) await endLeftover(identity);
  }));
  return strays.length;
}

function processIds(): number[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return []; // no Linux
  }
}

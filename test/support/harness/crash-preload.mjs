// Preloaded by the crash tests: counts what the process does to the disk and what it starts, and kills it right before the n-th.
import childProcess from 'node:child_process';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

const crashAt = Number(process.env.CRASH_AT ?? 0);
delete process.env.CRASH_AT;
let count = 0;
globalThis.crashSteps = () => count;
/** Nothing is counted before the server is up. */
globalThis.crashArmed = false;

function step() {
  if (globalThis.crashArmed && ++count === crashAt) process.kill(process.pid, 'SIGKILL');
}

function counted(owner, names) {
  for (const name of names) {
    const real = owner[name];
    owner[name] = function (...args) {
      step();
      return real.apply(this, args);
    };
  }
}

counted(fs, ['rename', 'rm', 'rmdir', 'unlink', 'mkdir', 'writeFile', 'copyFile', 'link']);
const handle = await fs.open('/dev/null');
counted(Object.getPrototypeOf(handle), ['write', 'datasync', 'sync']);
await handle.close();
counted(childProcess, ['spawn', 'execFile']);
syncBuiltinESMExports();

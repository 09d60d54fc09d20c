/** The commands that make a new worktree ready (`npm ci` …), as the user set them. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { splitWords } from '../../core/api/settings.ts';
import { cleanEnvironment } from '../process/environment.ts';

/** A command that takes longer is ended. */
const COMMAND_MS = 15 * 60_000;
/** Creating an agent waits so long for the setup; what takes longer goes on beside the agent. A reply must be out in 60 s. */
const WAIT_MS = 40_000;
/** Characters of output that a failure shows. */
const TAIL = 400;

/** Runs the commands one after another until one fails. Returns a sentence for the user; empty: all succeeded. */
export async function runSetup(cwd: string, commands: readonly string[], waitMs = WAIT_MS): Promise<string> {
  if (!commands.length) return '';
  const all = (async () => {
    for (const command of commands) {
      const failure = await runOne(cwd, command);
      if (failure) return `The setup command \`${command}\` failed: ${failure}`;
    }
    return '';
  })();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('The setup commands still run while the agent begins.'), waitMs);
  });
  const text = await Promise.race([all, late]);
  clearTimeout(timer);
  return text;
}

function runOne(cwd: string, command: string): Promise<string> {
  const words = splitWords(command);
  if (!words) return Promise.resolve('it names no program or a quote is not closed.');
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = spawn(words[0]!, words.slice(1), {
      cwd,
      env: cleanEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
      detached: true,
    });
  } catch (error) { // not every failure to start comes as an event
    return Promise.resolve((error as Error).message);
  }
  return new Promise((resolve) => {
    let tail = '';
    const keep = (chunk: unknown) => tail = (tail + chunk).slice(-TAIL);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => endGroup(child.pid), COMMAND_MS);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code === 0 ? '' : `${signal ?? `exit code ${code}`}. ${tail.trim()}`);
    });
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch { /* it has ended by itself */ }
}

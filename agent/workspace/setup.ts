/** The commands that make a new worktree ready (`npm ci` …), as the user set them. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { splitWords } from '../../core/api/settings.ts';
import { cleanEnvironment, DATA_DIRECTORY_MARK, PROCESS_MARK } from '../process/environment.ts';
import { processIdentity, signal } from '../process/identity.ts';
import { killProcessTree } from '../process/process-tree.ts';

/** A command that takes longer is ended. */
const COMMAND_MS = 15 * 60_000;
/** Creating an agent waits so long for the setup; what takes longer goes on beside the agent. A reply must be out in 60 s. */
const WAIT_MS = 40_000;
/** Characters of output that a failure shows. */
const TAIL = 400;

/** The commands of one worktree, and what runs of them. */
interface Run {
  isEnded: boolean;
  process: ChildProcess | null;
  mark: string;
}

export class SetupRuns {
  /** Worktree → its commands, while they run. */
  readonly #runs = new Map<string, Run>();
  readonly #dataDir: string;
  #isClosed = false;

  /** @param dataDir by which the next server finds what a killed one has left */
  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /**
   * Runs the commands one after another until one fails. Returns a sentence for the user; empty: all succeeded.
   * @param worktree its path, by which they are ended
   */
  async run(worktree: string, cwd: string, commands: readonly string[], waitMs = WAIT_MS): Promise<string> {
    if (!commands.length || this.#isClosed) return '';
    const run: Run = { isEnded: false, process: null, mark: randomUUID() };
    this.#runs.set(worktree, run);
    const all = runAll(run, cwd, commands, this.#dataDir).finally(() => this.#runs.delete(worktree));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve('The setup commands still run while the agent begins.'), waitMs);
    });
    const text = await Promise.race([all, late]);
    clearTimeout(timer);
    return text;
  }

  isRunning(worktree: string): boolean {
    return this.#runs.has(worktree);
  }

  /** Ends what still runs for a worktree that is about to be removed: it would write into a folder that is gone, or make it anew. */
  async end(worktree: string): Promise<void> {
    const run = this.#runs.get(worktree);
    if (!run) return;
    run.isEnded = true;
    await endProcess(run);
  }

  /** Ends all; none begins any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#runs.keys()].map((worktree) => this.end(worktree)));
  }
}

async function runAll(run: Run, cwd: string, commands: readonly string[], dataDir: string): Promise<string> {
  for (const command of commands) {
    if (run.isEnded) return '';
    const failure = await runOne(run, cwd, command, dataDir);
    if (failure) return `The setup command \`${command}\` failed: ${failure}`;
  }
  return '';
}

function runOne(run: Run, cwd: string, command: string, dataDir: string): Promise<string> {
  const words = splitWords(command);
  if (!words) return Promise.resolve('it names no program or a quote is not closed.');
  let child: ChildProcessByStdio<null, Readable, Readable>;
  try {
    child = spawn(words[0]!, words.slice(1), {
      cwd,
      env: cleanEnvironment(process.env, { [PROCESS_MARK]: run.mark, [DATA_DIRECTORY_MARK]: dataDir }),
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
      detached: true,
    });
  } catch (error) { // not every failure to start comes as an event
    return Promise.resolve((error as Error).message);
  }
  run.process = child;
  return new Promise((resolve) => {
    let tail = '';
    const keep = (chunk: unknown) => tail = (tail + chunk).slice(-TAIL);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => void endProcess(run), COMMAND_MS);
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

/** With all that it started; without /proc, its group. */
async function endProcess({ process: child, mark }: Run): Promise<void> {
  const pid = child?.pid;
  if (!pid) return;
  const identity = processIdentity(pid, mark);
  if (identity) await killProcessTree(identity);
  else if (child.exitCode === null && child.signalCode === null) signal(-pid, 'SIGKILL');
}

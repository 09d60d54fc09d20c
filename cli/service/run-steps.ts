/** Runs the command lines of a service manager. */
import { spawn } from 'node:child_process';
import { run } from '../../agent/process/run.ts';
import type { CommandContext } from '../command.ts';
import { CommandError } from '../exit-codes.ts';
import { managerEnv, type Step } from './manager.ts';

/** How long one of them may take, ms: a restart waits until the server has gone down. */
const STEP_MS = 60_000;

const environment = (context: CommandContext): Record<string, string> => ({
  XDG_RUNTIME_DIR: managerEnv(context.env).XDG_RUNTIME_DIR!,
});

/** @returns whether the command ended well, and what it printed */
export async function attempt(context: CommandContext, [program, ...args]: readonly string[]) {
  const result = await run(program!, args, { timeoutMs: STEP_MS, env: environment(context) });
  return { ok: result.code === 0, text: (result.stdout + result.stderr).trim() || result.failure };
}

/**
 * @returns the sentences about steps that failed and may
 * @throws CommandError with the manager's own words for the first step that must not fail
 */
export async function runSteps(context: CommandContext, steps: readonly Step[]): Promise<string[]> {
  const notes: string[] = [];
  for (const { command, onFailure } of steps) {
    const { ok, text } = await attempt(context, command);
    if (ok) continue;
    if (onFailure === undefined) throw new CommandError(`${command.join(' ')} failed: ${text}`);
    if (onFailure) notes.push(onFailure);
  }
  return notes;
}

/** Hands the terminal to a command until it ends. @returns its exit code */
export function handOver(context: CommandContext, [program, ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const env = { ...context.env, ...environment(context) };
    const child = spawn(program!, args, { stdio: 'inherit', env });
    context.signal.addEventListener('abort', () => child.kill(), { once: true });
    child.on('error', (error) => reject(new CommandError(`${program} cannot be started: ${error.message}`)));
    child.on('close', (code) => resolve(context.signal.aborted ? 0 : code ?? 1));
  });
}

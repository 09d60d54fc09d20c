/** Runs a helper program to its end and returns its output. No shell, a cleaned environment, bounded in time and output. */
import { execFile } from 'node:child_process';
import process from 'node:process';
import { cleanEnvironment, type Environment } from './environment.ts';
import { commandSpec } from './script.ts';

export interface RunResult {
  /** null: the program could not be started, or was killed. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** ENOENT, ETIMEDOUT …; empty when the program ended by itself. */
  failure: string;
}

const MAX_OUTPUT = 4 * 1024 * 1024;

/** Never rejects. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; timeoutMs?: number; env?: Environment; signal?: AbortSignal } = {},
): Promise<RunResult> {
  const { command, prefix } = commandSpec(program);
  return new Promise((resolve) => {
    const child = execFile(command, [...prefix, ...args], {
      cwd: options.cwd,
      env: cleanEnvironment(process.env, options.env),
      timeout: options.timeoutMs ?? 10_000,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT,
      shell: false,
      signal: options.signal,
    }, (error, stdout, stderr) => {
      const { code, killed } = (error ?? {}) as { code?: number | string; killed?: boolean };
      const failure = typeof code === 'string' ? code : killed ? 'ETIMEDOUT' : '';
      resolve({ code: failure ? null : typeof code === 'number' ? code : 0, stdout, stderr, failure });
    });
    child.stdin?.end();
  });
}

/** The agent machine as a program: from the environment to a running server, until a signal ends it. */
import { createLog, outliveErrors, outliveOutput } from '../core/log.ts';
import { readConfig } from './config.ts';
import { type AgentServer, startAgentServer } from './server.ts';

export interface ProgramOptions {
  version: string;
  /** Ends the server cleanly. */
  signal: AbortSignal;
  /** Called when it serves. */
  onStarted?(server: AgentServer): void;
}

/**
 * Runs the server until `signal` is aborted.
 * @throws ConfigError or an error with a sentence when it cannot start, or could not go down cleanly
 */
export async function runAgent(env: Record<string, string | undefined>, options: ProgramOptions): Promise<void> {
  const log = createLog();
  outliveOutput();
  outliveErrors(log);
  const server = await startAgentServer(readConfig(env), { log, version: options.version });
  options.onStarted?.(server);
  await aborted(options.signal);
  log.info('going down', { signal: String(options.signal.reason) });
  await server.close({ detach: true });
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

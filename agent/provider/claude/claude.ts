/** Claude Code as a provider: one persistent stream-json process per open session. */
import process from 'node:process';
import type { Clock } from '../../../core/clock.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Environment } from '../../process/environment.ts';
import { commandSpec } from '../../process/script.ts';
import { probeVersion } from '../probe.ts';
import type { Provider } from '../provider.ts';
import { claudeTerminalArgs } from './args.ts';
import { claudeSessions } from './history.ts';
import { ClaudeSession, PROGRAM } from './session.ts';
import { claudeTerminalSessions } from './terminal-sessions.ts';

/** How long the result of a probe is valid, ms. */
const PROBE_AGE_MS = 60_000;

export interface ClaudeOptions {
  /** Program name or path; a .ts or .mjs file runs in this runtime. */
  bin: string;
  /** Where it stores its sessions; empty: ~/.claude. */
  configDir?: string;
  env?: Environment;
  log?: Log;
  clock?: Clock;
  /** Where its CLIs are held, so that they outlive this server; missing: they end with it. */
  holders?: { dataDir: string; idleMs: number };
}

export function createClaude(options: ClaudeOptions): Provider {
  const clock = options.clock ?? systemClock;
  const env = options.env ?? process.env;
  const command = commandSpec(options.bin);
  let probed: { at: number; result: ReturnType<Provider['probe']> } | null = null;
  return {
    name: 'claude',
    isHeld: options.holders !== undefined,
    storedSessions: claudeSessions(options.configDir ?? ''),
    terminalSessions: claudeTerminalSessions(options.configDir ?? ''),
    terminalArgs: claudeTerminalArgs,
    open: (open, emit) =>
      new ClaudeSession({ ...command, env, clock, log: options.log, holders: options.holders }, open, emit),
    probe() {
      if (!probed || clock.monotonic() - probed.at > PROBE_AGE_MS) {
        probed = { at: clock.monotonic(), result: probeVersion({ program: PROGRAM, ...command, env, clock }) };
      }
      return probed.result;
    },
    close: () => Promise.resolve(),
  };
}

/** Any agent of the Agent Client Protocol as a provider: one process a session, JSON-RPC over its standard streams. */
import process from 'node:process';
import { type Clock, systemClock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Environment } from '../../process/environment.ts';
import { commandSpec } from '../../process/script.ts';
import { probeVersion } from '../probe.ts';
import type { Provider } from '../provider.ts';
import type { AcpAgent } from './presets.ts';
import { AcpSession } from './session.ts';

/** How long a probe's answer holds, ms: some take seconds to tell their version. */
const PROBE_AGE_MS = 600_000;
/** The same, of one that is missing, ms. */
const ABSENT_AGE_MS = 10_000;

export interface AcpOptions {
  agent: AcpAgent;
  env?: Environment;
  clock?: Clock;
  log?: Log;
  /** Where its agents are held, so that they outlive this server; missing: they end with it. */
  holders?: { dataDir: string; idleMs: number };
}

export function createAcp({ agent, env = process.env, clock = systemClock, log, holders }: AcpOptions): Provider {
  const command = commandSpec(agent.command);
  let probed: { at: number; result: ReturnType<Provider['probe']> } | null = null;
  return {
    name: agent.id,
    label: agent.name,
    icon: agent.icon,
    isHeld: holders !== undefined,
    open: (options, emit) => new AcpSession({ agent, command, env, clock, log, holders }, options, emit),
    probe() {
      const program = { name: agent.name, setting: 'its command in the settings', install: agent.install };
      if (probed && clock.monotonic() - probed.at < PROBE_AGE_MS) return probed.result;
      const fresh = {
        at: clock.monotonic(),
        result: probeVersion({ program, ...command, env: { ...env, ...agent.env }, clock }),
      };
      probed = fresh;
      // One that is not there may be installed at any time.
      void fresh.result.then(({ available }) => {
        if (!available) fresh.at = clock.monotonic() - PROBE_AGE_MS + ABSENT_AGE_MS;
      });
      return fresh.result;
    },
    close: () => Promise.resolve(),
  };
}

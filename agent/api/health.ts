/** /api/health: is this machine well, and where is its tunnel. */
import type { Clock } from '../../core/clock.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Agents } from '../session/agents.ts';
import type { Machine } from '../live/machine.ts';
import type { Warnings } from '../live/warnings.ts';
import type { TunnelState } from '../tunnel/client.ts';

export interface HealthSources {
  machine: Machine;
  clock: Clock;
  agents: Agents;
  /** What the owner should know of, as the dashboards show it. */
  warnings: Warnings;
  /** null: no relay is set. */
  tunnel(): TunnelState | null;
}

export function healthRoutes(router: Router, { machine, clock, agents, warnings, tunnel }: HealthSources): void {
  router.get('/api/health', (_req, res) => {
    const info = machine.info();
    json(res, 200, {
      ok: true,
      version: info.version,
      uptime: Math.floor((clock.now() - info.startedAt) / 1000),
      agents: agents.list().length,
      machine: info,
      warnings: warnings.list(),
      tunnel: tunnel(),
    });
  });
}

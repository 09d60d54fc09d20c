/** /api/health: is this machine well, and where is its tunnel. */
import type { Clock } from '../../core/clock.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { MachineInfo } from '../../core/wire/live.ts';
import type { Agents } from '../rooms.ts';
import type { TunnelState } from '../tunnel.ts';

export interface HealthSources {
  machine: MachineInfo;
  clock: Clock;
  agents: Agents;
  /** What the owner should know of, as the dashboards show it. */
  warnings(): { code: string; text: string }[];
  /** null: no relay is set. */
  tunnel(): TunnelState | null;
}

export function healthRoutes(router: Router, { machine, clock, agents, warnings, tunnel }: HealthSources): void {
  router.get('/api/health', (_req, res) => {
    json(res, 200, {
      ok: true,
      version: machine.version,
      uptime: Math.floor((clock.now() - machine.startedAt) / 1000),
      agents: agents.list().length,
      machine,
      warnings: warnings(),
      tunnel: tunnel(),
    });
  });
}

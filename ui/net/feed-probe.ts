/**
 * Whether the live feed's address answers ordinary requests while its socket is refused. The server answers such a request
 * with 426 Upgrade Required (RFC 9110 section 15.5.22), and only when nothing else is wrong: then it is the way between that
 * drops what makes a request a WebSocket, which a reverse proxy does unless it is told otherwise.
 */
import { signal } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';

const TIMEOUT = 5_000;
const UPGRADE_REQUIRED = 426;

export interface FeedProbe {
  /** When the address last answered so; null when it did not the last time. */
  readonly answeredAt: Signal<number | null>;
  ask(): Promise<void>;
}

export function createFeedProbe(deps: { fetch: typeof fetch; now(): number }): FeedProbe {
  const answeredAt = signal<number | null>(null);
  return {
    answeredAt,
    async ask() {
      const options: RequestInit = { cache: 'no-store', redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) };
      const response = await deps.fetch('/api/live', options).catch(() => null);
      answeredAt.value = response?.status === UPGRADE_REQUIRED ? deps.now() : null;
    },
  };
}

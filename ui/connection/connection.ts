/** What to say when the way between this page and the machine is broken. */
import type { ConnectionState } from '../net/live.ts';
import type { RelayState } from '../net/relay-status.ts';

/** What the bar says; null: nothing is broken. */
export interface Trouble {
  /** `websocket`: the server answers questions, but refuses the live feed's socket. */
  kind: 'connecting' | 'relay' | 'machine' | 'feed' | 'websocket' | 'offline';
  since: number;
  /** When the next try is made; null: it is being made now. */
  retryAt: number | null;
}

/** So many refusals in a row are no accident of a restart. */
const MIN_REFUSALS = 2;
/** How long the first connecting may take before it is called a trouble; ms. */
const GRACE = 1500;

export interface Signs {
  live: ConnectionState;
  relay: RelayState;
  /** When the feed's address last answered an ordinary request, if it answered the last one. */
  answeredAt: number | null;
  /** What the browser believes (navigator.onLine); it knows networks, not servers. */
  online: boolean;
  now: number;
}

/** What is broken, and since when; null: nothing is. */
export function trouble(signs: Signs): Trouble | null {
  const { live, relay, online, now } = signs;
  const { phase, since, retryAt, seenAt } = live;
  if (phase === 'up') return null;
  const answers = isAnswering(signs);
  if (!online && !answers) return { kind: 'offline', since, retryAt };
  if (relay.present && relay.reachable === false) return { kind: 'relay', since: relay.since, retryAt };
  if (relay.present && relay.machine === false) return { kind: 'machine', since: relay.machineSince, retryAt };
  if (isPlainOnly(signs)) return { kind: 'websocket', since, retryAt };
  if (seenAt !== null || phase !== 'connecting') return { kind: 'feed', since, retryAt };
  return now - since < GRACE ? null : { kind: 'connecting', since, retryAt: null };
}

/** The feed's address answers ordinary requests, and refuses each socket. */
const isPlainOnly = ({ live, answeredAt }: Signs): boolean =>
  live.refusals >= MIN_REFUSALS && answeredAt !== null && answeredAt > live.since;

/** Something of the server has answered since the live feed is gone. */
function isAnswering({ live, relay, answeredAt }: Signs): boolean {
  const relaySaid = relay.present && relay.reachable ? relay.seenAt ?? 0 : 0;
  return Math.max(answeredAt ?? 0, relaySaid) > live.since;
}

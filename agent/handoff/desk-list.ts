/** What of the CLI's own list of processes is a session at the desk. */
import type { ProviderName } from '../../core/api/agents.ts';
import { DESK_STATUS, type DeskSession, type DeskStatus, MAX_DESK_SESSIONS } from '../../core/api/handoff.ts';
import { isAtDesk, type LiveSession } from '../provider/terminal-sessions.ts';

/**
 * One entry a session, the newest first. Left out is what a program runs (as this server does), what is another user's, and what
 * cannot be told from a later process of the same number.
 * @param isHere whether a process runs in a terminal of this server
 */
export function deskSessions(
  provider: ProviderName,
  live: readonly LiveSession[],
  isHere: (session: LiveSession) => boolean,
): DeskSession[] {
  const byId = new Map<string, LiveSession[]>();
  for (const session of live.filter(isAtDesk)) byId.set(session.id, [...byId.get(session.id) ?? [], session]);
  return [...byId.values()].map((same) => {
    const [newest, ...others] = same.sort((a, b) => b.statusAt - a.statusAt || b.pid - a.pid);
    return { ...toDesk(newest!), provider, others: others.length, isHere: isHere(newest!) };
  }).sort((a, b) => b.startedAt - a.startedAt || a.pid - b.pid).slice(0, MAX_DESK_SESSIONS);
}

function toDesk(session: LiveSession): Omit<DeskSession, 'provider' | 'others' | 'isHere'> {
  const { id, pid, name, directory, startedAt, statusAt, version, attach } = session;
  const status = DESK_STATUS.find((known) => known === session.status) ?? UNKNOWN;
  const waitingFor = status === 'waiting' ? session.waitingFor : '';
  return { id, pid, name, directory, startedAt, statusAt, version, attach, status, waitingFor };
}

/** A later version's status: nothing is done to it as if it were idle. */
const UNKNOWN: DeskStatus = 'busy';

/** What changed between two lists. */
export function difference(before: readonly DeskSession[], after: readonly DeskSession[]) {
  const old = new Map(before.map((session) => [session.id, JSON.stringify(session)]));
  const now = new Set(after.map(({ id }) => id));
  return {
    changed: after.filter((session) => old.get(session.id) !== JSON.stringify(session)),
    removed: before.filter(({ id }) => !now.has(id)).map(({ id }) => id),
  };
}

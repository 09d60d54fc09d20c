/** Agents and sessions at the desk together, for what asks people: a session is named by its chat, `desk-<id>`. */
import { deskAgent, type DeskSession, deskSessionOf } from '../../core/api/handoff.ts';
import { Failure } from '../../core/api/errors.ts';
import type { OpenRequests } from '../hooks/open-requests.ts';
import type { Agents } from '../session/agents.ts';

/** Who asks, and how that is answered. */
export type Askers = Pick<Agents, 'list' | 'info' | 'message' | 'decide'>;

export interface DeskParts {
  desk: { readonly sessions: readonly DeskSession[] };
  requests: Pick<OpenRequests, 'message' | 'decide'>;
}

export function withDesk(agents: Askers, { desk, requests }: DeskParts): Askers {
  return {
    list: () => [...agents.list(), ...desk.sessions.map((session) => deskAgent(session))],
    info(chat) {
      const id = deskSessionOf(chat);
      if (id === null) return agents.info(chat);
      const session = desk.sessions.find((entry) => entry.id === id);
      if (session) return deskAgent(session);
      throw new Failure('not_found', 'This session does not run in a terminal (any more).');
    },
    message(chat, message) {
      const id = deskSessionOf(chat);
      return id === null ? agents.message(chat, message) : requests.message(id, message);
    },
    decide(chat, request, body, by) {
      const id = deskSessionOf(chat);
      return id === null ? agents.decide(chat, request, body, by) : requests.decide(id, request, body, by);
    },
  };
}

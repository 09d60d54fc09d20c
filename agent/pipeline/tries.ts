/** What an interrupted agent has made of the pipeline's messages, by its journal: whether another try counts, and what to say. */
import type { Message, UserMessage } from '../../core/api/messages.ts';
import type { Agents } from '../session/agents.ts';

/** Who creates and resumes the agents, for the record. */
export const BY = 'pipeline';

/** Messages in a row that were interrupted before the CLI had done anything for them; then the task has failed. */
export const MAX_FRUITLESS = 20;

/** The CLI took the prompt in the session that goes on. If not, it has nothing that it could go on with. */
export function wasGiven(agents: Agents, agentId: string): boolean {
  if (agents.info(agentId).sessionId === null) return false;
  let isFound = false;
  for (let after = 0;;) {
    const { messages } = agents.messages(agentId, { after });
    const input = messages.flatMap((entry) => (isOurs(entry) ? [entry.status] : []));
    if (input.includes('sent')) return true;
    isFound ||= input.length > 0;
    const last = messages.at(-1);
    if (!last) return !isFound; // long ago: the beginning of a long session is not kept
    after = last.seq;
  }
}

/** How many of the pipeline's messages, the newest ones, have nothing that the CLI did after them; 0: the last turn got on. */
export function fruitlessTries(agents: Agents, agentId: string): number {
  let count = 0;
  let before: number | undefined;
  for (;;) {
    const { messages, more } = agents.messages(agentId, before === undefined ? {} : { before });
    for (const message of messages.toReversed()) {
      if (isProgress(message)) return count;
      if (isOurs(message)) count++;
    }
    before = messages[0]?.seq;
    if (!more || before === undefined || count > MAX_FRUITLESS) return count;
  }
}

const isOurs = (message: Message): message is UserMessage => message.kind === 'user' && message.by === BY;

/** A notice is this server's, and a turn may end without anything in it. */
function isProgress(message: Message): boolean {
  switch (message.kind) {
    case 'text':
    case 'thinking':
    case 'tool':
    case 'request':
    case 'todos':
      return true;
    case 'user':
    case 'notice':
    case 'turn':
      return false;
  }
}

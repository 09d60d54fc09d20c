/** The requests of an agent that a person decides, and the ids of the decisions. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { DecisionBody, Message, MessagePage, RequestMessage } from '../../core/api/messages.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Api } from './api.ts';
import { requestLine } from './transcript.ts';

/** What waits is nearly always among so many. */
const FEW = 50;
/** Newest messages among which a request is looked for. */
const MAX_LOOKED_AT = 1000;
/** Characters of an id's beginning that name a request. */
const MIN_PREFIX = 4;

const isRequest = (message: Message): message is RequestMessage => message.kind === 'request';

/** Requests among the newest messages, oldest first. @param path of the agent's resources */
async function newestRequests(api: Api, path: string, limit: number): Promise<RequestMessage[]> {
  const { messages } = await api.get<MessagePage>(`${path}/messages?limit=${limit}`);
  return messages.filter(isRequest);
}

/** The requests with these ids, in this order; those that are settled by now are left out. */
export async function pendingRequests(api: Api, path: string, ids: readonly string[]): Promise<RequestMessage[]> {
  for (const limit of [FEW, MAX_LOOKED_AT]) {
    const found = new Map((await newestRequests(api, path, limit)).map((request) => [request.id, request]));
    const requests = ids.flatMap((id) => found.get(id) ?? []).filter(({ status }) => status === 'pending');
    if (requests.length === ids.length || limit === MAX_LOOKED_AT) return requests;
  }
  return [];
}

/**
 * The request that a word names: its id or the beginning of it; without a word the only one that is pending.
 * @throws CommandError: none, or several (it names them)
 */
export async function findRequest(api: Api, path: string, word: string | undefined): Promise<RequestMessage> {
  const requests = await newestRequests(api, path, MAX_LOOKED_AT);
  const found = word === undefined
    ? requests.filter(({ status }) => status === 'pending')
    : requests.filter(({ id }) => id === word || (word.length >= MIN_PREFIX && id.startsWith(word)));
  if (found.length === 1) return found[0]!;
  if (found.length > 1) {
    const which = [
      'Several requests fit. Name one by its id:',
      ...found.map((request) => `  ${requestLine(request, request.id)}`),
    ];
    throw new CommandError(which.join('\n'), EXIT.usage);
  }
  const text = word === undefined ? 'The agent waits for no decision.' : 'There is no such request of this agent.';
  throw new CommandError(text, EXIT.notFound);
}

/**
 * The id of a decision: the same for the same decision by this machine, so that a command that is repeated, because its answer
 * was lost or a script was run again, counts once.
 */
export function decisionId(
  { origin, agent, request, decision, host = hostname() }: {
    origin: string;
    agent: string;
    request: string;
    decision: Omit<DecisionBody, 'clientId'>;
    host?: string;
  },
): string {
  const parts = [origin, agent, request, host, decision];
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  // RFC 9562 section 5.8: version 8, an id of one's own making.
  const variant = ((parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${
    hex.slice(20, 32)
  }`;
}

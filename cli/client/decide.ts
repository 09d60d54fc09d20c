/** What `approve` and `deny` share: which request, the decision's id, and its answer. */
import type { DecisionBody, DecisionRecord, RequestMessage } from '../../core/api/messages.ts';
import type { CommandContext } from '../command.ts';
import { agentPath, type Api } from './api.ts';
import { agentOf, shortId } from './find-agent.ts';
import { note, printJsonLine } from './output.ts';
import { printableLine } from './printable.ts';
import { decisionId, findRequest } from './requests.ts';

export interface Subject {
  api: Api;
  agent: { id: string; name: string };
  request: RequestMessage;
}

/** The agent and the request that the command's arguments name. */
export async function subjectOf(api: Api, [agentWord, requestWord]: readonly string[]): Promise<Subject> {
  const agent = await agentOf(api, agentWord);
  return { api, agent, request: await findRequest(api, agentPath(agent.id), requestWord) };
}

/** Sends a decision; the same one again counts once. @returns the exit code */
export async function decide(
  context: CommandContext,
  { api, agent, request }: Subject,
  decision: Omit<DecisionBody, 'clientId'>,
): Promise<number> {
  const clientId = decisionId({ origin: api.origin, agent: agent.id, request: request.id, decision });
  const path = `${agentPath(agent.id)}/permissions/${encodeURIComponent(request.id)}`;
  const { decision: record, duplicate } = await api.command<{ decision: DecisionRecord; duplicate: boolean }>(path, {
    ...decision,
    clientId,
  });
  if (context.json) printJsonLine(context, { agent: agent.id, request: request.id, decision: record, duplicate });
  else {
    const what = `${printableLine(record.decision)}: request ${printableLine(shortId(request.id))}`;
    note(context, `${duplicate ? 'Had been decided: ' : ''}${what} of ${printableLine(agent.name)}.`);
  }
  return 0;
}

/** `agent-monitor ls`: the agents, their state, and what waits for a person. */
import type { AgentInfo, AgentState } from '../../core/api/agents.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import type { Command, CommandContext } from '../command.ts';
import { agentPath, type Api } from '../client/api.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { shortId } from '../client/find-agent.ts';
import { duration, endWithReader, printJsonLine, printLine, scriptAgent } from '../client/output.ts';
import { clipColumns, printableLine, table } from '../client/printable.ts';
import { pendingRequests } from '../client/requests.ts';
import { requestLine } from '../client/transcript.ts';

const STATES: Record<AgentState, string> = {
  starting: 'starting',
  running: 'working',
  waiting_input: 'needs you',
  waiting_limit: 'at a limit',
  idle: 'ready',
  stopped: 'stopped',
  error: 'failed',
};
/** Columns of a name, and of a line when the terminal does not say. */
const MAX_NAME = 32;
const WIDE = 160;

export const command: Command = {
  name: 'ls',
  summary: 'list the agents, their state and what waits for you',
  usage: `ls [options]${serverUsage(14)}
  --json        an array of agents, each with its pending "requests" (cli/SPEC.md)`,
  options: SERVER_OPTIONS,
  async run(context) {
    const api = connect(context);
    endWithReader(context);
    const agents = await api.agents();
    const requests = await Promise.all(agents.map((agent) => requestsOf(api, agent)));
    if (context.json) {
      printJsonLine(context, agents.map((agent, i) => ({ ...scriptAgent(agent), requests: requests[i] })));
    } else if (agents.length) printLine(context, listing(agents, requests, context));
    else printLine(context, 'No agents. Start one: agent-monitor new <folder> "<prompt>"');
    return 0;
  },
};

const requestsOf = (api: Api, agent: AgentInfo): Promise<RequestMessage[]> =>
  agent.pending.length ? pendingRequests(api, agentPath(agent.id), agent.pending) : Promise.resolve([]);

function listing(agents: readonly AgentInfo[], requests: RequestMessage[][], { stdout }: CommandContext): string {
  const rows = agents.map((agent, i) => [
    shortId(agent.id),
    clipColumns(printableLine(agent.name), MAX_NAME),
    STATES[agent.state] ?? printableLine(agent.state),
    duration(Date.now() - agent.stateSince),
    printableLine([agent.provider, agent.model].filter(Boolean).join(' ')),
    requests[i]!.map((request) => requestLine(request)).join(' | ') || printableLine(agent.stateText || agent.preview),
  ]);
  const lines = table([['ID', 'NAME', 'STATE', 'FOR', 'RUNS', 'WAITS FOR / LAST'], ...rows]).split('\n');
  return lines.map((line) => clipColumns(line, stdout.isTTY ? stdout.columns || WIDE : Infinity)).join('\n');
}

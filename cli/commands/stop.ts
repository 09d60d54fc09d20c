/** `agent-monitor stop`: ends an agent's program, or its turn. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Command, hasFlag } from '../command.ts';
import { agentPath } from '../client/api.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { agentOf } from '../client/find-agent.ts';
import { note, printJsonLine, scriptAgent } from '../client/output.ts';
import { printableLine } from '../client/printable.ts';

export const command: Command = {
  name: 'stop',
  summary: "end an agent's program; the next message goes on where it was",
  usage: `stop <agent> [options]
  <agent>       its name, its id or the beginning of one
  --turn        end the turn only${serverUsage(14)}
  --json        the agent as an object (cli/SPEC.md)`,
  options: { ...SERVER_OPTIONS, turn: { type: 'boolean' } },
  async run(context) {
    const api = connect(context);
    const { id, name } = await agentOf(api, context.positionals[0]);
    const isTurn = hasFlag(context, 'turn');
    // What is stopped stays stopped. A second interruption could end the turn after the one that was meant: it is sent once.
    if (isTurn) await api.post(`${agentPath(id)}/interrupt`);
    else await api.command(`${agentPath(id)}/stop`);
    if (context.json) printJsonLine(context, scriptAgent(await api.get<AgentInfo>(agentPath(id))));
    else note(context, `${isTurn ? 'Interrupted' : 'Stopped'} ${printableLine(name)}.`);
    return 0;
  },
};

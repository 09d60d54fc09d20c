/** `agent-monitor stop`: ends an agent's program, or its turn; or all that runs here, with or without a server. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { readConfig } from '../../agent/config.ts';
import { refuseIfInUse } from '../../agent/store/lock.ts';
import { endHolders } from '../../agent/process/holder/end.ts';
import { type Command, type CommandContext, hasFlag } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';
import { agentPath, type Api } from '../client/api.ts';
import { chooseTarget, connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { ApiError } from '../client/errors.ts';
import { agentOf } from '../client/find-agent.ts';
import { note, printJsonLine, scriptAgent } from '../client/output.ts';
import { printableLine } from '../client/printable.ts';

export const command: Command = {
  name: 'stop',
  summary: "end an agent's program; the next message goes on where it was",
  usage: `stop <agent> [options]
       stop --all
  <agent>       its name, its id or the beginning of one
  --turn        end the turn only
  --all         end every agent's program and every terminal, also those that a server has left when it ended${
    serverUsage(14)
  }
  --json        the agent as an object (cli/SPEC.md)`,
  options: { ...SERVER_OPTIONS, turn: { type: 'boolean' }, all: { type: 'boolean' } },
  async run(context) {
    const api = connect(context);
    if (hasFlag(context, 'all')) return await stopAll(context, api);
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

async function stopAll(context: CommandContext, api: Api): Promise<number> {
  if (context.positionals.length || hasFlag(context, 'turn')) {
    throw new CommandError('--all takes neither an agent nor --turn.', EXIT.usage);
  }
  try {
    await api.command('/api/agents/actions/stop-all');
    const { terminals } = await api.get<{ terminals: TerminalInfo[] }>('/api/terminals');
    for (const { id } of terminals) await api.call('DELETE', `/api/terminals/${id}`);
    note(context, `Stopped every agent and closed ${terminals.length} terminals.`);
  } catch (error) {
    // Nothing listens here: what the server has left is ended without it.
    if (!(error instanceof ApiError) || error.code !== 'no_server' || chooseTarget(context) !== null) throw error;
    const { dataDir } = readConfig(programEnv(context.env));
    await refuseIfInUse(dataDir); // by a server on another port
    const ended = await endHolders(dataDir);
    note(context, `No server runs here. Ended ${ended.length} programs that it had left (${dataDir}).`);
  }
  return EXIT.ok;
}

/** `agent-monitor attach`: an agent's terminal in this terminal. */
import { randomUUID } from 'node:crypto';
import type { AgentInfo } from '../../core/api/agents.ts';
import {
  clampSize,
  type CreateTerminalBody,
  type TerminalInfo,
  type TerminalProgram,
} from '../../core/api/terminals.ts';
import { type Command, type CommandContext, hasFlag, textOption } from '../command.ts';
import type { Api } from '../client/api.ts';
import { showTerminal } from '../client/attach-screen.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { DEFAULT_DETACH_KEYS, detachLabel, parseDetachKeys } from '../client/detach-keys.ts';
import { agentOf } from '../client/find-agent.ts';
import { note } from '../client/output.ts';
import { printableLine } from '../client/printable.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const command: Command = {
  name: 'attach',
  summary: "show an agent's terminal in this terminal",
  usage: `attach <agent> [options]
  <agent>              its name, its id or the beginning of one
  Shows the agent's newest terminal; without one, a new shell in its folder.
  --new                a new shell in any case
  --cli                the agent's own program (claude or codex), going on with its session
  --terminal ID        this terminal, by its id, its name or the beginning of one
  --detach-keys KEYS   leave it by these keys; without it ${DEFAULT_DETACH_KEYS}. Several with commas: ctrl-p,ctrl-q.
                       AGENT_MONITOR_DETACH_KEYS does the same. The terminal lives on when you leave it${
    serverUsage(21)
  }`,
  options: {
    ...SERVER_OPTIONS,
    new: { type: 'boolean' },
    cli: { type: 'boolean' },
    terminal: { type: 'string' },
    'detach-keys': { type: 'string' },
  },
  async run(context) {
    const { stdin, stdout, env } = context;
    if (!stdin.isTTY || !stdout.isTTY) throw new CommandError('attach needs a terminal of its own.', EXIT.usage);
    const keys = parseDetachKeys(
      textOption(context, 'detach-keys') ?? env.AGENT_MONITOR_DETACH_KEYS ?? DEFAULT_DETACH_KEYS,
    );
    const api = connect(context);
    const agent = await agentOf(api, context.positionals[0]);
    const terminal = await terminalOf(context, api, agent);
    note(
      context,
      `Terminal "${printableLine(terminal.name)}" of ${printableLine(agent.name)}. Leave it: ${detachLabel(keys)}`,
    );
    const exit = await showTerminal(context, api, terminal.id, keys);
    if (exit === null) {
      note(context, `Left the terminal; it lives on. Come back: agent-monitor attach ${agent.id.slice(0, 8)}`);
    } else {note(
        context,
        exit.signal ? `The program was ended by signal ${exit.signal}.` : `The program ended (${exit.code}).`,
      );}
    return exit === null || (exit.code === 0 && exit.signal === 0) ? EXIT.ok : EXIT.failed;
  },
};

async function terminalOf(context: CommandContext, api: Api, agent: AgentInfo): Promise<TerminalInfo> {
  const wanted = textOption(context, 'terminal');
  const { terminals, available, text } = await api.get<TerminalList>('/api/terminals');
  const own = terminals.filter(({ agentId, exited }) => agentId === agent.id && !exited);
  if (wanted !== undefined) return named(own, wanted);
  const newest = own.sort((a, b) => b.createdAt - a.createdAt)[0];
  if (newest && !hasFlag(context, 'new') && !hasFlag(context, 'cli')) return newest;
  if (!available) throw new CommandError(printableLine(text));
  return await create(context, api, agent);
}

interface TerminalList {
  terminals: TerminalInfo[];
  available: boolean;
  text: string;
}

function named(terminals: readonly TerminalInfo[], word: string): TerminalInfo {
  const exact = terminals.filter(({ id, name }) => id === word || name === word);
  const found = exact.length ? exact : terminals.filter(({ id, name }) => id.startsWith(word) || name.startsWith(word));
  if (found.length === 1) return found[0]!;
  if (!found.length) throw new CommandError(`The agent has no terminal "${printableLine(word)}".`, EXIT.notFound);
  const lines = found.map(({ id, name }) => `  ${id}  ${printableLine(name)}`);
  throw new CommandError(['Several terminals fit. Name one by its id:', ...lines].join('\n'), EXIT.usage);
}

function create(context: CommandContext, api: Api, agent: AgentInfo): Promise<TerminalInfo> {
  const { columns, rows } = context.stdout;
  const body: CreateTerminalBody = {
    agentId: agent.id,
    command: hasFlag(context, 'cli') ? programOf(agent) : 'shell',
    clientId: randomUUID(),
    ...clampSize(columns, rows),
  };
  return api.command('/api/terminals', body);
}

function programOf({ provider }: AgentInfo): TerminalProgram {
  if (provider === 'claude' || provider === 'codex') return provider;
  throw new CommandError(`The program of this agent (${printableLine(provider)}) cannot be opened in a terminal.`);
}

/** `agent-monitor attach`: a terminal of the machine in this terminal. */
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
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { DEFAULT_DETACH_KEYS, detachKeys } from '../client/detach-keys.ts';
import { findAgent, shortId } from '../client/find-agent.ts';
import { isTerminalNamed, liveTerminals, namedTerminal, onlyTerminal } from '../client/find-terminal.ts';
import { printableLine } from '../client/printable.ts';
import { showNamed } from '../client/shown-terminal.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const command: Command = {
  name: 'attach',
  summary: 'show a terminal of the machine, or of an agent, in this terminal',
  usage: `attach [agent or terminal] [options]
  [agent or terminal]  its name, its id or the beginning of one; an agent goes before a terminal of the same name
  Of an agent it shows the newest terminal; without one, a new shell in its folder. Without a name it shows the only
  terminal there is.
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
    const { stdin, stdout } = context;
    if (!stdin.isTTY || !stdout.isTTY) throw new CommandError('attach needs a terminal of its own.', EXIT.usage);
    const keys = detachKeys(context, textOption(context, 'detach-keys'));
    const api = connect(context);
    const { agent, terminal } = await target(context, api);
    const owner = agent ? ` of ${printableLine(agent.name)}` : '';
    const back = `agent-monitor attach ${shortId(agent?.id ?? terminal.id)}`;
    const exit = await showNamed(context, api, terminal, { keys, owner, back });
    return exit === null || (exit.code === 0 && exit.signal === 0) ? EXIT.ok : EXIT.failed;
  },
};

interface Target {
  /** null: a terminal was named. */
  agent: AgentInfo | null;
  terminal: TerminalInfo;
}

async function target(context: CommandContext, api: Api): Promise<Target> {
  const [word] = context.positionals;
  const list = await api.get<TerminalList>('/api/terminals');
  const wanted = textOption(context, 'terminal');
  const live = liveTerminals(list.terminals);
  if (word === undefined) {
    if (hasFlag(context, 'new') || hasFlag(context, 'cli')) throw new CommandError('Name an agent.', EXIT.usage);
    return { agent: null, terminal: wanted === undefined ? onlyTerminal(live) : namedTerminal(live, wanted) };
  }
  const agents = await api.agents();
  const agent = agentNamed(agents, live, word);
  if (!agent) return { agent, terminal: namedTerminal(live, word) };
  return { agent, terminal: await ofAgent(context, api, agent, list) };
}

/** null: the word is a terminal's. A whole name goes before the beginning of another. */
function agentNamed(agents: readonly AgentInfo[], terminals: readonly TerminalInfo[], word: string): AgentInfo | null {
  const isAgents = agents.some(({ id, name }) => id === word || name === word);
  if (!isAgents && terminals.some((terminal) => isTerminalNamed(terminal, word))) return null;
  try {
    return findAgent(agents, word);
  } catch (error) {
    const isNone = error instanceof CommandError && error.exitCode === EXIT.notFound;
    if (isNone && terminals.some(({ id, name }) => id.startsWith(word) || name.startsWith(word))) return null;
    throw error;
  }
}

interface TerminalList {
  terminals: TerminalInfo[];
  available: boolean;
  text: string;
}

async function ofAgent(context: CommandContext, api: Api, agent: AgentInfo, list: TerminalList): Promise<TerminalInfo> {
  const wanted = textOption(context, 'terminal');
  const own = liveTerminals(list.terminals).filter(({ agentId }) => agentId === agent.id);
  if (wanted !== undefined) return namedTerminal(own, wanted);
  if (own[0] && !hasFlag(context, 'new') && !hasFlag(context, 'cli')) return own[0];
  if (!list.available) throw new CommandError(printableLine(list.text));
  return await create(context, api, agent);
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

/** Which agent a person means: by id, by name, or by the beginning of either. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Api } from './api.ts';
import { printableLine } from './printable.ts';

/** Agents that are named when a word fits several. */
const MAX_NAMED = 8;

export type AgentName = Pick<AgentInfo, 'id' | 'name'>;

/** First characters of an id, enough to tell agents apart. */
export const shortId = (id: string): string => id.slice(0, 8);

/**
 * The first of these that fits at least one agent decides, and must fit exactly one: the whole id, the whole name, the name
 * in any case, the beginning of an id, the beginning of a name in any case.
 * @throws CommandError: no agent fits, or several do (it names them)
 */
export function findAgent<T extends AgentName>(agents: readonly T[], word: string): T {
  const wanted = word.trim();
  if (!wanted) throw new CommandError('Name an agent: by its name, its id or the beginning of one.', EXIT.usage);
  const lower = wanted.toLowerCase();
  const rules: ((agent: T) => boolean)[] = [
    ({ id }) => id === lower,
    ({ name }) => name === wanted,
    ({ name }) => name.toLowerCase() === lower,
    ({ id }) => id.startsWith(lower),
    ({ name }) => name.toLowerCase().startsWith(lower),
  ];
  for (const rule of rules) {
    const found = agents.filter(rule);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) throw ambiguous(wanted, found);
  }
  throw new CommandError(`There is no agent "${printableLine(wanted)}". agent-monitor ls lists them.`, EXIT.notFound);
}

function ambiguous(wanted: string, found: readonly AgentName[]): CommandError {
  const named = found.slice(0, MAX_NAMED).map((agent) => `  ${shortId(agent.id)}  ${printableLine(agent.name)}`);
  const rest = found.length > MAX_NAMED ? [`  and ${found.length - MAX_NAMED} more`] : [];
  const text = `"${printableLine(wanted)}" fits ${found.length} agents. Name one by its id:`;
  return new CommandError([text, ...named, ...rest].join('\n'), EXIT.usage);
}

/** The agent that a command's first argument names. */
export async function agentOf(api: Api, word: string | undefined): Promise<AgentInfo> {
  if (word === undefined) {
    throw new CommandError('Name an agent: by its name, its id or the beginning of one.', EXIT.usage);
  }
  return findAgent(await api.agents(), word);
}

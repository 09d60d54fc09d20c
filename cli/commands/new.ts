/** `agent-monitor new`: starts an agent and prints its id. */
import { randomUUID } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import {
  type AgentFlags,
  type AgentInfo,
  type CreateAgentBody,
  MODES,
  parseCreateAgent,
} from '../../core/api/agents.ts';
import { ValidationError } from '../../core/api/schema.ts';
import { type Command, type CommandContext, hasFlag, textOption } from '../command.ts';
import { chooseTarget, connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { printJsonLine, printLine, scriptAgent } from '../client/output.ts';
import { readAll } from '../client/prompt.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const command: Command = {
  name: 'new',
  summary: 'start an agent and print its id',
  usage: `new [folder] "<prompt>" [options]
  folder               where it works; without it the current directory. At a relay: a whole path on the machine behind it
  <prompt>             what it is to do; "-" reads it from the standard input
  --name NAME          its name; without it, one made of the prompt
  --provider NAME      claude (without it), codex, or another agent program of the machine
  --model M            --effort E             --budget DOLLARS
  --mode MODE          ${MODES.join(', ')}
  --no-worktree        work in the folder itself although it is a git repository
  --resume SESSION     go on with a session of the program; --fork: with a copy of it
  --add-dir PATH       a further folder that it may use; may be repeated
  --allow TOOL         a tool that needs no permission; may be repeated. --disallow TOOL: one that it must not use
  --id UUID            the same id again gives the agent that was made before${serverUsage(21)}
  --json               the agent as an object (cli/SPEC.md)`,
  options: {
    ...SERVER_OPTIONS,
    name: { type: 'string' },
    provider: { type: 'string' },
    model: { type: 'string' },
    effort: { type: 'string' },
    mode: { type: 'string' },
    budget: { type: 'string' },
    'no-worktree': { type: 'boolean' },
    resume: { type: 'string' },
    fork: { type: 'boolean' },
    'add-dir': { type: 'string', multiple: true },
    allow: { type: 'string', multiple: true },
    disallow: { type: 'string', multiple: true },
    id: { type: 'string' },
  },
  async run(context) {
    const body = await bodyOf(context);
    const agent = await connect(context).command<AgentInfo>('/api/agents', body);
    if (context.json) printJsonLine(context, scriptAgent(agent));
    else printLine(context, agent.id);
    return 0;
  },
};

async function bodyOf(context: CommandContext): Promise<CreateAgentBody> {
  const { positionals } = context;
  if (positionals.length < 1 || positionals.length > 2) {
    throw new CommandError(
      'Give a prompt, or a folder and a prompt: agent-monitor new [folder] "<prompt>".',
      EXIT.usage,
    );
  }
  const last = positionals.at(-1)!;
  const prompt = last === '-' ? await readAll(context) : last;
  if (!prompt.trim()) throw new CommandError('The prompt is empty.', EXIT.usage);
  const directory = directoryOf(context, positionals.length === 2 ? positionals[0]! : null);
  const texts = { name: textOption(context, 'name'), provider: textOption(context, 'provider') };
  const clientId = textOption(context, 'id') ?? randomUUID();
  return checked({ ...withoutUnset(texts), directory, prompt, flags: flagsOf(context), clientId });
}

/** Checked here, too: the sentence names what was wrong before anything is sent. */
function checked(body: unknown): CreateAgentBody {
  try {
    return parseCreateAgent(body);
  } catch (error) {
    if (error instanceof ValidationError) throw new CommandError(error.message, EXIT.usage);
    throw error;
  }
}

/** On this machine a path is relative to where the command runs; of another machine's folders only whole paths mean anything. */
function directoryOf(context: CommandContext, path: string | null): string {
  const relay = chooseTarget(context);
  if (relay === null) return resolve(path ?? '.');
  if (path !== null && (isAbsolute(path) || /^~(?:\/|$)/.test(path))) return path;
  throw new CommandError(`Name the folder on the machine behind ${relay} with its whole path.`, EXIT.usage);
}

function flagsOf(context: CommandContext): AgentFlags {
  const { values } = context;
  const budget = textOption(context, 'budget');
  const flags = {
    model: textOption(context, 'model'),
    effort: textOption(context, 'effort'),
    permissionMode: textOption(context, 'mode'),
    maxBudgetUsd: budget === undefined ? undefined : Number(budget),
    resume: textOption(context, 'resume'),
    forkSession: hasFlag(context, 'fork') || undefined,
    worktree: hasFlag(context, 'no-worktree') ? false : undefined,
    addDirs: values['add-dir'],
    allowedTools: values.allow,
    disallowedTools: values.disallow,
  };
  return withoutUnset(flags) as AgentFlags;
}

const withoutUnset = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The hooks that `agent-monitor claude` gives its one process, with its owner's consent. */
import type { HookStatus } from '../../core/api/hooks.ts';
import type { DeskHooks, Settings } from '../../core/api/settings.ts';
import { programCommand } from '../../core/installation.ts';
import { hookEntries } from '../../agent/hooks/entries.ts';
import type { CommandContext } from '../command.ts';
import type { Api } from './api.ts';
import { ask } from './prompt.ts';

const OPTION = '--settings';
/** The first word of `claude mcp list`: it opens no session. A prompt of one such word goes without hooks. */
const SUBCOMMAND = /^[a-z][a-z-]*$/;

/** The arguments with our hooks in `--settings`, or as they are: without consent, or where the hooks are in the user's settings. */
export async function withDeskHooks(
  context: CommandContext,
  api: Api,
  dataDir: string,
): Promise<readonly string[]> {
  const args = context.positionals;
  if (args[0] !== undefined && SUBCOMMAND.test(args[0])) return args;
  if (!await isWanted(context, api)) return args;
  const { state } = await api.call<HookStatus>('GET', '/api/settings/hooks');
  if (state !== 'off') return args;
  const entries = hookEntries({ command: programCommand(['hook']), origin: api.origin, dataDir });
  try {
    return mergedArguments(args, entries);
  } catch (error) {
    context.stderr.write(
      `Hooks cannot be added to your --settings (${
        (error as Error).message
      }), so what this session asks is answered in the ` +
        'terminal only. `agent-monitor hooks install` enters them in your own settings.\n',
    );
    return args;
  }
}

/** Asked once; the answer is a setting. */
async function isWanted(context: CommandContext, api: Api): Promise<boolean> {
  const { deskHooks } = await api.call<Settings>('GET', '/api/settings');
  if (deskHooks !== 'ask') return deskHooks === 'on';
  const answer = await ask(
    context,
    'May approvals and questions of sessions that you begin like this be answered on the dashboard too? A hook of Claude ' +
      'Code brings them there; the first answer counts. The settings page changes this. [y/N] ',
  );
  const chosen: DeskHooks = /^y(es)?$/i.test(answer) ? 'on' : 'off';
  await api.call('PUT', '/api/settings', { deskHooks: chosen });
  return chosen === 'on';
}

type Entries = ReturnType<typeof hookEntries>;

/** Our hooks beside those of a `--settings` that is there. Throws when that cannot be read. */
export function mergedArguments(args: readonly string[], entries: Entries): string[] {
  const at = args.findIndex((word) => word === OPTION || word.startsWith(`${OPTION}=`));
  if (at < 0) return [OPTION, JSON.stringify(merged({}, entries)), ...args];
  const isSplit = args[at] === OPTION;
  const source = isSplit ? args[at + 1] ?? '' : args[at]!.slice(OPTION.length + 1);
  const value = JSON.stringify(merged(readGiven(source), entries));
  return [...args.slice(0, at), OPTION, value, ...args.slice(at + (isSplit ? 2 : 1))];
}

/** Only what stands on the command line already: a file may hold secrets, which other users would read there. */
function readGiven(input: string): Record<string, unknown> {
  if (!input.trim().startsWith('{')) throw new Error('a file is passed on as it is');
  const value: unknown = JSON.parse(input);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error('they are not a JSON object');
}

function merged(settings: Record<string, unknown>, entries: Entries): Record<string, unknown> {
  const hooks = (settings.hooks ?? {}) as Record<string, unknown[]>;
  const groups = Object.entries(entries).map(([event, group]) => {
    const others = hooks[event] ?? [];
    if (!Array.isArray(others)) throw new Error(`"hooks.${event}" is not a list`);
    return [event, [...others, group]];
  });
  return { ...settings, hooks: { ...hooks, ...Object.fromEntries(groups) } };
}

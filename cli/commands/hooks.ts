/** `agent-monitor hooks`: our hooks in the user's settings of Claude Code, so that every session in a terminal asks here too. */
import { resolve } from 'node:path';
import type { HookStatus } from '../../core/api/hooks.ts';
import { expandHome } from '../../core/home.ts';
import { programCommand } from '../../core/installation.ts';
import { HookInstallation } from '../../agent/hooks/installation.ts';
import { PROGRAM_SETTINGS } from '../../agent/process/programs.ts';
import { claudeTerminalSessions } from '../../agent/provider/claude/terminal-sessions.ts';
import { ensureDirectory } from '../../agent/store/atomic-file.ts';
import { localOrigin } from '../client/connect.ts';
import { type Command, type CommandContext, printJson } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { programEnv } from '../home.ts';

export const command: Command = {
  name: 'hooks',
  summary: 'answer sessions in terminals on the dashboard too: hooks install | remove | status',
  usage: `hooks install | remove | status
  install enters hooks in your settings of Claude Code: what a session in a terminal asks is then on the dashboard too, and
  the first answer counts. Everything else in the file stays as it is. remove takes them out again without a trace.
  Sessions that run already go on as they are.`,
  options: {},
  words: ['install', 'remove', 'status'],
  run,
};

async function run(context: CommandContext): Promise<number> {
  const [action = 'status'] = context.positionals;
  const installation = installationOf(context);
  switch (action) {
    case 'install':
      return report(context, await installation.install());
    case 'remove':
      return report(context, await installation.remove());
    case 'status':
      return report(context, await installation.status());
    default:
      throw new CommandError(`hooks has no "${action}": install, remove or status.`, EXIT.usage);
  }
}

function installationOf({ env }: CommandContext): HookInstallation {
  const settings = programEnv(env);
  const dataDir = resolve(expandHome(settings.DATA_DIR!));
  ensureDirectory(dataDir);
  const configured = settings[PROGRAM_SETTINGS.claude.directory]?.trim() ?? '';
  const { hooks } = claudeTerminalSessions(configured && expandHome(configured));
  const target = { command: programCommand(['hook']), origin: localOrigin(env), dataDir };
  return new HookInstallation({ settingsFile: hooks!.settingsFile, target });
}

const SAID: Record<HookStatus['state'], string> = {
  on: 'Sessions of Claude Code in terminals ask on the dashboard too.',
  outdated: 'The hooks are of another version, or for a server at another address: agent-monitor hooks install',
  off: 'Sessions of Claude Code ask in their terminals only.',
};

function report(context: CommandContext, status: HookStatus): number {
  if (context.json) printJson(context, status);
  else context.stdout.write(`${status.problem || SAID[status.state]}\n${status.file}\n`);
  return EXIT.ok;
}

/** The texts of --help. */
import type { Command, CommandEntry } from './command.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';

export function programHelp(commands: Readonly<Record<string, CommandEntry>>): string {
  const names = Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  return [
    'Agent Monitor: watch, steer and approve AI coding agents on this machine from any phone or laptop.',
    '',
    'Usage: agent-monitor [command] [options]',
    '',
    ...names.map((name) => `  ${name.padEnd(width)}${commands[name]!.summary}`),
    '',
    'Options of every command: --help, --json (results and errors as JSON on the standard output).',
    'agent-monitor --version prints the version; agent-monitor <command> --help says more about a command.',
    '',
    'Exit codes:',
    ...EXIT_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`),
  ].join('\n');
}

export const commandHelp = (command: Command): string =>
  `${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.\n\nUsage: agent-monitor ${command.usage}\n`;

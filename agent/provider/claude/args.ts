/** Claude Code's command line (2.1.330). Values are joined to their option with "=", so that none is taken for an option. */
import type { OpenOptions } from '../provider.ts';

const PROTOCOL = [
  '-p',
  '--input-format',
  'stream-json',
  '--output-format',
  'stream-json',
  '--verbose', // mandatory with stream-json
  '--include-partial-messages',
  '--replay-user-messages', // also echoes our answers to requests, which confirms them
  '--permission-prompt-tool',
  'stdio',
];

const value = (name: string, input: string | number | undefined): string[] =>
  input === undefined || input === '' ? [] : [`--${name}=${input}`];
const each = (name: string, inputs: string[] | undefined): string[] =>
  (inputs ?? []).flatMap((entry) => value(name, entry));

export function claudeArgs(options: OpenOptions): string[] {
  return [
    ...PROTOCOL,
    ...value('permission-mode', options.mode),
    ...sessionArgs(options),
    ...value('resume-session-at', options.resume && options.fork ? options.forkAt : undefined), // in print mode only
    ...value('max-budget-usd', options.flags.maxBudgetUsd),
  ];
}

/**
 * The same session in a terminal. Without a mode Claude Code would begin in one of its own, in which it may run commands
 * unasked although the agent asks first.
 */
export function claudeTerminalArgs(options: OpenOptions): string[] {
  return [...value('permission-mode', options.mode === 'default' ? 'manual' : options.mode), ...sessionArgs(options)];
}

function sessionArgs({ flags, model, effort, resume, fork, attachments }: OpenOptions): string[] {
  return [
    ...value('model', model),
    ...value('effort', effort),
    ...value('resume', resume ?? undefined),
    ...(resume && fork ? ['--fork-session'] : []),
    ...(flags.dangerouslySkipPermissions ? ['--dangerously-skip-permissions'] : []),
    ...(flags.chrome === undefined ? [] : [flags.chrome ? '--chrome' : '--no-chrome']),
    ...each('allowedTools', flags.allowedTools),
    ...each('disallowedTools', flags.disallowedTools),
    ...each('add-dir', [...(flags.addDirs ?? []), ...(attachments ? [attachments] : [])]),
    ...value('mcp-config', flags.mcpConfig),
  ];
}

/** Claude Code's command line (2.1.330). Values are joined to their option with "=", so that none is taken for an option. */
import type { OpenOptions } from './provider.ts';

const PROTOCOL = [
  '-p',
  '--input-format',
  'stream-json',
  '--output-format',
  'stream-json',
  '--verbose', // mandatory with stream-json
  '--include-partial-messages',
  '--replay-user-messages', // also echoes our answers to requests: seen to be taken
  '--permission-prompt-tool',
  'stdio',
];

export function claudeArgs(options: OpenOptions): string[] {
  const { flags, mode, model, effort, resume, fork } = options;
  const value = (name: string, given: string | number | undefined) =>
    given === undefined || given === '' ? [] : [`--${name}=${given}`];
  const each = (name: string, given: string[] | undefined) => (given ?? []).flatMap((one) => value(name, one));
  return [
    ...PROTOCOL,
    ...value('permission-mode', mode),
    ...value('model', model),
    ...value('effort', effort),
    ...value('resume', resume ?? undefined),
    ...(resume && fork ? ['--fork-session'] : []),
    ...(flags.dangerouslySkipPermissions ? ['--dangerously-skip-permissions'] : []),
    ...(flags.chrome === undefined ? [] : [flags.chrome ? '--chrome' : '--no-chrome']),
    ...value('max-budget-usd', flags.maxBudgetUsd),
    ...each('allowedTools', flags.allowedTools),
    ...each('disallowedTools', flags.disallowedTools),
    ...each('add-dir', flags.addDirs),
    ...value('mcp-config', flags.mcpConfig),
  ];
}

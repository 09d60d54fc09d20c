/** `agent-monitor completion`: a shell's completion script. */
import type { Command, CommandContext } from '../command.ts';
import { bashCompletion, type CompletedCommand, fishCompletion, zshCompletion } from '../completion.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

const SHELLS: Record<string, (commands: readonly CompletedCommand[]) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export const command: Command = {
  name: 'completion',
  summary: 'print the completion script of a shell: bash, zsh or fish',
  usage: `completion bash | zsh | fish

bash: eval "$(agent-monitor completion bash)" in ~/.bashrc
zsh:  eval "$(agent-monitor completion zsh)" in ~/.zshrc, after compinit
fish: agent-monitor completion fish > ~/.config/fish/completions/agent-monitor.fish`,
  options: {},
  words: Object.keys(SHELLS),
  run,
};

async function run(context: CommandContext): Promise<number> {
  const [shell = ''] = context.positionals;
  if (!Object.hasOwn(SHELLS, shell)) throw new CommandError('Of which shell? bash, zsh or fish.', EXIT.usage);
  const commands = await Promise.all(Object.values(context.commands).map(({ load }) => load()));
  context.stdout.write(SHELLS[shell]!(commands));
  return EXIT.ok;
}

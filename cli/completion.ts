/** Completion scripts of shells, made from the table of commands. */
import { type Command, COMMON_OPTIONS } from './command.ts';

const PROGRAM = 'agent-monitor';

export interface CompletedCommand extends Pick<Command, 'name' | 'summary' | 'options' | 'words'> {}

/** Options as they are typed. */
const optionsOf = ({ options }: CompletedCommand): string[] => [
  ...Object.entries({ ...options, ...COMMON_OPTIONS }).flatMap(([name, { short }]) =>
    short ? [`--${name}`, `-${short}`] : [`--${name}`]
  ),
];

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const cases = commands.map((command) =>
    `    ${command.name}) options=${quoted(optionsOf(command).join(' '))} words=${
      quoted((command.words ?? []).join(' '))
    } ;;`
  );
  return `# bash completion of ${PROGRAM}: eval "$(${PROGRAM} completion bash)"
_agent_monitor() {
  local word=\${COMP_WORDS[COMP_CWORD]} options= words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${
    quoted([...commands.map(({ name }) => name), '--help', '--version'].join(' '))
  } -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
  esac
}
complete -o default -F _agent_monitor ${PROGRAM}
`;
}

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}`);
  const cases = commands.map((command) =>
    `    ${command.name}) compadd -- ${[...command.words ?? [], ...optionsOf(command)].map(quoted).join(' ')} ;;`
  );
  return `#compdef ${PROGRAM}
# zsh completion of ${PROGRAM}: after compinit, eval "$(${PROGRAM} completion zsh)"
_agent_monitor() {
  local -a commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${cases.join('\n')}
  esac
  _files
}
compdef _agent_monitor ${PROGRAM}
`;
}

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const within = `complete -c ${PROGRAM} -n '__fish_seen_subcommand_from ${command.name}'`;
    const options = Object.entries({ ...command.options, ...COMMON_OPTIONS });
    return [
      `complete -c ${PROGRAM} -n __fish_use_subcommand -f -a ${command.name} -d ${quoted(command.summary)}`,
      ...(command.words ?? []).map((word) => `${within} -f -a ${word}`),
      ...options.map(([name, { short }]) => `${within} -l ${name}${short ? ` -s ${short}` : ''}`),
    ];
  });
  return `# fish completion of ${PROGRAM}: ${PROGRAM} completion fish | source\n${lines.join('\n')}\n`;
}

/** From arguments to a command and its exit code. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Command, type CommandContext, type CommandEntry, COMMON_OPTIONS } from './command.ts';
import { COMMANDS } from './commands.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { commandHelp, programHelp } from './help.ts';
import { nearest } from './suggest.ts';

export interface DispatchOptions {
  version: string;
  env?: CommandContext['env'];
  stdin?: NodeJS.ReadStream;
  stdout?: NodeJS.WriteStream;
  stderr?: NodeJS.WriteStream;
  signal?: AbortSignal;
  commands?: Readonly<Record<string, CommandEntry>>;
}

/**
 * Runs the command that `args` name; without a name, `run`. Errors are printed, never thrown.
 * @returns the exit code (exit-codes.ts)
 */
export async function dispatch(args: readonly string[], options: DispatchOptions): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr, commands = COMMANDS } = options;
  const [first = '', ...rest] = args;
  if (['--help', '-h', 'help'].includes(first) && !rest.length) return print(stdout, programHelp(commands));
  if (first === '--version' || first === '-v') return print(stdout, options.version);
  const words = first === 'help' ? [...rest, '--help'] : args;
  const isNamed = words[0] !== undefined && !words[0].startsWith('-');
  const name = isNamed ? words[0]! : 'run';
  let isJson = words.includes('--json');
  try {
    if (!Object.hasOwn(commands, name)) throw unknownCommand(name, commands);
    const command = await commands[name]!.load();
    if (command.isPassThrough && first === 'help') return print(stdout, commandHelp(command));
    if (command.isPassThrough) isJson = false;
    return await runCommand(command, isNamed ? words.slice(1) : words, options);
  } catch (error) {
    return report(error, { isJson, stdout, stderr });
  }
}

async function runCommand(command: Command, args: readonly string[], options: DispatchOptions): Promise<number> {
  const { env = process.env, stdin = process.stdin, stdout = process.stdout, stderr = process.stderr } = options;
  const { values, positionals } = command.isPassThrough ? { values: {}, positionals: args } : parse(command, args);
  if ('help' in values && values.help) return print(stdout, commandHelp(command));
  const signal = options.signal ?? new AbortController().signal;
  const json = 'json' in values && values.json === true;
  const { version, commands = COMMANDS } = options;
  return await command.run({ values, positionals, env, stdin, stdout, stderr, json, signal, version, commands });
}

function parse(command: Command, args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { ...COMMON_OPTIONS, ...command.options },
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    const sentence = (error as Error).message.split(/\. |\n/)[0]!;
    throw new CommandError(`${sentence}. See agent-monitor ${command.name} --help.`, EXIT.usage);
  }
}

function unknownCommand(name: string, commands: object): CommandError {
  const near = nearest(name, Object.keys(commands));
  const mend = near ? `did you mean ${near}?` : 'agent-monitor --help lists the commands.';
  return new CommandError(`There is no command "${name}": ${mend}`, EXIT.usage);
}

function print(stdout: NodeJS.WriteStream, text: string): number {
  stdout.write(`${text.trimEnd()}\n`);
  return EXIT.ok;
}

interface ReportOptions {
  isJson: boolean;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** People read the sentence; with --json a script gets it as `{"error": …, "exitCode": …}` on the standard output. */
function report(error: unknown, { isJson, stdout, stderr }: ReportOptions): number {
  const message = error instanceof Error ? error.message : String(error);
  const exitCode = error instanceof CommandError ? error.exitCode : EXIT.failed;
  if (isJson) stdout.write(`${JSON.stringify({ error: message, exitCode })}\n`);
  else stderr.write(`${message}\n`);
  return exitCode;
}

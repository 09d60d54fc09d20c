/** What a subcommand is. Each is a file of cli/commands/ that exports one as `command`; cli/commands.ts lists them. */
import type { ParseArgsConfig } from 'node:util';

/** Options of every command. */
export const COMMON_OPTIONS: NonNullable<ParseArgsConfig['options']> = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
};

export type OptionValue = string | boolean | (string | boolean)[] | undefined;

/** A row of the table of commands. */
export interface CommandEntry {
  /** Shown by --help without loading the command. */
  summary: string;
  load(): Promise<Command>;
}

export interface CommandContext {
  /** Options by name, as node:util's parseArgs gives them. */
  values: Readonly<Record<string, OptionValue>>;
  positionals: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  stdin: NodeJS.ReadStream;
  /** What was asked for: results, and with --json nothing but JSON. */
  stdout: NodeJS.WriteStream;
  /** Whatever is said beside it: progress, questions, errors. */
  stderr: NodeJS.WriteStream;
  /** --json was given. */
  json: boolean;
  /** Aborted by the first SIGINT or SIGTERM; the second ends the process at once. */
  signal: AbortSignal;
  version: string;
  /** The table of all commands. */
  commands: Readonly<Record<string, CommandEntry>>;
}

export interface Command {
  name: string;
  /** Half a line of `agent-monitor --help`. */
  summary: string;
  /** What follows the program's name, `send <agent> [text]`; further lines are shown as they are. */
  usage: string;
  /** Without `json` and `help`, which every command has. */
  options: NonNullable<ParseArgsConfig['options']>;
  /** What a shell's completion offers behind the name. */
  words?: readonly string[];
  /** Everything behind the name goes to another program: no option is read here, `help <name>` shows the usage. */
  isPassThrough?: boolean;
  /**
   * @returns the exit code (cli/exit-codes.ts)
   * @throws CommandError for what a person is told in one sentence; any other error ends with exit code 1
   */
  run(context: CommandContext): Promise<number>;
}

/** The text value of an option, or undefined. */
export function textOption(context: CommandContext, name: string): string | undefined {
  const value = context.values[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whether a switch was given. */
export const hasFlag = (context: CommandContext, name: string): boolean => context.values[name] === true;

/** All values of an option with `multiple`. */
export function listOption(context: CommandContext, name: string): string[] {
  const value = context.values[name];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}

/** Prints a result as one line of JSON. */
export const printJson = (context: CommandContext, value: unknown): void => {
  context.stdout.write(`${JSON.stringify(value)}\n`);
};

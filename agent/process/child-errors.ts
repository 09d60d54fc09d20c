/** Sentences for people: why a CLI could not be started or how it ended, and what to do. */

/** What error sentences call the program and advise. */
export interface Program {
  /** "Gemini CLI" */
  name: string;
  /** Variable that says where it is: "GIT_BIN". */
  setting: string;
  /** Command that installs it. */
  install: string;
}

/** What was to be started. */
export interface FailedStart {
  program: Program;
  command: string;
  cwd: string;
}

/** Why a CLI could not be started and what to do, for people. */
export function startFailure({ program, command, cwd }: FailedStart, error: unknown): string {
  const { name, setting, install } = program;
  const code = (error as { code?: string } | null)?.code ?? '';
  const detail = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'NO_CWD':
      return `The folder ${cwd} is not there (any more). Choose another folder.`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `${name} was not found (${command}). Install it with \`${install}\`, or set ${setting} to its path.`;
    case 'EACCES':
    case 'EPERM':
      return `${name} cannot be run: ${command} is not executable for this user. Correct its permissions or set ${setting}.`;
    case 'ENOEXEC':
      return `${name} cannot be run: ${command} is not a program for this machine. Install it again with \`${install}\`, or set ${setting}.`;
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return `${name} could not be started because this machine is out of processes, memory or files (${code}). End something and try again.`;
    case 'E2BIG':
      return `${name} could not be started: its arguments or the environment are too long. Shorten the flags of the agent.`;
    default:
      return `${name} could not be started: ${detail}`;
  }
}

/** How a CLI ended that nobody asked to end, for people. */
export function exitSentence(program: Program, code: number | null, signalName: string | null, stderr: string): string {
  const words = stderr.trim().split('\n').slice(-5).join('\n').trim();
  const how = signalName
    ? `was ended by ${signalName}`
    : code === 0
    ? 'ended by itself'
    : code === 127
    ? `ended with exit code 127: something that it needs was not found. Install it again with \`${program.install}\``
    : `ended with exit code ${code}`;
  return `${program.name} ${how}.${words ? ` It said: ${words}` : ''}`;
}

/** What the program's exit code means, for scripts. One table: `--help` and docs/remote-access.md show it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  loginNeeded: 4,
  notFound: 5,
  timedOut: 6,
  needsPerson: 7,
  agentFailed: 8,
  agentStopped: 9,
  /** As a shell has it: 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = typeof EXIT[keyof typeof EXIT];

export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'failed; the reason is on the standard error'],
  [EXIT.usage, 'the command line is wrong'],
  [EXIT.unreachable, 'the server or the relay cannot be reached'],
  [EXIT.loginNeeded, 'a login is needed'],
  [EXIT.notFound, 'there is no such agent, request or file'],
  [EXIT.timedOut, 'the time given with --timeout ran out'],
  [EXIT.needsPerson, 'the agent waits for a decision of a person'],
  [EXIT.agentFailed, 'the agent failed'],
  [EXIT.agentStopped, 'the agent was stopped, or its program ended'],
  [EXIT.interrupted, 'ended by Ctrl-C'],
];

/** An error that a person is told in one sentence, without a stack, and the exit code that it ends with. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

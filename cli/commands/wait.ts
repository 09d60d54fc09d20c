/** `agent-monitor wait`: until agents have done what they were told, or need a person. */
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Command, type CommandContext, hasFlag, textOption } from '../command.ts';
import { connect, SERVER_OPTIONS, serverUsage } from '../client/connect.ts';
import { findAgent, shortId } from '../client/find-agent.ts';
import { note, printJsonLine, printLine, scriptAgent } from '../client/output.ts';
import { printableLine } from '../client/printable.ts';
import type { Outcome } from '../client/settled.ts';
import { waitFor } from '../client/wait-for.ts';
import { CommandError, EXIT, type ExitCode } from '../exit-codes.ts';

/** The gravest first: it decides the exit code of several agents. */
const CODES: readonly [Outcome, ExitCode][] = [
  ['failed', EXIT.agentFailed],
  ['stopped', EXIT.agentStopped],
  ['needs_you', EXIT.needsPerson],
  ['done', EXIT.ok],
];
const TEXTS: Record<Outcome, string> = {
  done: 'ready',
  needs_you: 'needs you',
  failed: 'failed',
  stopped: 'stopped',
  busy: 'working',
};

export const command: Command = {
  name: 'wait',
  summary: 'wait until agents are ready, need you, or failed',
  usage: `wait <agent>... [options]
  <agent>              its name, its id or the beginning of one
  --all                every agent that there is now
  --timeout SECONDS    how long at most; then the exit code is ${EXIT.timedOut}
  --through            go on waiting while a person is needed${serverUsage(21)}
  --json               an array of agents with their "outcome": done, needs_you, failed, stopped, busy

Exit code: ${EXIT.ok} ready, ${EXIT.needsPerson} needs you, ${EXIT.agentFailed} failed, ${EXIT.agentStopped} stopped; of several agents the gravest.`,
  options: {
    ...SERVER_OPTIONS,
    all: { type: 'boolean' },
    timeout: { type: 'string' },
    through: { type: 'boolean' },
  },
  async run(context) {
    const api = connect(context);
    const timeoutMs = timeoutOf(context);
    const agents = chosen(context, await api.agents());
    const results = await waitFor(api, agents, {
      timeoutMs,
      isPersonAwaited: hasFlag(context, 'through'),
      onAway: (reason) => note(context, `The connection is lost (${printableLine(reason)}); trying again.`),
    });
    report(context, results);
    return exitCodeOf(results.map(({ outcome }) => outcome));
  },
};

function chosen({ positionals, values }: CommandContext, agents: readonly AgentInfo[]): AgentInfo[] {
  if (values.all === true && !positionals.length) return [...agents];
  if (values.all === true || !positionals.length) throw new CommandError('Name agents, or give --all.', EXIT.usage);
  return [...new Set(positionals.map((word) => findAgent(agents, word)))];
}

function timeoutOf(context: CommandContext): number | null {
  const text = textOption(context, 'timeout');
  if (text === undefined) return null;
  const seconds = Number(text);
  if (text.trim() && seconds >= 0 && seconds <= 1e6) return seconds * 1000;
  throw new CommandError('--timeout takes a number of seconds.', EXIT.usage);
}

type Result = { info: AgentInfo; outcome: Outcome };

function report(context: CommandContext, results: readonly Result[]): void {
  if (context.json) {
    return printJsonLine(context, results.map(({ info, outcome }) => ({ ...scriptAgent(info), outcome })));
  }
  for (const { info, outcome } of results) {
    const why = outcome === 'done' ? '' : printableLine(info.stateText);
    printLine(context, `${shortId(info.id)}  ${printableLine(info.name)}  ${TEXTS[outcome]}${why && `: ${why}`}`);
  }
}

function exitCodeOf(outcomes: readonly Outcome[]): number {
  if (outcomes.includes('busy')) return EXIT.timedOut;
  return CODES.find(([outcome]) => outcomes.includes(outcome))?.[1] ?? EXIT.ok;
}

/** Asks a CLI for its version: is it installed, and does it run? */
import { homedir } from 'node:os';
import { type Clock, systemClock } from '../../core/clock.ts';
import { spawnProcess } from '../process/child.ts';
import type { Program } from '../process/child-errors.ts';
import type { Environment } from '../process/environment.ts';

/** A CLI that has not printed its version after this long is not usable, ms. */
const PROBE_MS = 8000;
const MAX_OUTPUT = 4096;

export interface Probe {
  available: boolean;
  version: string;
  /** The CLI is the demo that comes with this program. */
  demo: boolean;
  /** What to do when the CLI is not available. */
  text: string;
}

/** Runs `command --version`. Never throws. */
export async function probeVersion(options: {
  program: Program;
  command: string;
  /** Arguments before `--version`, where the command is a runtime. */
  prefix?: string[];
  env: Environment;
  clock?: Clock;
}): Promise<Probe> {
  const { program, command, prefix = [], env, clock = systemClock } = options;
  let output = '';
  const cli = spawnProcess({
    program,
    command,
    args: [...prefix, '--version'],
    cwd: homedir(),
    env,
    clock,
    stdout: (chunk) => output = (output + chunk.toString('utf8')).slice(0, MAX_OUTPUT),
    exit: () => {},
  });
  cli.closeInput();
  const timer = clock.setTimeout(() => void cli.stop({ inputMs: 100 }), PROBE_MS);
  const end = await cli.ended;
  clock.clearTimeout(timer);
  const version = /\d+\.\d+\.\d+[^\s)]*/.exec(output)?.[0] ?? '';
  if (end.code === 0 && version) return { available: true, version, demo: /\bdemo\b/i.test(output), text: '' };
  const text = end.text && end.code !== 0
    ? end.text
    : `${command} did not tell its version. Install ${program.name} with \`${program.install}\`, or set ${program.setting}.`;
  return { available: false, version: '', demo: false, text };
}

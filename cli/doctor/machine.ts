/** What doctor looks at on this machine. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import type { Config } from '../../agent/config.ts';
import { run } from '../../agent/process/run.ts';
import { probePty, SWITCHED_OFF } from '../../agent/terminal/availability.ts';
import { MIN_NODE_MAJOR, nodeProblem } from '../../core/node-version.ts';
import { failed, type Finding, ok, warning } from './finding.ts';

/** Free bytes below which the disk is a problem soon, and below which it is one. */
const LOW_DISK = 2 ** 30;
const MIN_DISK = 64 * 2 ** 20;
/** How long a CLI may take to say whether it is logged in, ms. */
const CLI_MS = 20_000;
/** Worktrees are locked while they are made, which came with this version. */
const MIN_GIT = [2, 33];

export function checkNode(versions: { node?: string } = process.versions): Finding {
  const problem = nodeProblem(versions);
  if (problem) return failed('node', problem, `Install Node ${MIN_NODE_MAJOR} or later.`);
  return ok('node', `${versions.node} (${process.execPath})`);
}

export async function checkGit(program = 'git'): Promise<Finding> {
  const { code, stdout } = await run(program, ['--version']);
  const version = /(\d+)\.(\d+)(?:\.\d+)?/.exec(stdout);
  if (code !== 0 || !version) {
    return failed('git', 'git does not run.', 'Install it: apt-get install git, or xcode-select --install.');
  }
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const isOld = major < MIN_GIT[0]! || (major === MIN_GIT[0]! && minor < MIN_GIT[1]!);
  if (!isOld) return ok('git', version[0]);
  return warning('git', `${version[0]} is old.`, `Install ${MIN_GIT.join('.')} or later, for worktrees.`);
}

export interface CliToCheck {
  name: 'claude' | 'codex';
  bin: string;
  /** Succeeds when somebody is logged in. */
  login: string[];
  install: string;
  logIn: string;
}

export const clisOf = ({ programs }: Pick<Config, 'programs'>): CliToCheck[] => [
  {
    name: 'claude',
    bin: programs.claude,
    login: ['auth', 'status'],
    install: 'npm install -g @anthropic-ai/claude-code, or set CLAUDE_BIN to its path.',
    logIn: 'Run claude once in a terminal and log in.',
  },
  {
    name: 'codex',
    bin: programs.codex,
    login: ['login', 'status'],
    install: 'npm install -g @openai/codex, or set CODEX_BIN to its path.',
    logIn: 'Run codex login.',
  },
];

/** A CLI that is not there is no failure: there may be another. */
export async function checkCli({ name, bin, login, install, logIn }: CliToCheck): Promise<Finding> {
  const { code, stdout, failure } = await run(bin, ['--version'], { timeoutMs: CLI_MS });
  if (code !== 0) return warning(name, failure === 'ENOENT' ? 'is not installed.' : `${bin} does not run.`, install);
  const version = /\d+\.\d+\.\d+\S*/.exec(stdout)?.[0] ?? 'of unknown version';
  const status = await run(bin, login, { timeoutMs: CLI_MS });
  if (status.code === 0) return ok(name, `${version}, logged in`);
  return warning(name, `${version}, not logged in.`, logIn);
}

/** All agents are of a CLI: without any there are none. */
export function checkAnyCli(findings: readonly Finding[]): Finding[] {
  if (findings.some(({ verdict }) => verdict === 'ok')) return [...findings];
  return findings.map((finding) => ({ ...finding, verdict: 'failed' as const }));
}

export async function checkTerminals({ terminal }: Pick<Config, 'terminal'>): Promise<Finding> {
  const { available, text } = terminal ? await probePty() : SWITCHED_OFF;
  if (available) return ok('terminals', 'node-pty works');
  const [first, ...rest] = text.split('. ');
  return warning('terminals', `${first}.`, rest.join('. '));
}

export function checkDisk({ dataDir }: Pick<Config, 'dataDir'>, free = freeBytes(dataDir)): Finding {
  const text = `${(free / 2 ** 30).toFixed(1)} GiB free at ${dataDir}`;
  const mend = 'Free space, or set DATA_DIR to a folder on another disk.';
  return free < MIN_DISK
    ? failed('disk', text, mend)
    : free < LOW_DISK
    ? warning('disk', text, mend)
    : ok('disk', text);
}

export function checkData({ dataDir }: Pick<Config, 'dataDir'>): Finding {
  const path = existing(dataDir);
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok('data', path === dataDir ? dataDir : `${dataDir} (not there yet)`);
  } catch {
    return failed('data', `${path} cannot be written.`, 'Give it to this user, or set DATA_DIR to another folder.');
  }
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(existing(path));
  return bavail * bsize;
}

/** The directory, or the nearest above it that exists. */
function existing(path: string): string {
  let directory = path;
  while (!existsSync(directory) && dirname(directory) !== directory) directory = dirname(directory);
  return directory;
}

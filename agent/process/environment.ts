/**
 * The environment that CLIs and terminals are started with: the user's own, without what belongs to this server and without
 * what the program that started this server (npm, a tool of an agent) added for its own children.
 */
import { delimiter } from 'node:path';
import { PROGRAM_SETTINGS } from './programs.ts';
import type { Environment } from './starters/starter.ts';
import { STARTERS } from './starters/starters.ts';

export type { Environment };

/** A variable with its own value for each process that we start; whatever that process starts inherits it. */
export const PROCESS_MARK = 'AGENT_MONITOR_PROCESS';
/** Holds the data directory of the server that started a CLI. */
export const DATA_DIRECTORY_MARK = 'AGENT_MONITOR_DATA';

/** Settings and secrets of this server (agent and relay). */
const OWN = [
  /^(RELAY|SMTP|TWILIO|SLACK|NTFY|TELEGRAM)_/,
  /^(PORT|HOST|DATA_DIR|DASHBOARD_PASSWORD|TRUSTED_PROXIES|PUBLIC_URL|DEFAULT_DIRECTORY|WEBHOOK_SECRET|HOLDER_IDLE_MINUTES)$/,
  ...Object.values(PROGRAM_SETTINGS).map(({ program }) => new RegExp(`^${program}$`)),
  // How this server was started: a tool of the agent must inherit neither its debugger nor its loader.
  /^(NODE_OPTIONS|NODE_CHANNEL_FD|NODE_CHANNEL_SERIALIZATION_MODE|NODE_UNIQUE_ID|NODE_V8_COVERAGE|TSX_.*)$/,
];

/**
 * Removes the marks that this server inherits when it was started from a shell of an agent. What it starts would otherwise be
 * ended together with that agent, or by the next run of its server.
 */
export function removeMarks(env: Environment): void {
  delete env[PROCESS_MARK];
  delete env[DATA_DIRECTORY_MARK];
}

/** A copy of `env` without what is not the user's, and with `extra` (undefined removes a name). */
export function cleanEnvironment(env: Environment, extra: Environment = {}): Record<string, string> {
  const names = Object.keys(env).filter((name) => env[name] !== undefined);
  const starters = STARTERS.filter(({ sign }) => names.some((name) => sign.test(name)));
  const clean: Record<string, string> = {};
  for (const name of names) {
    const value = env[name]!;
    if (OWN.some((pattern) => pattern.test(name))) continue;
    if (starters.some((starter) => starter.sets(name, value, env))) continue;
    clean[name] = name === 'PATH' ? withoutDirectories(value, starters.map(({ path }) => path)) : value;
  }
  for (const [name, value] of Object.entries(extra)) {
    if (value === undefined) delete clean[name];
    else clean[name] = value;
  }
  return clean;
}

const withoutDirectories = (path: string, patterns: RegExp[]): string =>
  path.split(delimiter).filter((entry) => !entry || !patterns.some((pattern) => pattern.test(entry))).join(delimiter);

/**
 * Logins at relays, in $XDG_CONFIG_HOME/agent-monitor/relays.json, which only its owner can read. Whoever has the file can run
 * any command on the machines behind these relays until the logins end.
 */
import { lstatSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import process from 'node:process';
import { type Check, list, need, pick, string, time } from '../../core/api/schema.ts';
import { ensureDirectory, readWhole, writeWhole } from '../../agent/store/atomic-file.ts';
import { CommandError } from '../exit-codes.ts';
import type { DeviceKey } from './device-key.ts';

export interface RelayLogin {
  /** Scheme, host and port. */
  origin: string;
  /** Value of the Cookie header. */
  cookie: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** PEM of the authority that signed the relay's certificate; empty: one that Node knows. */
  ca: string;
  /** Renews the login; missing at a relay without devices. */
  device?: DeviceKey;
}

export interface Credentials {
  /** Origin of the latest login: what commands speak to when nothing else is said; empty: this machine. */
  current: string;
  relays: RelayLogin[];
}

export type Env = Readonly<Record<string, string | undefined>>;

const MAX_FILE = 1024 * 1024;
/** Relays that are remembered; the oldest login goes first. */
const MAX_RELAYS = 50;

export function credentialsFile(env: Env): string {
  const base = env.XDG_CONFIG_HOME?.trim() ?? '';
  // XDG Base Directory specification: a path that is not absolute is ignored.
  return join(isAbsolute(base) ? base : join(env.HOME?.trim() || homedir(), '.config'), 'agent-monitor', 'relays.json');
}

/** @throws CommandError when the file is damaged, or others can read it */
export function readCredentials(file: string): Credentials {
  let bytes;
  try {
    bytes = readWhole(file, MAX_FILE);
    if (!bytes) return { current: '', relays: [] };
    refuseIfOpen(file);
    return parseCredentials(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${file} cannot be used (${(error as Error).message}). Delete it and log in again.`);
  }
}

export async function writeCredentials(file: string, credentials: Credentials): Promise<void> {
  ensureDirectory(dirname(file));
  await writeWhole(file, [`${JSON.stringify(credentials, null, 2)}\n`]);
}

/** With this login as the current one, in place of an earlier one at the same relay. */
export const withLogin = ({ relays }: Credentials, login: RelayLogin): Credentials => ({
  current: login.origin,
  relays: [...relays.filter(({ origin }) => origin !== login.origin), login].slice(-MAX_RELAYS),
});

export function withoutLogin({ current, relays }: Credentials, origin: string): Credentials {
  const rest = relays.filter((login) => login.origin !== origin);
  return { current: current === origin ? '' : current, relays: rest };
}

/** Somebody else may have read the logins, or written other ones. */
function refuseIfOpen(file: string): void {
  const { mode, uid } = lstatSync(file);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own) throw new CommandError(`${file} belongs to another user. Delete it.`);
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new CommandError(
    `Other users of this machine can read ${file}: sign its devices out on the dashboard, delete it and log in again.`,
  );
}

const parseDevice: Check<DeviceKey> = (value, name) =>
  need(pick<DeviceKey>(value, { id: string, key: string }, name), 'id', 'key');

function parseCredentials(value: unknown): Credentials {
  const parsed = need(
    pick<Credentials>(value, {
      current: string,
      relays: list((entry, name) =>
        need(
          pick<RelayLogin>(
            entry,
            { origin: string, cookie: string, expiresAt: time, ca: string, device: parseDevice },
            name,
          ),
          'origin',
          'cookie',
          'expiresAt',
          'ca',
        ), MAX_RELAYS),
    }),
    'current',
    'relays',
  );
  return parsed;
}

/** The machines of a relay: their list, their addresses, joining. Browser-safe. Times are ms since the Unix epoch. */
import { parseField, text } from './schema.ts';

/** One of GET /api/relay/machines. */
export interface MachineEntry {
  /** Stays the same for as long as the relay knows the machine. */
  id: string;
  /** What people call it; at first its host name. */
  name: string;
  /** It takes requests now. */
  connected: boolean;
  /** When it connected, or went away. */
  since: number;
  /** When anything came from it last. */
  lastSeenAt: number;
  /** Of Agent Monitor, at its last connection. */
  version: string;
  /** From where it connected last, as the relay sees it. */
  address: string;
  /**
   * `own`: it joined, and DELETE revokes its token. `shared`: it uses RELAY_TOKEN, so that after DELETE it may come again until
   * RELAY_TOKEN is changed.
   */
  token: 'own' | 'shared';
}

/** Reply of POST /api/relay/machines/join. */
export interface JoinCode {
  /** Works once. */
  code: string;
  /** By the relay's clock. */
  expiresAt: number;
  /** How long it is valid from now on, ms: what to count down by, whatever the clock of the device says. */
  lifetimeMs: number;
  /** What to type on the machine. */
  command: string;
}

/** How long a join code is valid, ms. */
export const JOIN_MS = 10 * 60_000;

/** Data of the named events of GET /api/relay/events?machines=1; `now` is the relay's clock. */
export interface MachineEvents {
  /** At the beginning of the stream, before the first status. */
  machines: { now: number; machines: MachineEntry[] };
  /** One is new or has changed. */
  machine: { now: number; machine: MachineEntry };
  /** One was removed. */
  'machine.removed': { now: number; id: string };
}

/** Characters of a machine's name. */
export const MAX_MACHINE_NAME = 60;

const MACHINE_ID = /^[a-z0-9]{6,40}$/;

/** Whether this can be a machine's id: it goes into addresses as it is. */
export const isMachineId = (value: unknown): value is string => typeof value === 'string' && MACHINE_ID.test(value);

/** The address at the relay of what a machine has at `path`, which begins with `/api/`. */
export const machinePath = (machine: string, path: string): string => `/m/${machine}${path}`;

/** The line that a machine joins with; the code is behind `#`, so that no server's log has it. */
export const joinCommand = (origin: string, code: string): string => `agent-monitor join ${origin}/#${code}`;

/** Body of PUT /api/relay/machines/:id. Empty: its host name again. */
export const parseMachineName = (value: unknown): string => parseField(value, 'name', text(MAX_MACHINE_NAME)).trim();

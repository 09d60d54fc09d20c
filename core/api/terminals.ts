import type { ProviderName } from './agents.ts';
import { OWN_PROVIDERS } from './providers.ts';
import { fields, list, MAX_FIELD, need, oneOf, pick, text, uuid, ValidationError, wrong } from './schema.ts';

/** What runs in a terminal: the user's login shell, or the interactive program of a CLI. */
export type TerminalProgram = 'shell' | ProviderName;

/** POST /api/terminals. Without `directory` the agent's folder is used, without an agent the default folder. */
export interface CreateTerminalBody {
  name?: string;
  agentId?: string;
  directory?: string;
  /** The CLIs with drivers of their own continue the session of `agentId`, when there is one. Default: shell. */
  command?: TerminalProgram;
  cols?: number;
  rows?: number;
  /** Made by the client: posting the same id again answers with the terminal already made. */
  clientId?: string;
  /** The program as it was typed at the desk, in `directory`. Only with the local token (403 `local_only`). */
  desk?: DeskLaunch;
}

/** What a program that is typed in a terminal of the machine gets from there. */
export interface DeskLaunch {
  /** Without the program's name; passed on as they are. */
  args: string[];
  /** The environment of the shell that it was typed in. */
  env: Record<string, string>;
}

export const TERMINAL_PROGRAMS: readonly TerminalProgram[] = ['shell', ...OWN_PROVIDERS];

/** Throws ValidationError with a sentence that names the field. */
export function parseCreateTerminal(value: unknown): CreateTerminalBody {
  const number = (limit: { min: number; max: number }) => (input: unknown, name: string): number => {
    if (Number.isInteger(input) && (input as number) >= limit.min && (input as number) <= limit.max) {
      return input as number;
    }
    throw new ValidationError(`"${name}" must be a whole number from ${limit.min} to ${limit.max}.`);
  };
  const body = pick<CreateTerminalBody>(value, {
    name: text(MAX_NAME),
    agentId: text(100, true),
    directory: text(MAX_FIELD, true),
    command: oneOf(TERMINAL_PROGRAMS),
    cols: number({ min: MIN_SIZE.cols, max: MAX_SIZE.cols }),
    rows: number({ min: MIN_SIZE.rows, max: MAX_SIZE.rows }),
    clientId: uuid,
    desk: parseDesk,
  });
  const { desk, command = 'shell', directory, agentId } = body;
  if (desk && (command === 'shell' || !directory || agentId)) {
    throw new ValidationError('"desk" must stand beside a program and a folder, without an agent.', 'desk');
  }
  return body;
}

/** Bytes of one argument or variable that Linux takes: MAX_ARG_STRLEN (execve(2)). */
const MAX_WORD = 128 * 1024;
/** Characters of all arguments and variables; a JSON body may have 1 MiB. */
export const MAX_DESK_TEXT = 384 * 1024;
const MAX_ARGS = 1000;
const MAX_VARIABLES = 2000;
/** What every program takes for a name (POSIX, Environment Variables); a shell's exported functions have others. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function parseDesk(value: unknown, name: string): DeskLaunch {
  const desk = need(
    pick<DeskLaunch>(value, { args: list(text(MAX_WORD), MAX_ARGS), env: variables }, name),
    'args',
    'env',
  );
  const words = [...desk.args, ...Object.entries(desk.env).flat()];
  const size = words.reduce((sum, { length }) => sum + length, 0);
  return size <= MAX_DESK_TEXT ? desk : wrong(name, `at most ${MAX_DESK_TEXT} characters in all`);
}

function variables(value: unknown, name: string): Record<string, string> {
  const entries = Object.entries(fields(value, name));
  if (entries.length > MAX_VARIABLES) wrong(name, `at most ${MAX_VARIABLES} variables`);
  return Object.fromEntries(entries.map(([key, entry]) => {
    if (!VARIABLE_NAME.test(key)) wrong(`${name}.${key.slice(0, 50)}`, 'named by letters, digits and _');
    return [key, text(MAX_WORD)(entry, `${name}.${key}`)];
  }));
}

/** Client → server, as text. A binary message is input: raw bytes for the PTY. */
export type TerminalCommand =
  /** Output up to `offset` is on the screen (xterm.js's write callback): flow control. */
  | { type: 'ack'; offset: number }
  /** What this viewer can show; `active: false` only watches: neither size nor flow control follow it. */
  | { type: 'size'; cols: number; rows: number; active: boolean };

/** Server → client, as text. A binary message is the next part of the repaint or, when that is complete, of the output. */
export type TerminalMessage =
  /**
   * First message, and again whenever this viewer is too far behind to be sent every byte. `reset`: forget what is shown;
   * `repaint` bytes follow that draw the screen as of `offset` (they do not count). Then output from `offset` on.
   * In the first one of a connection, `input` says how many bytes of input have been received from this client: what it has
   * sent beyond that is lost and must be sent again. null: that is not known (any more), and both sides count from 0 again.
   * No input before it.
   */
  | {
    type: 'attached';
    offset: number;
    reset: boolean;
    repaint: number;
    cols: number;
    rows: number;
    input: number | null;
  }
  | { type: 'size'; cols: number; rows: number }
  /** Input of this client up to `offset` has been handed to the program. */
  | { type: 'input'; offset: number }
  /** The program has ended and all its output has been sent. */
  | { type: 'exit'; code: number; signal: number };

/** Close codes of the terminal socket (RFC 6455 section 7.4.2: 4000-4999 is for private use). */
export const TERMINAL_CLOSE = {
  /** There is no such terminal (any more). */
  gone: 4404,
  /** The same client has come back on another connection. */
  replaced: 4409,
  /** The server is going down. */
  restart: 4503,
} as const;

/** Output that a viewer may be sent beyond what it has acknowledged, bytes. */
export const OUTPUT_WINDOW = 512 * 1024;
/** Input that a client may send beyond what was acknowledged, bytes. */
export const INPUT_WINDOW = 64 * 1024;
/** Largest binary message either way, bytes. */
export const TERMINAL_CHUNK = 16 * 1024;
/** Characters of a terminal's name. */
export const MAX_NAME = 100;
export const MIN_SIZE = { cols: 2, rows: 1 };
export const MAX_SIZE = { cols: 500, rows: 300 };

/** A size that a terminal can have. NaN and the like give the fallback. */
export function clampSize(
  cols: number,
  rows: number,
  fallback = { cols: 80, rows: 24 },
): { cols: number; rows: number } {
  const clamp = (value: number, min: number, max: number, other: number) =>
    Number.isFinite(value) ? Math.min(Math.max(Math.floor(value), min), max) : other;
  return {
    cols: clamp(cols, MIN_SIZE.cols, MAX_SIZE.cols, fallback.cols),
    rows: clamp(rows, MIN_SIZE.rows, MAX_SIZE.rows, fallback.rows),
  };
}

/** Parses a command of a client; null when it is none. */
export function parseTerminalCommand(text: string): TerminalCommand | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { type, offset, cols, rows, active } = value as Record<string, unknown>;
  if (type === 'ack' && typeof offset === 'number' && Number.isSafeInteger(offset)) return { type, offset };
  if (type === 'size' && typeof cols === 'number' && typeof rows === 'number' && typeof active === 'boolean') {
    return { type, ...clampSize(cols, rows), active };
  }
  return null;
}

/** What a viewer says in the address of its socket. */
export interface TerminalHello {
  /** Random, the same for as long as the page is open: the server recognises a client that comes back by it. */
  client: string;
  /** Bytes of output received so far; null on a first visit. */
  offset: number | null;
  cols: number;
  rows: number;
  active: boolean;
}

export function helloQuery(hello: TerminalHello): string {
  const query = new URLSearchParams({
    client: hello.client,
    cols: String(hello.cols),
    rows: String(hello.rows),
    active: hello.active ? '1' : '0',
  });
  if (hello.offset !== null) query.set('offset', String(hello.offset));
  return query.toString();
}

/** null: not a hello that this version understands. */
export function parseHello(query: URLSearchParams): TerminalHello | null {
  const client = query.get('client') ?? '';
  if (!/^[\w-]{8,64}$/.test(client)) return null;
  const input = query.get('offset');
  const offset = input === null ? null : Number(input);
  if (offset !== null && !(Number.isSafeInteger(offset) && offset >= 0)) return null;
  const size = clampSize(Number(query.get('cols') ?? NaN), Number(query.get('rows') ?? NaN));
  return { client, offset, ...size, active: query.get('active') !== '0' };
}

export interface TerminalInfo {
  id: string;
  name: string;
  agentId: string | null;
  directory: string;
  command: string;
  cols: number;
  rows: number;
  viewers: number;
  createdAt: number;
  activeAt: number;
  exited: { code: number; signal: number; at: number } | null;
  /** Total bytes the PTY has written: the next output's offset. */
  offset: number;
}

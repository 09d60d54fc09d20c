/** Ends the program at the desk, so that an agent can go on with its session. Never do two processes work on one session. */
import type { DeskSession } from '../../core/api/handoff.ts';
import type { Clock } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import { isSameProcess, type ProcessIdentity, signal } from '../process/identity.ts';
import type { LiveSession, TerminalSessions } from '../provider/terminal-sessions.ts';

/** How long a turn may take to its end, ms: the answer must be there before the relay gives up. */
export const IDLE_MS = 20_000;
/** How long the program has to end after each signal, ms. */
export const END_MS = 8000;
const LOOK_MS = 100;

export interface EndOptions {
  source: Pick<TerminalSessions, 'list'>;
  clock: Clock;
  /** Throws Failure when nobody would go on with the session any more: its program is left alone then. */
  check?(): void;
  signal?: typeof signal;
  isSame?: typeof isSameProcess;
}

/** Throws Failure when a session is not one that can be taken over at all. */
export function checkTakeOver({ attach, others }: DeskSession): void {
  if (attach !== null) {
    const text = `This session runs in the background. Open it with "${attach}", or end it there first.`;
    throw new Failure('session_in_use', text);
  }
  if (others > 0) throw inUse();
}

/** Resolves when no process has the session any more. Throws Failure; unless it is `desk_stays`, nothing was done then. */
export async function endAtDesk(id: string, interrupt: boolean, options: EndOptions): Promise<void> {
  const { clock, check = () => {}, signal: send = signal, isSame = isSameProcess } = options;
  const program = interrupt ? await only(id, options) : await whenIdle(id, options);
  check();
  if (program) {
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      if (isSame(program) && send(program.pid, name) && await isOver(() => !isSame(program), END_MS, clock)) break;
    }
    if (isSame(program)) {
      throw new Failure('desk_stays', 'The program in the terminal did not end. End it there, and continue here then.');
    }
  }
  if ((await all(id, options)).length) throw inUse();
}

const all = async (id: string, { source }: EndOptions): Promise<LiveSession[]> =>
  (await source.list()).filter((session) => session.id === id);

/** The one process that has the session; null: it has ended meanwhile. */
async function only(id: string, options: EndOptions): Promise<ProcessIdentity | null> {
  return theProcess(await all(id, options));
}

function theProcess([session, ...others]: LiveSession[]): ProcessIdentity | null {
  if (!session) return null;
  const { startedBy, isOwn, process, attach } = session;
  if (others.length || startedBy !== 'person' || !isOwn || !process || attach !== null) throw inUse();
  return process;
}

/** The same, once its turn is over. */
async function whenIdle(id: string, options: EndOptions): Promise<ProcessIdentity | null> {
  const deadline = options.clock.monotonic() + IDLE_MS;
  for (;;) {
    options.check?.();
    const sessions = await all(id, options);
    const process = theProcess(sessions);
    if (!process || sessions[0]!.status === 'idle') return process;
    if (sessions[0]!.status === 'waiting') throw busy('It waits for an answer in the terminal.');
    if (options.clock.monotonic() >= deadline) throw busy('It is still at work in the terminal.');
    await sleep(LOOK_MS, options.clock);
  }
}

const busy = (what: string): Failure =>
  new Failure('desk_busy', `${what} Nothing was done: take it over later, or interrupt it.`);

const inUse = (): Failure =>
  new Failure('session_in_use', 'Another program on this machine has this session open too. End it first.');

async function isOver(condition: () => boolean, ms: number, clock: Clock): Promise<boolean> {
  const deadline = clock.monotonic() + ms;
  while (!condition()) {
    if (clock.monotonic() >= deadline) return false;
    await sleep(LOOK_MS, clock);
  }
  return true;
}

const sleep = (ms: number, clock: Clock): Promise<void> => new Promise((resolve) => clock.setTimeout(resolve, ms));

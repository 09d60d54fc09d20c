/** What is entered in the CLI's settings so that it runs our hook. */
import type { JsonObject } from '../provider/untyped-json.ts';
import { quoted } from '../process/command-line.ts';

/**
 * How long the hook may wait for an answer, s. As long as the prompt stands in the terminal, since a hook that ends before takes
 * the request off the phone: a day, after which nobody is expected to answer. The CLI ends it earlier when the terminal has an answer.
 */
const ASKING_S = 24 * 3600;
/** For a hook that only tells something, s. */
const TELLING_S = 10;

/** Behind the command: by this the entries are found again. */
export const HOOK_MARK = '# agent-monitor';

export interface HookTarget {
  /** Program and arguments that run `agent-monitor hook`, absolute. */
  command: readonly string[];
  /** Of the server. */
  origin: string;
  dataDir: string;
}

/** The events with the groups of hooks that are entered for each. */
export function hookEntries(target: HookTarget): Record<string, JsonObject> {
  const command = hookCommand(target);
  const group = (timeout: number, matcher: object = {}) => ({
    ...matcher,
    hooks: [{ type: 'command', command, timeout }],
  });
  return {
    PermissionRequest: group(ASKING_S, { matcher: '' }),
    Notification: group(TELLING_S, { matcher: '' }),
    Stop: group(TELLING_S),
  };
}

/**
 * Does nothing when the program is gone; `exec`, so that the signal that ends the hook reaches it. Not in the folder of the
 * session: a stranger's files there are none of the program's settings (tsx reads the tsconfig.json of where it is started).
 */
function hookCommand({ command, origin, dataDir }: HookTarget): string {
  const files = command.filter((word) => word.startsWith('/'));
  const words = [...command, '--server', origin, '--data', dataDir].map(quoted).join(' ');
  const isThere = files.map((file) => `[ -e ${quoted(file)} ]`).join(' && ');
  return `${isThere ? `${isThere} || exit 0; ` : ''}cd / && exec ${words} ${HOOK_MARK}`;
}

/** One of `hooks` in a group of hooks is ours. */
export const isOurs = (hook: unknown): boolean => {
  const { command } = (hook ?? {}) as { command?: unknown };
  return typeof command === 'string' && command.endsWith(HOOK_MARK);
};

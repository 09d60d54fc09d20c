/** Hooks in the settings of a CLI, by which sessions at the desk ask here too. Browser-safe. */
import { type Check, fields, integer, need, number, pick, uuid } from './schema.ts';

/** `outdated`: of another version, or for a server at another address. */
export type HookState = 'on' | 'outdated' | 'off';

/** GET, PUT (enters them), DELETE (takes them out) /api/settings/hooks */
export interface HookStatus {
  /** The user's settings of the CLI. */
  file: string;
  state: HookState;
  /** Why they cannot be entered, in a sentence; empty when they can. */
  problem: string;
}

/** Bytes of what a hook passes on; a larger request is answered in the terminal only. */
export const MAX_HOOK_BODY = 1024 * 1024;

/** POST /api/hooks: what the CLI has passed to a hook. */
export interface HookBody {
  /** Made by the hook, the same at every try. */
  id: string;
  /** Of the hook's process. */
  pid: number;
  payload: Record<string, unknown>;
}

const processNumber: Check<number> = (value, name) => integer(number(1, 2 ** 31)(value, name), name);

export const parseHook = (value: unknown): HookBody =>
  need(pick<HookBody>(value, { id: uuid, pid: processNumber, payload: fields }), 'id', 'pid', 'payload');

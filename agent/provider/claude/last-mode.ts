/** In which permission mode a stored session was last. */
import type { PermissionMode } from '../../../core/api/agents.ts';
import { readEnds } from '../history-files.ts';
import { type JsonObject, string } from '../untyped-json.ts';
import { sessionPath } from './history.ts';

/** Bytes at the end of the file that are looked through. */
const MAX_TAIL = 1024 * 1024;

/** As the file calls it → ours. A file may not ask for more than this: `bypassPermissions` is a person's choice each time. */
const MODES: Record<string, PermissionMode> = {
  default: 'default',
  manual: 'default',
  acceptEdits: 'acceptEdits',
  plan: 'plan',
  auto: 'auto',
  dontAsk: 'dontAsk',
};

/** null: the file does not say, or says what is not taken from a file. */
export async function lastMode(configDir: string, id: string): Promise<PermissionMode | null> {
  const path = await sessionPath(configDir, id);
  const ends = path && await readEnds(path, 0, MAX_TAIL);
  return ends ? modeIn([...ends.head, ...ends.tail]) : null;
}

export function modeIn(lines: readonly JsonObject[]): PermissionMode | null {
  const word = string(lines.findLast((line) => string(line.permissionMode))?.permissionMode);
  return Object.hasOwn(MODES, word) ? MODES[word]! : null;
}

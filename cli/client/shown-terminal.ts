/** A terminal shown here, with what is said before and after. */
import type { TerminalInfo } from '../../core/api/terminals.ts';
import type { CommandContext } from '../command.ts';
import type { Api } from './api.ts';
import { showTerminal } from './attach-screen.ts';
import { type DetachKey, detachLabel } from './detach-keys.ts';
import { note } from './output.ts';
import { printableLine } from './printable.ts';
import type { TerminalExit } from './terminal-session.ts';

/** How long the keys can be read before the terminal takes the screen, ms. */
const READ_MS = 700;

export interface ShownTerminal {
  keys: readonly DetachKey[];
  /** " of <agent>", or ''. */
  owner: string;
  /** The command that shows it again. */
  back: string;
}

/** @returns how the program ended; null: the person left it */
export async function showNamed(
  context: CommandContext,
  api: Api,
  terminal: TerminalInfo,
  { keys, owner, back }: ShownTerminal,
): Promise<TerminalExit | null> {
  note(context, `Terminal "${printableLine(terminal.name)}"${owner}. Leave it: ${detachLabel(keys)}`);
  await api.pause(READ_MS);
  const exit = await showTerminal(context, api, terminal.id, keys);
  if (exit === null) note(context, `Left the terminal; it lives on. Come back: ${back}`);
  else if (exit.signal) note(context, `The program was ended by signal ${exit.signal}.`);
  else note(context, `The program ended (${exit.code}).`);
  return exit;
}

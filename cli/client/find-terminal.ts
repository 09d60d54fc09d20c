/** Which terminal a person means: by id, by name, or by the beginning of either. */
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { shortId } from './find-agent.ts';
import { printableLine } from './printable.ts';

/** Those that run, the newest first. */
export const liveTerminals = (terminals: readonly TerminalInfo[]): TerminalInfo[] =>
  terminals.filter(({ exited }) => !exited).sort((a, b) => b.createdAt - a.createdAt);

/** Whether the word is its whole id or name. */
export const isTerminalNamed = ({ id, name }: TerminalInfo, word: string): boolean => id === word || name === word;

/** @throws CommandError: none fits, or several do (it names them) */
export function namedTerminal(terminals: readonly TerminalInfo[], word: string): TerminalInfo {
  const exact = terminals.filter((terminal) => isTerminalNamed(terminal, word));
  const found = exact.length ? exact : terminals.filter(({ id, name }) => id.startsWith(word) || name.startsWith(word));
  if (found.length === 1) return found[0]!;
  if (!found.length) throw new CommandError(`There is no terminal "${printableLine(word)}".`, EXIT.notFound);
  throw new CommandError(['Several terminals fit. Name one by its id:', ...lines(found)].join('\n'), EXIT.usage);
}

/** @throws CommandError: there is none, or there are several (it names them) */
export function onlyTerminal(terminals: readonly TerminalInfo[]): TerminalInfo {
  if (terminals.length === 1) return terminals[0]!;
  if (!terminals.length) {
    throw new CommandError('No terminal is open. Name an agent to open one in its folder.', EXIT.notFound);
  }
  throw new CommandError(['Name one of these terminals, or an agent:', ...lines(terminals)].join('\n'), EXIT.usage);
}

const lines = (terminals: readonly TerminalInfo[]): string[] =>
  terminals.map(({ id, name, directory }) => `  ${shortId(id)}  ${printableLine(name)}  ${printableLine(directory)}`);

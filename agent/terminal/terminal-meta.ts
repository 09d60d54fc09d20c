/** What the record of a terminal's holder says for the server that takes it up. */
import { need, oneOf, pick, string, time } from '../../core/api/schema.ts';
import { TERMINAL_PROGRAMS, type TerminalProgram } from '../../core/api/terminals.ts';

export interface TerminalMeta {
  name: string;
  /** '': of no agent. */
  agentId: string;
  program: TerminalProgram;
  directory: string;
  /** Of the create request; '': it had none. */
  clientId: string;
  createdAt: number;
}

/** Throws ValidationError. */
export function parseTerminalMeta(value: unknown): TerminalMeta {
  const meta = pick<TerminalMeta>(value, {
    name: string,
    agentId: string,
    program: oneOf(TERMINAL_PROGRAMS),
    directory: string,
    clientId: string,
    createdAt: time,
  }, 'terminal');
  return { agentId: '', clientId: '', ...need(meta, 'name', 'program', 'directory', 'createdAt') };
}

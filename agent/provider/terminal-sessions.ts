/** The sessions of a CLI that run in terminals of the machine, where the CLI says which these are. */
import type { PermissionMode } from '../../core/api/agents.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import type { HistoryMessage } from './history-message.ts';
import type { JsonObject } from './untyped-json.ts';

/** A process of the CLI, as it says of itself. */
export interface LiveSession {
  pid: number;
  /** null: it cannot be told from a later process of the same number, or is no program that could be the CLI. */
  process: ProcessIdentity | null;
  /** What says so, and the process, are of the user that runs this server. */
  isOwn: boolean;
  /** The session's id: what a resume takes. */
  id: string;
  /** Absolute; empty when unknown. */
  directory: string;
  name: string;
  version: string;
  /** `person`: somebody began it in a terminal, or in the background; `program`: as this server does. */
  startedBy: 'person' | 'program';
  /** null: it has a terminal. Else the command that opens it in one. */
  attach: string | null;
  status: string;
  waitingFor: string;
  startedAt: number;
  statusAt: number;
}

/** The end of a session's file as a conversation, of any length in the same memory. */
export interface Transcript {
  add(line: JsonObject): void;
  /** A line that could not be read. */
  addDamage(): void;
  /** The branch that was written last, oldest first. A message is the same object until it changes. */
  messages(): HistoryMessage[];
  /** There are earlier messages than the first. */
  readonly isCut: boolean;
}

export interface TerminalSessions {
  /** A change in it says that one began, ended or does something else. */
  readonly directory: string;
  list(): Promise<LiveSession[]>;
  /** Its file; null: there is none yet. */
  path(id: string): Promise<string | null>;
  /** @param isCut what comes first is not the beginning of the file */
  transcript(isCut: boolean): Transcript;
  /** In which mode it would go on; null: its file does not say, or names what is not taken from a file. */
  mode(id: string): Promise<PermissionMode | null>;
}

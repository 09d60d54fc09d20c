/** The sessions of a CLI that run in terminals of the machine, where the CLI says which these are. */
import type { PermissionMode } from '../../core/api/agents.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import type { DecisionBody, RequestMessage } from '../../core/api/messages.ts';
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

/** A session at the desk: begun by a person of this user, and its process can be told from a later one of the same number. */
export const isAtDesk = ({ startedBy, isOwn, process }: LiveSession): boolean =>
  isOwn && process !== null && startedBy === 'person';

/** What a hook asks, as a ProviderRequest. */
export type HookRequest =
  & { requestId: string }
  & Omit<RequestMessage, 'kind' | 'id' | 'seq' | 'at' | 'parent' | 'truncated' | 'status' | 'decision'>;

/** What a hook of the CLI says. */
export type HookCall =
  & { session: string }
  & (
    /** `answer` makes what the hook prints to answer it. */
    | { event: 'request'; request: HookRequest; answer(decision: DecisionBody): JsonObject }
    /** It waits for somebody at its prompt. */
    | { event: 'waits' }
    /** Its turn is over; `text` is what was said last. */
    | { event: 'finished'; text: string }
  );

/** The hooks by which the CLI asks while its own prompt stands in the terminal. */
export interface SessionHooks {
  /** The user's settings, where hooks are entered. */
  readonly settingsFile: string;
  /** @param id of the request. @returns null: nothing that concerns anybody here */
  read(id: string, payload: JsonObject): HookCall | null;
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
  /** Missing: the CLI has none. */
  readonly hooks?: SessionHooks;
  /** In which mode it would go on; null: its file does not say, or names what is not taken from a file. */
  mode(id: string): Promise<PermissionMode | null>;
}

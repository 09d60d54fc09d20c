/** What an agent's record says of a CLI in a holder: up to where its output has become messages (run-marker.ts). */
import { parseAgentInfo } from '../../core/api/agent-info.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Check, fields, integer, list, need, pick, string } from '../../core/api/schema.ts';
import type { StreamLengths } from './message-log.ts';

/** Fields of the info that the same output must not change twice. */
const INFO_FIELDS = ['state', 'stateReason', 'stateText', 'stateSince', 'usage'] as const;
type MarkedInfo = Pick<AgentInfo, typeof INFO_FIELDS[number]>;

export interface RunRecord {
  /** The holder's id. */
  holder: string;
  offset: number;
  /** Of the provider, at this offset; null: at the beginning. */
  state: unknown;
  /** Of the form of `state` (Provider.snapshotVersion): another one is not read. */
  stateVersion: number;
  info: MarkedInfo;
  /** Messages that streamed at this offset, and how long they were. */
  streams: StreamLengths[];
}

const parseLengths: Check<StreamLengths> = (value, name) =>
  need(
    pick<StreamLengths>(value, { id: string, text: integer, inputText: integer, output: integer }, name),
    'id',
    'text',
    'inputText',
    'output',
  );

/** Throws ValidationError. @param whole the info beside it, as it was stored */
export function parseRunRecord(value: unknown, whole: unknown): RunRecord {
  const run = pick<RunRecord>(value, {
    holder: string,
    offset: integer,
    state: fields,
    stateVersion: integer,
    info: (input) => markedInfo(parseAgentInfo({ ...fields(whole), ...fields(input) }, 'run.info')),
    streams: list(parseLengths, Infinity),
  }, 'run');
  // Before it had a version it was the first.
  return { state: null, stateVersion: 1, ...need(run, 'holder', 'offset', 'info', 'streams') };
}

/** The marker of a run that begins. */
export function firstMarker(holder: string, info: AgentInfo): RunRecord {
  return { holder, offset: 0, state: null, stateVersion: 1, info: markedInfo(info), streams: [] };
}

export const markedInfo = (info: AgentInfo): MarkedInfo =>
  structuredClone(Object.fromEntries(INFO_FIELDS.map((field) => [field, info[field]]))) as MarkedInfo;

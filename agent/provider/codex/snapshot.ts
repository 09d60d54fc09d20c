/** What a later server needs to go on with a Codex thread whose process outlives this one, as JSON. */
import type { Capabilities } from '../../../core/api/agents.ts';
import type { JsonObject } from '../untyped-json.ts';
import type { BlocksSnapshot } from './blocks.ts';
import type { RequestSnapshot } from './open-requests.ts';
import type { TurnsSnapshot } from './turns.ts';

interface OpenedSnapshot {
  threadId: string;
  ready: { version: string; capabilities: Capabilities };
  knownPolicy: JsonObject;
  model: string;
  effort: string;
  turns: TurnsSnapshot;
  blocks: BlocksSnapshot;
  requests: RequestSnapshot[];
  /** Threads of subagents. */
  children: { threadId: string; parent: string; blocks: BlocksSnapshot }[];
  /** Bytes of a line under way that is too long. */
  dropping: number;
}

/** One that is still being opened cannot be gone on with, once its answers are not there any more. */
export type CodexSnapshot = OpenedSnapshot | { isOpening: true };
export type { OpenedSnapshot };

export const openedSnapshot = (state: unknown): OpenedSnapshot | null =>
  state && !('isOpening' in (state as CodexSnapshot)) ? state as OpenedSnapshot : null;

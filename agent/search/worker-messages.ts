/** What the server and the search's worker thread say to each other. */
import type { SearchPage, SearchQuery } from './page.ts';

export interface WorkerSettings {
  /** DATA_DIR/agents */
  journals: string;
  /** DATA_DIR/search.sqlite; null: search without an index. */
  index: string | null;
}

export type ToWorker =
  | { kind: 'search'; n: number; query: SearchQuery }
  /** The journals of these agents have grown. */
  | { kind: 'changed'; agents: string[] }
  | { kind: 'removed'; agent: string }
  /** Commits; `closed` is the answer. */
  | { kind: 'close' };

export type FromWorker =
  | { kind: 'page'; n: number; page: SearchPage }
  | { kind: 'failed'; n: number; text: string }
  | { kind: 'closed' }
  /** There is no index (any more), with the reason: journals are scanned. */
  | { kind: 'no-index'; text: string };

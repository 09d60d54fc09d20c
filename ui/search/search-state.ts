/** A search of one machine: pages that came so far, and the one that is waited for. */
import type { SearchAnswer, SearchHit } from '../../core/api/search.ts';
import type { App } from '../app.ts';
import { ApiError } from '../net/api.ts';
import { path } from '../route.ts';

/** Hits of a page; so many are also asked for before one has to ask for more. */
export const PAGE = 20;
/** A search takes seconds on a machine without an index, and the line may be slow, ms. */
const TIMEOUT = 20_000;

export interface MachineResult {
  app: App;
  hits: readonly SearchHit[];
  isBusy: boolean;
  /** What went wrong; null: nothing. */
  error: unknown;
  /** Of the last answer. */
  answer: Omit<SearchAnswer, 'hits'> | null;
}

export const begun = (app: App): MachineResult => ({ app, hits: [], isBusy: true, error: null, answer: null });

/**
 * Asks page after page until there are PAGE more hits, or nothing is left: pages of a machine without an index may be empty.
 * @param report receives each state; nothing after `signal` was aborted
 */
export async function askMachine(
  from: MachineResult,
  query: string,
  signal: AbortSignal,
  report: (result: MachineResult) => void,
): Promise<void> {
  let result: MachineResult = { ...from, isBusy: true, error: null };
  const wanted = from.hits.length + PAGE;
  do {
    try {
      result = joined(result, await ask(result, query, signal));
    } catch (error) {
      result = { ...result, isBusy: false, error };
    }
    const isLeft = !result.error && result.answer?.cursor != null && result.hits.length < wanted;
    result = { ...result, isBusy: isLeft };
    if (!signal.aborted) report(result);
  } while (result.isBusy && !signal.aborted);
}

function ask({ app, answer }: MachineResult, query: string, signal: AbortSignal): Promise<SearchAnswer> {
  const cursor = answer?.cursor ? path`&cursor=${answer.cursor}` : '';
  return app.api.get<SearchAnswer>(`${path`/api/search?q=${query}`}&limit=${PAGE}${cursor}`, {
    signal,
    timeout: TIMEOUT,
  });
}

/** A message that was found twice is shown once. */
function joined(result: MachineResult, { hits, ...answer }: SearchAnswer): MachineResult {
  const known = new Set(result.hits.map(keyOf));
  return { ...result, answer, hits: [...result.hits, ...hits.filter((hit) => !known.has(keyOf(hit)))] };
}

const keyOf = ({ agent, id }: SearchHit): string => `${agent.id} ${id}`;

/** A machine of an earlier version has no such address. */
export const isTooOld = (error: unknown): boolean => error instanceof ApiError && error.code === 'not_found';

/** What was found with one agent. */
export interface Group {
  key: string;
  app: App;
  agent: SearchHit['agent'];
  hits: SearchHit[];
}

/** By agent, the one with the newest hit first; of each the newest first. */
export function grouped(results: readonly MachineResult[]): Group[] {
  const all = results.flatMap(({ app, hits }) => hits.map((hit) => ({ app, hit })));
  all.sort((a, b) => b.hit.at - a.hit.at || b.hit.seq - a.hit.seq);
  const groups = new Map<string, Group>();
  for (const { app, hit } of all) {
    const key = `${app.machine} ${hit.agent.id}`;
    const group = groups.get(key) ?? { key, app, agent: hit.agent, hits: [] };
    groups.set(key, group);
    group.hits.push(hit);
  }
  return [...groups.values()];
}

/** Everything that a server has loaded, as its API shows it, in a form in which two servers can be compared. */
import type { AgentInfo } from '../../../core/api/agents.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type ServerState = Record<string, Json>;

const RESOURCES = ['/api/tasks', '/api/tasks/meta/config', '/api/tasks/meta/status', '/api/templates', '/api/settings'];

export async function readServerState(url: string): Promise<ServerState> {
  const get = async (path: string) => await (await fetch(url + path)).json() as Json;
  const state: ServerState = {};
  for (const path of RESOURCES) state[path] = await get(path);
  for (const { id } of (await get('/api/agents')) as unknown as AgentInfo[]) {
    for (const path of [`/api/agents/${id}`, `/api/agents/${id}/messages?limit=1000`]) state[path] = await get(path);
  }
  return state;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/**
 * Replaces what a server adds when it loads: times after `since`, ids that `known` (the files as text) does not have, and the
 * sentences that go with them.
 */
export function comparable(value: Json, since: number, known: string): Json {
  if (typeof value === 'number') return value >= since ? 'later' : value;
  if (typeof value === 'string') return value.replace(UUID, (id) => known.includes(id) ? id : 'new id');
  if (Array.isArray(value)) return value.map((entry) => comparable(entry, since, known));
  if (typeof value !== 'object' || value === null) return value;
  const isNew = [value.at, value.endedAt, value.stateSince].some((time) => typeof time === 'number' && time >= since);
  const entries = Object.entries(value).filter(([key]) => !(isNew && SENTENCES.has(key)));
  return Object.fromEntries(entries.map(([key, entry]) => [key, comparable(entry, since, known)]));
}

const SENTENCES = new Set(['text', 'stateText', 'content', 'error']);

import { describe } from './items.ts';
import { errorSentence } from './text.ts';
import { type JsonObject, list, number, object, string } from '../untyped-json.ts';
import type { StoredSession, StoredSessions } from '../provider.ts';
import { filesOpenBy } from '../../process/proc-table.ts';
import { bounded, type HistoryMessage, notice, titleOf } from '../history-message.ts';

/** A turn has about ten messages; when a long one has more than the limit, they are cut. */
const MESSAGES_PER_TURN = 5;
const MAX_TURNS = 100;

/** What is asked of Codex. */
export interface CodexThreads {
  probe(): Promise<{ available: boolean }>;
  /** Newest first (Thread of the app-server's schema). Rejects with a sentence. */
  listThreads(limit: number): Promise<JsonObject[]>;
  /** The newest turns of a thread with all their items (Turn of the schema), oldest first. Rejects with a sentence. */
  readTurns(threadId: string, limit: number): Promise<JsonObject[]>;
  /** Processes of our app-servers: a file that they hold open is not in use by others. */
  serverPids(): number[];
  /** Ids of the threads that the daemon has loaded: an agent shares them. */
  daemonThreads(): Promise<Set<string>>;
}

/** Codex guards its threads itself: none is open elsewhere. It is asked only when it is installed, as it has to be started. */
export const codexSessions = (codex: CodexThreads): StoredSessions => ({
  async list(limit) {
    if (!(await codex.probe()).available) return [];
    return await listCodexSessions(codex, limit).catch((error: Error) => {
      throw new Error(`The sessions of Codex could not be listed: ${error.message}`);
    });
  },
  read: (id, limit) => readCodexHistory(codex, id, limit).catch(() => null),
  isOpen: () => Promise.resolve(false),
});

/** Newest first. Rejects with a sentence when Codex cannot be asked. */
async function listCodexSessions(codex: CodexThreads, limit: number): Promise<StoredSession[]> {
  const [threads, shared] = await Promise.all([codex.listThreads(limit), codex.daemonThreads()]);
  const open = await filesOpenBy(/^codex/, codex.serverPids());
  return threads.map((thread) => ({
    provider: 'codex' as const,
    id: string(thread.id),
    title: titleOf(string(thread.name) || string(thread.preview)),
    directory: string(thread.cwd),
    createdAt: seconds(thread.createdAt),
    updatedAt: seconds(thread.updatedAt) ?? 0,
    costUsd: null,
    inUse: open.has(string(thread.path)) && !shared.has(string(thread.id)),
    ...(shared.has(string(thread.id)) ? { live: true } : {}),
  })).filter((thread) => thread.id && thread.title);
}

const seconds = (value: unknown): number | null => {
  const count = number(value);
  return count === null ? null : count * 1000;
};

/** The newest `limit` messages of a thread, oldest first. Rejects with a sentence when there is no such thread. */
export async function readCodexHistory(codex: CodexThreads, id: string, limit: number): Promise<HistoryMessage[]> {
  const wanted = Math.min(MAX_TURNS, Math.ceil(limit / MESSAGES_PER_TURN));
  const turns = await codex.readTurns(id, wanted);
  const messages = turns.flatMap(turnMessages);
  const shown = messages.slice(-limit);
  const isCut = turns.length === wanted || shown.length < messages.length;
  const first = notice(
    'earlier',
    'Older messages of this session may not be shown here. The agent knows them.',
    shown[0]?.at ?? 0,
  );
  return isCut ? [first, ...shown] : shown;
}

function turnMessages(turn: JsonObject): HistoryMessage[] {
  const startedAt = seconds(turn.startedAt) ?? 0;
  const messages = list(turn.items).map(object).flatMap((item) => itemMessages(item, startedAt));
  if (turn.status !== 'failed') return messages;
  const at = seconds(turn.completedAt) ?? startedAt;
  return [...messages, {
    ...notice('turn_failed', errorSentence(object(turn.error)), at),
    id: `history-${string(turn.id)}`,
  }];
}

function itemMessages(item: JsonObject, startedAt: number): HistoryMessage[] {
  const described = describe(item);
  const id = string(item.id);
  const at = number(item.startedAtMs) ?? startedAt;
  switch (described?.kind) {
    case 'user': {
      const images = Array.from({ length: described.images }, () => ({ mediaType: 'image/*', size: 0 }));
      return [{ kind: 'user', id, text: bounded(described.text), images, status: 'sent', by: '', at }];
    }
    case 'text':
    case 'thinking':
      return described.text ? [{ kind: described.kind, id, text: bounded(described.text), done: true, at }] : [];
    case 'tool': {
      const { tool, title, input, result } = described;
      const status = described.status === 'running' ? 'cancelled' : described.status;
      const endedAt = number(item.completedAtMs) ?? at;
      return [{
        kind: 'tool',
        id,
        tool,
        title,
        input,
        inputText: '',
        output: '',
        status,
        result: { ...result, text: bounded(result.text) },
        endedAt,
        at,
      }];
    }
    case 'compacted':
      return [{ ...notice('compacted', 'The conversation was summarised here.', at), id }];
    default:
      return [];
  }
}

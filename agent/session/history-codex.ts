/** Codex's threads on disk, as its app-server tells them. */
import type { DiskSession } from '../../core/wire/types.ts';
import type { CodexProvider } from '../provider/codex.ts';
import { describe } from '../provider/codex-items.ts';
import { errorSentence } from '../provider/codex-text.ts';
import { list, type Loose, number, object, string } from '../provider/loose.ts';
import { filesOpenBy } from '../provider/proc.ts';
import { cut, type HistoryMessage, notice, titleOf } from './history-message.ts';

/** Messages of one turn are some ten; a long turn gives more than the limit, which is then cut. */
const MESSAGES_PER_TURN = 5;
const MAX_TURNS = 100;

/** Newest first. Rejects with a sentence when Codex cannot be asked. */
export async function listCodexSessions(codex: CodexProvider, limit: number): Promise<Omit<DiskSession, 'agentId'>[]> {
  const threads = await codex.listThreads(limit);
  const open = await filesOpenBy(/^codex/, codex.serverPid());
  return threads.map((thread) => ({
    provider: 'codex' as const,
    id: string(thread.id),
    title: titleOf(string(thread.name) || string(thread.preview)),
    directory: string(thread.cwd),
    createdAt: seconds(thread.createdAt),
    updatedAt: seconds(thread.updatedAt) ?? 0,
    costUsd: null,
    inUse: open.has(string(thread.path)),
  })).filter((thread) => thread.id && thread.title);
}

const seconds = (value: unknown): number | null => {
  const count = number(value);
  return count === null ? null : count * 1000;
};

/** The newest `limit` messages of a thread, oldest first. Rejects with a sentence when there is no such thread. */
export async function readCodexHistory(codex: CodexProvider, id: string, limit: number): Promise<HistoryMessage[]> {
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

function turnMessages(turn: Loose): HistoryMessage[] {
  const startedAt = seconds(turn.startedAt) ?? 0;
  const messages = list(turn.items).map(object).flatMap((item) => itemMessages(item, startedAt));
  if (turn.status !== 'failed') return messages;
  const at = seconds(turn.completedAt) ?? startedAt;
  return [...messages, {
    ...notice('turn_failed', errorSentence(object(turn.error)), at),
    id: `history-${string(turn.id)}`,
  }];
}

function itemMessages(item: Loose, startedAt: number): HistoryMessage[] {
  const described = describe(item);
  const id = string(item.id);
  const at = number(item.startedAtMs) ?? startedAt;
  switch (described?.kind) {
    case 'user': {
      const images = Array.from({ length: described.images }, () => ({ mediaType: 'image/*', size: 0 }));
      return [{ kind: 'user', id, text: cut(described.text), images, status: 'sent', by: '', at }];
    }
    case 'text':
    case 'thinking':
      return described.text ? [{ kind: described.kind, id, text: cut(described.text), done: true, at }] : [];
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
        result: { ...result, text: cut(result.text) },
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

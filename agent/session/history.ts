/** Sessions that the CLIs store on disk: listed, previewed, and read so that an agent that resumes one shows its past. */
import type { ProviderName } from '../../core/api/agents.ts';
import type { HistoryMessage } from '../provider/history-message.ts';
import type { Provider, StoredSession } from '../provider/provider.ts';

export interface DiskSessions {
  /** Names of the providers whose sessions can be read. */
  readonly providers: ProviderName[];
  /** Newest first. `notes`: why the sessions of a provider are missing, for people. Never rejects. */
  list(query: { provider?: ProviderName; limit: number }): Promise<{ sessions: StoredSession[]; notes: string[] }>;
  /** The newest messages, oldest first, for the journal of an agent that resumes the session. Empty when there are none. */
  history(provider: ProviderName, sessionId: string, limit?: number): Promise<HistoryMessage[]>;
  /** The newest messages, oldest first, for a preview. @returns null when there is no such session */
  read(provider: ProviderName, sessionId: string, limit: number): Promise<HistoryMessage[] | null>;
  /** Has a program on this machine the session open? */
  isOpen(provider: ProviderName, sessionId: string): Promise<boolean>;
}

const DEFAULT_HISTORY = 500;

/** @param own the providers that may have sessions on disk */
export function createDiskSessions(own: readonly Provider[]): DiskSessions {
  const known = own.filter(({ storedSessions }) => storedSessions);
  const of = (name: ProviderName) => known.find((provider) => provider.name === name)?.storedSessions;
  const read = async (provider: ProviderName, id: string, limit: number) => await of(provider)?.read(id, limit) ?? null;
  return {
    providers: known.map(({ name }) => name),
    async list({ provider, limit }) {
      const notes: string[] = [];
      const wanted = known.filter(({ name }) => provider === undefined || name === provider);
      const found = await Promise.all(
        wanted.map(async ({ storedSessions }) =>
          await storedSessions!.list(limit).catch((error: Error) => {
            notes.push(error.message);
            return [];
          })
        ),
      );
      return { sessions: found.flat().sort((a, b) => b.updatedAt - a.updatedAt).slice(0, limit), notes };
    },
    history: async (provider, id, limit = DEFAULT_HISTORY) => await read(provider, id, limit) ?? [],
    read,
    isOpen: async (provider, id) => await of(provider)?.isOpen(id) ?? false,
  };
}

import type { AgentInfoStore } from './agent-info-store.ts';
import type { MessageLog } from './message-log.ts';
import type { PictureStore } from './pictures.ts';
import type { StateEvent } from './state.ts';

/** What an event of a provider may change. */
export interface EventContext {
  log: MessageLog;
  pictures: PictureStore;
  store: AgentInfoStore;
  now(): number;
  apply(event: StateEvent): void;
  refreshPending(): void;
  /** For a message that the CLI has no name for: the same when the same output is applied again. */
  newId(): string;
  /** This may have been applied before, by a server that was killed. */
  isReplay(): boolean;
  /** The CLI holds a message that it has not begun with. */
  isBusy(): boolean;
}

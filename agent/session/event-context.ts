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
  /** The CLI holds a message that it has not begun with. */
  isBusy(): boolean;
}

/** The sessions at the desk and what can be done with them here. */
import type { PermissionMode } from '../../core/api/agents.ts';
import type { AgentContext } from '../context.ts';
import type { Provider } from '../provider/provider.ts';
import { Desk } from './desk.ts';
import { Reading } from './reading.ts';

/** The dashboards that look. */
export interface Watchers {
  isWatched(chat: string): boolean;
  onPresence(listener: (isSomebody: boolean) => void): void;
}

export interface HandoffOptions {
  context: AgentContext;
  /** Of these, the one whose sessions in terminals can be found. */
  providers: readonly Provider[];
}

export class Handoff {
  readonly desk: Desk;
  readonly reading: Reading;
  readonly #provider: Provider & Required<Pick<Provider, 'terminalSessions'>>;
  #watchers: Watchers | null = null;
  #endLook: (() => void) | null = null;

  constructor({ context, providers }: HandoffOptions) {
    const provider = providers.find(hasTerminalSessions);
    if (!provider) throw new Error('No provider finds its sessions in terminals.');
    this.#provider = provider;
    const source = provider.terminalSessions;
    this.desk = new Desk({ context, provider: provider.name, source });
    this.reading = new Reading({
      ...{ context, source },
      isWatched: (chat) => this.#watchers?.isWatched(chat) ?? false,
      isListed: (id) => this.desk.sessions.some((session) => session.id === id),
    });
  }

  /** Follows what dashboards look at. */
  serve(watchers: Watchers): void {
    this.#watchers = watchers;
    watchers.onPresence((isSomebody) => {
      this.#endLook?.();
      this.#endLook = isSomebody ? this.desk.look() : null;
    });
  }

  /** In which a session would go on here; null: its file does not say. */
  modeOf(id: string): Promise<PermissionMode | null> {
    return this.#provider.terminalSessions.mode(id);
  }

  async close(): Promise<void> {
    this.desk.close();
    await this.reading.close();
  }
}

const hasTerminalSessions = (provider: Provider): provider is Provider & Required<Pick<Provider, 'terminalSessions'>> =>
  provider.terminalSessions !== undefined;

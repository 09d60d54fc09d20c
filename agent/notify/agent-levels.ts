/** What each agent's notices are, where somebody chose it for the agent. One document beside the agents' own. */
import { join } from 'node:path';
import { type NotifyLevel, notifyLevel } from '../../core/api/notify.ts';
import { fields } from '../../core/api/schema.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';

type Levels = Record<string, NotifyLevel>;

export class AgentLevels {
  readonly #document: Document<Levels>;

  constructor({ config, warn }: AgentContext) {
    this.#document = openDocument<Levels>({
      path: join(config.dataDir, 'notify-agents.json'),
      initial: {},
      parse: (value) =>
        Object.fromEntries(Object.entries(fields(value)).map(([id, level]) => [id, notifyLevel(level, id)])),
      warn: (text) => warn('notify-agents', text),
    });
  }

  of(agent: string): NotifyLevel {
    return this.#document.value[agent] ?? 'default';
  }

  async set(agent: string, level: NotifyLevel): Promise<void> {
    await this.#document.update(({ [agent]: _, ...others }) =>
      level === 'default' ? others : { ...others, [agent]: level }
    );
  }

  /** The agent is gone. */
  async forget(agent: string): Promise<void> {
    if (this.#document.value[agent]) await this.set(agent, 'default');
  }
}

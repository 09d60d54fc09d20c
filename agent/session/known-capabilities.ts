/** What each CLI of this machine said last that it can: known for its agents before one of them has run, also after a restart. */
import { join } from 'node:path';
import { type Capabilities, MODES, type ProviderName } from '../../core/api/agents.ts';
import { type Check, fields, list, need, oneOf, pick, string } from '../../core/api/schema.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';

/** Programs that are remembered, and entries of a list of one. */
export const MAX_KNOWN = 50;
const MAX_ENTRY = 1000;

type Known = Record<ProviderName, Capabilities>;

export class KnownCapabilities {
  readonly #document: Document<Known>;
  #last: Promise<unknown> = Promise.resolve();

  /** Reads DATA_DIR/capabilities.json synchronously. */
  constructor({ config, clock, warn }: Pick<AgentContext, 'config' | 'clock' | 'warn'>) {
    this.#document = openDocument<Known>({
      path: join(config.dataDir, 'capabilities.json'),
      initial: {},
      parse: parseKnown,
      now: clock.now,
      warn: (text) => warn('capabilities', text),
    });
  }

  of(provider: ProviderName): Capabilities | null {
    return Object.hasOwn(this.#document.value, provider) ? this.#document.value[provider]! : null;
  }

  /** Remembers what a CLI said. A disk that refuses loses nothing but speed: the CLI says it again. */
  note(provider: ProviderName, capabilities: Capabilities): void {
    if (JSON.stringify(this.of(provider)) === JSON.stringify(bounded(capabilities))) return;
    this.#last = this.#document.update((known) => {
      const others = Object.entries(known).filter(([name]) => name !== provider);
      return Object.fromEntries([...others.slice(1 - MAX_KNOWN), [provider, bounded(capabilities)]]);
    }).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#last;
  }
}

const bounded = ({ models, commands, modes, account }: Capabilities): Capabilities => ({
  models: models.slice(0, MAX_ENTRY),
  commands: commands.slice(0, MAX_ENTRY),
  modes,
  account,
});

const parseCapabilities: Check<Capabilities> = (value, name) =>
  need(
    pick<Capabilities>(value, {
      models: list((model, at) =>
        need(
          pick<Capabilities['models'][number]>(model, { value: string, label: string, efforts: list(string) }, at),
          'value',
          'label',
          'efforts',
        ), MAX_ENTRY),
      commands: list((command, at) =>
        need(
          pick<Capabilities['commands'][number]>(
            command,
            { name: string, description: string, argumentHint: string },
            at,
          ),
          'name',
          'description',
          'argumentHint',
        ), MAX_ENTRY),
      modes: list(oneOf(MODES)),
      account: string,
    }, name),
    'models',
    'commands',
    'modes',
    'account',
  );

const parseKnown = (value: unknown): Known =>
  Object.fromEntries(
    Object.entries(fields(value)).map(([provider, entry]) => [provider, parseCapabilities(entry, provider)]),
  );

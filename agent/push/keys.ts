/** The keys that push messages are signed with: this machine's own, for the local dashboard, and that of its relay. */
import { join } from 'node:path';
import { fields, text } from '../../core/api/schema.ts';
import type { Transport } from '../../core/http/types.ts';
import { checkPushKey, generatePushKey, type PushKey } from '../../core/tunnel/push-key.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';

export class PushKeys {
  readonly #own: Document<PushKey | null>;
  /** Kept: what was subscribed through the relay is told while the tunnel is down, too. */
  readonly #relay: Document<PushKey | null>;
  /** The relay that is connected gave its key. */
  #isGiven: boolean;

  constructor({ config, warn }: AgentContext) {
    const open = (file: string, code: string) =>
      openDocument<PushKey | null>({
        path: join(config.dataDir, file),
        initial: null,
        parse: parseKey,
        warn: (sentence) => warn(code, sentence),
      });
    this.#own = open('push-key.json', 'push-key');
    this.#relay = open('push-relay-key.json', 'push-relay-key');
    this.#isGiven = this.#relay.value !== null;
  }

  /** What pages that ask over this transport subscribe with. Made when it is first asked for, and kept: subscriptions belong to it. */
  async publicKey(transport: Transport): Promise<string> {
    if (transport === 'tunnel' && this.#isGiven && this.#relay.value) return this.#relay.value.publicKey;
    const own = this.#own.value ?? (await this.#own.update((key) => key ?? generatePushKey()))!;
    return own.publicKey;
  }

  /** The key of a subscription; null when it is lost. @param publicKey missing: made by a version that had only its own */
  find(publicKey: string | undefined): PushKey | null {
    const own = this.#own.value;
    if (publicKey === undefined || publicKey === own?.publicKey) return own;
    return this.#relay.value?.publicKey === publicKey ? this.#relay.value : null;
  }

  /** Whether a page at the relay subscribed with this key. */
  isRelays(publicKey: string | undefined): boolean {
    return publicKey !== undefined && publicKey === this.#relay.value?.publicKey;
  }

  /** The relay's HELLO has come. @param key null: an older relay, which has none */
  async setRelay(key: PushKey | null): Promise<void> {
    this.#isGiven = key !== null;
    if (key && key.publicKey !== this.#relay.value?.publicKey) await this.#relay.update(() => key);
  }
}

function parseKey(value: unknown): PushKey | null {
  if (value === null) return null;
  const key = fields(value, 'the key of push messages');
  return checkPushKey({
    publicKey: text(200, true)(key.publicKey, 'publicKey'),
    privateKey: text(200, true)(key.privateKey, 'privateKey'),
  });
}

/** The devices that want to be told, in one document. An endpoint is a secret: whoever knows it can have the device rung. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import { parseSubscribe, type SubscribeBody, type SubscriptionInfo } from '../../core/api/push.ts';
import { fields } from '../../core/api/schema.ts';
import type { AgentContext } from '../context.ts';
import { type Document, openDocument } from '../store/document.ts';
import { decodeKeys } from './encrypt.ts';

/** Devices. The one that was heard of longest ago makes room. */
export const MAX_SUBSCRIPTION = 100;

export interface Subscription extends SubscribeBody, SubscriptionInfo {
  device: string;
  hideDetails: boolean;
  requestsOnly: boolean;
  /** The public half of the key that it belongs to; missing: this machine's own (older versions). */
  vapidKey?: string;
  /** The relay's id of the device whose login subscribed; it ends with that device. Missing: a local one. */
  relayDevice?: string;
}

/** What is known of whoever subscribes, apart from what they say. */
export type Subscriber = Pick<Subscription, 'vapidKey' | 'relayDevice'>;

type Outcome = { deliveredAt: number } | { failedAt: number; error: string };

export class Subscriptions {
  readonly #document: Document<Subscription[]>;
  readonly #now: () => number;
  #noting: Promise<unknown> = Promise.resolve();

  constructor({ config, clock, warn }: AgentContext) {
    this.#now = () => clock.now();
    this.#document = openDocument<Subscription[]>({
      path: join(config.dataDir, 'push.json'),
      initial: [],
      parse: parseAll,
      warn: (text) => warn('push', text),
    });
  }

  all(): readonly Subscription[] {
    return this.#document.value;
  }

  list(): SubscriptionInfo[] {
    return this.all().map(infoOf);
  }

  /** Throws Failure `not_found`. */
  find(id: string): Subscription {
    const found = this.all().find((entry) => entry.id === id);
    if (!found) throw new Failure('not_found', 'This device is not subscribed any more.');
    return found;
  }

  /** The same endpoint again keeps its id. Throws Failure `bad_request` for keys that are none. */
  async add(body: SubscribeBody, { vapidKey, relayDevice }: Subscriber = {}): Promise<SubscriptionInfo> {
    try {
      decodeKeys(body.keys.p256dh, body.keys.auth);
    } catch (error) {
      throw new Failure('bad_request', (error as Error).message);
    }
    const before = this.all().find((entry) => entry.endpoint === body.endpoint);
    const entry: Subscription = {
      ...body,
      device: body.device ?? before?.device ?? 'Unknown device',
      hideDetails: body.hideDetails ?? before?.hideDetails ?? false,
      requestsOnly: body.requestsOnly ?? before?.requestsOnly ?? false,
      id: before?.id ?? randomUUID(),
      service: new URL(body.endpoint).hostname,
      createdAt: before?.createdAt ?? this.#now(),
      deliveredAt: before?.deliveredAt ?? null,
      failedAt: null,
      error: '',
      ...(vapidKey ? { vapidKey } : {}),
      ...(relayDevice ? { relayDevice } : {}),
    };
    await this.#document.update((list) => {
      const others = list.filter((other) => other.endpoint !== entry.endpoint);
      return [...others.sort((a, b) => heardOf(b) - heardOf(a)).slice(0, MAX_SUBSCRIPTION - 1), entry];
    });
    return infoOf(entry);
  }

  /** Throws Failure `not_found`. */
  async remove(id: string): Promise<void> {
    this.find(id);
    await this.#document.update((list) => list.filter((entry) => entry.id !== id));
  }

  /** Ends what devices of the relay subscribed that are not among these. */
  async keepDevices(devices: readonly string[]): Promise<void> {
    const isOver = ({ relayDevice }: Subscription) => relayDevice !== undefined && !devices.includes(relayDevice);
    if (!this.all().some(isOver)) return;
    await this.#document.update((list) => list.filter((entry) => !isOver(entry)));
  }

  /** What became of a message. Not worth a failure: the next one says the same. */
  note(id: string, outcome: Outcome): void {
    const patch = 'error' in outcome ? outcome : { ...outcome, failedAt: null, error: '' };
    this.#noting = this.#document.update((list) =>
      list.map((entry) => (entry.id === id ? { ...entry, ...patch } : entry))
    )
      .catch(() => {});
  }

  /** Resolves when what was noted is on disk, or failed to get there. */
  async settled(): Promise<void> {
    await this.#noting;
  }
}

const heardOf = ({ createdAt, deliveredAt }: Subscription) => deliveredAt ?? createdAt;

const infoOf = (
  { id, device, service, hideDetails, requestsOnly, createdAt, deliveredAt, failedAt, error }: Subscription,
): SubscriptionInfo => ({
  id,
  device,
  service,
  hideDetails,
  requestsOnly,
  createdAt,
  deliveredAt,
  failedAt,
  error,
});

function parseAll(value: unknown): Subscription[] {
  if (!Array.isArray(value)) throw new Error('it is no list of subscriptions');
  return value.slice(0, MAX_SUBSCRIPTION).map(parseOne);
}

function parseOne(value: unknown): Subscription {
  const entry = fields(value, 'subscription');
  const body = parseSubscribe(entry);
  const time = (name: string) => (typeof entry[name] === 'number' ? entry[name] : null);
  if (typeof entry.id !== 'string' || !entry.id) throw new Error('a subscription has no id');
  return {
    ...body,
    id: entry.id,
    device: body.device ?? 'Unknown device',
    hideDetails: body.hideDetails ?? false,
    requestsOnly: body.requestsOnly ?? false,
    service: new URL(body.endpoint).hostname,
    createdAt: time('createdAt') ?? 0,
    deliveredAt: time('deliveredAt'),
    failedAt: time('failedAt'),
    error: typeof entry.error === 'string' ? entry.error : '',
    ...(typeof entry.vapidKey === 'string' ? { vapidKey: entry.vapidKey } : {}),
    ...(typeof entry.relayDevice === 'string' ? { relayDevice: entry.relayDevice } : {}),
  };
}

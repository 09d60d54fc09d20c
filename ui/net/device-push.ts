/** Whether this device is told when an agent needs its owner, and why not if not. */
import type { SubscriptionInfo } from '../../core/api/push.ts';
import { t } from '../i18n/all.ts';
import type { DeviceStorage } from '../device-storage.ts';
import { signal } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';
import type { Api } from './api.ts';
import { CHOICE_KEY } from './push-choice.ts';

/** `insecure`: no https. `home_screen`: iOS, where only a page on the home screen may. `denied`: the browser's own switch. */
export type PushObstacle = 'insecure' | 'home_screen' | 'unsupported' | 'denied';

export type PushChoice = Pick<SubscriptionInfo, 'hideDetails' | 'requestsOnly'>;

export type PushState =
  | { kind: 'loading' }
  | { kind: 'blocked'; why: PushObstacle }
  | { kind: 'off' }
  | { kind: 'on'; subscription: SubscriptionInfo };

export interface DevicePushDeps {
  api: Api;
  registration(): Promise<ServiceWorkerRegistration | null>;
  /** Resolves when a test has come to this device. */
  testArrives(ms: number): Promise<void>;
  now(): number;
  /** What the browser says of notifications; missing where there are none. */
  permission(): NotificationPermission | undefined;
  askPermission(): Promise<NotificationPermission>;
  isSecure: boolean;
  isIos: boolean;
  storage: DeviceStorage;
  /** The machine's id at the relay; empty: the only one. */
  machine?: string;
  /** Of the relay's other machines: one switch for all. */
  others?(): readonly Promise<DevicePush>[];
}

export interface DevicePush {
  readonly state: Signal<PushState>;
  /** Looks how it is; called when a page shows it. */
  refresh(): Promise<void>;
  /** To be called by a tap: browsers ask only then. Rejects with a sentence. */
  turnOn(): Promise<void>;
  turnOff(): Promise<void>;
  /** What this device gets. */
  set(choice: Partial<PushChoice>): Promise<void>;
  /** Has a message sent to this device. `serviceMs`: until its push service had it; `allMs`: until it was here, null: it is not. */
  test(): Promise<{ serviceMs: number; allMs: number | null }>;
  /** This machine sends to the device, too, where another one does; never rejects, and asks nobody. */
  join(): Promise<void>;
  /** This machine sends nothing to the device any more. Never rejects. */
  leave(): Promise<void>;
}

/** Under which the id of this device's subscription is kept, one for each machine. */
const ID_KEY = 'push-subscription';
/** How long a test may take until it is here, ms. */
const TEST_MS = 10_000;

export const createDevicePush = (deps: DevicePushDeps): DevicePush => new BrowserPush(deps);

class BrowserPush implements DevicePush {
  readonly state = signal<PushState>({ kind: 'loading' });
  readonly #deps: DevicePushDeps;
  readonly #idKey: string;

  constructor(deps: DevicePushDeps) {
    this.#deps = deps;
    this.#idKey = deps.machine ? `${ID_KEY}/${deps.machine}` : ID_KEY;
  }

  async refresh(): Promise<void> {
    const why = obstacleOf(this.#deps, await this.#manager());
    if (why) return void (this.state.value = { kind: 'blocked', why });
    const subscription = await this.#known();
    this.state.value = subscription ? { kind: 'on', subscription } : { kind: 'off' };
  }

  async turnOn(): Promise<void> {
    const permission = await this.#deps.askPermission();
    if (permission !== 'granted') return await this.refresh();
    await this.set({});
  }

  async turnOff(): Promise<void> {
    await (await this.#existing())?.unsubscribe();
    this.#deps.storage.removeItem(CHOICE_KEY);
    await Promise.all([this.leave(), ...this.#others().map(async (other) => (await other).leave())]);
  }

  async set(choice: Partial<PushChoice>): Promise<void> {
    const { publicKey } = await this.#deps.api.get<{ publicKey: string }>('/api/push/key');
    await this.#register(await subscribed((await this.#manager())!, publicKey), choice);
    for (const other of this.#others()) void other.then((push) => push.join());
  }

  async test(): Promise<{ serviceMs: number; allMs: number | null }> {
    const { value } = this.state;
    if (value.kind !== 'on') throw new Error('Notifications are off on this device.');
    const result = await roundTrip(this.#deps, value.subscription.id);
    await this.refresh().catch(() => {});
    return result;
  }

  join = (): Promise<void> => this.#join().catch(() => {});

  async leave(): Promise<void> {
    const { api, storage } = this.#deps;
    const id = storage.getItem(this.#idKey);
    storage.removeItem(this.#idKey);
    this.state.value = { kind: 'off' };
    // What the machine has left of it, the push service refuses from now on.
    if (id) await api.delete(`/api/push/subscriptions/${encodeURIComponent(id)}`).catch(() => {});
  }

  #others(): readonly Promise<DevicePush>[] {
    return this.#deps.others?.() ?? [];
  }
  async #manager(): Promise<PushManager | null> {
    return (await this.#deps.registration())?.pushManager ?? null;
  }
  async #existing(): Promise<PushSubscription | null> {
    return await (await this.#manager())?.getSubscription() ?? null;
  }

  /** What the machine knows of this device; null: nothing (any more). */
  async #known(): Promise<SubscriptionInfo | null> {
    const { storage } = this.#deps;
    // Made while nothing told the machines apart.
    const id = storage.getItem(this.#idKey) ?? storage.getItem(ID_KEY);
    if (!id || !await this.#existing()) return null;
    const { subscriptions } = await this.#deps.api.get<{ subscriptions: SubscriptionInfo[] }>(
      '/api/push/subscriptions',
    );
    const found = subscriptions.find((entry) => entry.id === id);
    if (found) this.#remember(found);
    return found ?? null;
  }

  async #register(push: PushSubscription, choice: Partial<PushChoice>): Promise<void> {
    const { endpoint, keys } = push.toJSON();
    const body = { endpoint, keys, ...choice };
    const subscription = await this.#deps.api.post<SubscriptionInfo>('/api/push/subscriptions', body);
    this.#remember(subscription);
    this.state.value = { kind: 'on', subscription };
  }

  /** The other machines get the same choice. */
  #remember({ id, hideDetails, requestsOnly }: SubscriptionInfo): void {
    const { storage } = this.#deps;
    storage.setItem(this.#idKey, id);
    storage.setItem(CHOICE_KEY, JSON.stringify({ hideDetails, requestsOnly }));
  }

  /** The device's subscription has one key. A machine with another one would end it for all of them. */
  async #join(): Promise<void> {
    const choice = readPushChoice(this.#deps.storage);
    const existing = await this.#existing();
    if (!choice || !existing) return;
    const { publicKey } = await this.#deps.api.get<{ publicKey: string }>('/api/push/key');
    if (hasKey(existing, decode(publicKey))) await this.#register(existing, choice);
  }
}

function readPushChoice(storage: DeviceStorage): Partial<PushChoice> | null {
  try {
    return JSON.parse(storage.getItem(CHOICE_KEY) ?? 'null') as Partial<PushChoice> | null;
  } catch {
    return null;
  }
}

async function roundTrip({ api, now, testArrives }: DevicePushDeps, id: string) {
  const startedAt = now();
  // Listened for before it is sent: it may be faster than the answer.
  const arrival = testArrives(TEST_MS).then(() => now() - startedAt, () => null);
  const { ms: serviceMs } = await api.post<{ ms: number }>('/api/push/test', { id });
  return { serviceMs, allMs: await arrival };
}

function obstacleOf(
  { isSecure, isIos, permission }: DevicePushDeps,
  manager: PushManager | null,
): PushObstacle | null {
  if (!isSecure) return 'insecure';
  if (!manager || permission() === undefined) return isIos ? 'home_screen' : 'unsupported';
  return permission() === 'denied' ? 'denied' : null;
}

/** A subscription belongs to one key: with another machine's key it is made anew. */
async function subscribed(manager: PushManager, publicKey: string): Promise<PushSubscription> {
  const existing = await manager.getSubscription();
  const key = decode(publicKey);
  if (existing && hasKey(existing, key)) return existing;
  await existing?.unsubscribe();
  return await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key }).catch(() => {
    throw new Error(t.push.unreachable);
  });
}

const hasKey = ({ options }: PushSubscription, key: Uint8Array): boolean =>
  sameBytes(new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0)), key);

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i]);

function decode(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

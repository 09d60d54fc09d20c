/** A phone without its browser: the service worker's own code over a registration in memory, and a push service beside it. */
import { Buffer } from 'node:buffer';
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { agentKey } from '../../../ui/worker/agent-key.ts';
import { type DecisionOutcome, DecisionQueue } from '../../../ui/worker/decisions.ts';
import { notifications } from '../../../ui/i18n/en/notifications.ts';
import { onClick, onPush } from '../../../ui/worker/notifications.ts';
import type { ShowOptions, WorkerScope } from '../../../ui/worker/scope.ts';
import { SettledRequests } from '../../../ui/worker/settled-requests.ts';
import { requestTag } from '../../../ui/worker/shown.ts';

/** RFC 8291: opens what is sealed to these keys. */
export function openSealed(ecdh: ReturnType<typeof createECDH>, auth: Buffer, sealed: Buffer): unknown {
  const sender = sealed.subarray(21, 86);
  const derive = (key: Uint8Array, salt: Uint8Array, info: string | Buffer, length: number) =>
    Buffer.from(hkdfSync('sha256', key, salt, info, length));
  const context = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender]);
  const secret = derive(ecdh.computeSecret(sender), auth, context, 32);
  const salt = sealed.subarray(0, 16);
  const key = derive(secret, salt, 'Content-Encoding: aes128gcm\0', 16);
  const cipher = createDecipheriv('aes-128-gcm', key, derive(secret, salt, 'Content-Encoding: nonce\0', 12));
  cipher.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([cipher.update(sealed.subarray(86, -16)), cipher.final()]);
  return JSON.parse(plain.subarray(0, -1).toString());
}

export interface PushService {
  url: string;
  /** What comes for a path goes to this function. */
  route(path: string, deliver: (sealed: Buffer) => void): void;
  close(): void;
}

/** Delivers at once; answers 410 for what it does not know. @param random 0 ≤ x < 1: below 0.05 it is busy (429) */
export async function startPushService(random: () => number): Promise<PushService> {
  const routes = new Map<string, (sealed: Buffer) => void>();
  const busy = new Set<string>();
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const deliver = routes.get(req.url!);
      // Never twice in a row: how long a message is late then is known.
      if (deliver && !busy.delete(req.url!) && random() < 0.05) {
        busy.add(req.url!);
        return res.writeHead(429, { 'retry-after': '1' }).end();
      }
      deliver?.(Buffer.concat(chunks));
      res.writeHead(deliver ? 201 : 410).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    route: (path, deliver) => void routes.set(path, deliver),
    close: () => (server.closeAllConnections(), server.close()),
  };
}

interface Shown extends ShowOptions {
  title: string;
}

export interface PushDevice {
  /** For POST /api/push/subscriptions. */
  subscription: object;
  /** What stands on the lock screen, by tag. */
  readonly shown: Map<string, Shown>;
  /** When each tag was taken away last, ms since the Unix epoch. */
  readonly goneAt: Map<string, number>;
  /** What became of its decisions: request → outcome. */
  readonly outcomes: Map<string, DecisionOutcome>;
  /** Taps a button; the notification goes away at once. */
  click(tag: string, action: 'allow' | 'deny'): Promise<void>;
  /** The same tap again, as a browser that woke up late would tell it. */
  repeat(data: unknown, tag: string, action: 'allow' | 'deny'): Promise<void>;
  /** What background sync does. Returns how many decisions still wait. */
  sync(): Promise<number>;
}

/** @param network how the device reaches the dashboard */
export function createPushDevice(name: string, service: PushService, network: typeof fetch): PushDevice {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  const auth = randomBytes(16);
  const values = new Map<string, string>();
  const store = {
    get: (key: string) => Promise.resolve(values.has(key) ? JSON.parse(values.get(key)!) : undefined),
    set: (key: string, value: unknown) => Promise.resolve(void values.set(key, JSON.stringify(value))),
  };
  const shown = new Map<string, Shown>();
  const goneAt = new Map<string, number>();
  const close = (tag: string) => {
    if (shown.delete(tag)) goneAt.set(tag, Date.now());
  };
  const outcomes = new Map<string, DecisionOutcome>();
  const scope = {
    location: { origin: 'https://dashboard.example' },
    registration: {
      showNotification: (title: string, options: ShowOptions) =>
        Promise.resolve(void shown.set(options.tag, { title, ...options })),
      getNotifications: ({ tag }: { tag?: string } = {}) =>
        Promise.resolve(
          [...shown.values()].filter((entry) => !tag || entry.tag === tag)
            .map((entry) => ({ ...entry, data: entry.data ?? null, close: () => close(entry.tag) })),
        ),
    },
    clients: { matchAll: () => Promise.resolve([]) },
  } as unknown as WorkerScope;
  const queue = new DecisionQueue(store, { fetch: network });
  const remember: DecisionQueue['decide'] = async (tap) => {
    const outcome = await DecisionQueue.prototype.decide.call(queue, tap);
    if (outcome.kind !== 'later') outcomes.set(tap.request, outcome);
    return outcome;
  };
  const words = () => Promise.resolve(notifications);
  const parts = { scope, words, settled: new SettledRequests(store), queue: { decide: remember } as DecisionQueue };
  const path = `/push/${name}`;
  service.route(path, (sealed) => void onPush(parts, openSealed(ecdh, auth, sealed)));
  const tap = (data: unknown, tag: string, action: string) => {
    const notification = { tag, data, close: () => close(tag) };
    return onClick(parts, { action, notification, waitUntil: () => {} });
  };
  return {
    subscription: {
      device: name,
      endpoint: service.url + path,
      keys: { p256dh: ecdh.getPublicKey('base64url'), auth: auth.toString('base64url') },
    },
    shown,
    goneAt,
    outcomes,
    click: (tag, action) => tap(shown.get(tag)?.data ?? null, tag, action),
    repeat: tap,
    async sync() {
      for (const { decision, outcome } of await queue.flush()) {
        outcomes.set(decision.request, outcome);
        const tag = requestTag(agentKey(decision.machine ?? '', decision.agent), decision.request);
        if (outcome.kind === 'done' || outcome.kind === 'gone') close(tag);
      }
      return (await queue.list()).length;
    },
  };
}

/** Web push: what a device subscribes with, and what is sealed to it. Browser-safe. Times are ms since the Unix epoch. */
import type { AgentInfo } from './agents.ts';
import { cut } from './cut.ts';
import type { RequestMessage } from './messages.ts';
import { bool, type Check, fields, need, pick, text, wrong } from './schema.ts';

/** Characters of a push service's address, of a key, of a device's name. */
export const MAX_ENDPOINT = 2048;
const MAX_KEY = 256;
const MAX_DEVICE = 100;

/** POST /api/push/subscriptions: the browser's own subscription, and what its owner calls the device. */
export interface SubscribeBody {
  endpoint: string;
  keys: { p256dh: string; auth: string };
  device?: string;
  /** Notifications do not say what they are about: for a lock screen that others see. */
  hideDetails?: boolean;
  /** Told only when an agent needs somebody. */
  requestsOnly?: boolean;
}

/** One of GET /api/push/subscriptions → { subscriptions }. The endpoint is a secret and never told. */
export interface SubscriptionInfo {
  id: string;
  device: string;
  /** Name of the push service. */
  service: string;
  hideDetails: boolean;
  requestsOnly: boolean;
  createdAt: number;
  deliveredAt: number | null;
  failedAt: number | null;
  /** The last failure in a sentence; empty after a success. */
  error: string;
}

/** What a device words in its own language. */
export type PushCode =
  | 'needs_you'
  | 'agent_needs_you'
  | 'failed'
  | 'finished'
  | 'limit_reached'
  | 'limit_over'
  | 'limit_over_text'
  | 'task_failed'
  | 'task_stuck'
  | 'stuck_waits'
  | 'stuck_silent'
  | 'pipeline_failed'
  | 'pipeline_complete'
  | 'counts'
  | 'agent_news'
  | 'pipeline_news'
  | 'allowed'
  | 'denied'
  | 'answered'
  | 'no_longer_asked'
  | 'done'
  | 'test'
  | 'test_text';

export interface Worded {
  code: PushCode;
  params?: Record<string, string | number>;
}

/** What title and body are made of; missing: they are somebody's own words. */
export interface PushWords {
  title?: Worded;
  body?: Worded;
}

/** Characters of one parameter: a message has room for the words twice. */
const MAX_PARAMETER = 80;

export const say = (code: PushCode, params?: Worded['params']): Worded => ({
  code,
  ...(params
    ? { params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, bounded(value)])) }
    : {}),
});

const bounded = (value: string | number) => typeof value === 'string' ? cut(value, MAX_PARAMETER, '…') : value;

/** What the service worker gets, sealed. `title` and `body` are English, for a worker that does not know the codes. */
export type PushPayload = PushContent & {
  /** The machine that sends it, by its id at the relay; missing on its own address and at an older relay. */
  machine?: string;
  words?: PushWords;
};

export type PushContent =
  /** A request waits. `actions`: `body` shows all of it, so it may be answered from there. */
  | {
    type: 'request';
    agent: string;
    request: string;
    title: string;
    body: string;
    actions: boolean;
    at: number;
    /** Shown without a sound. */
    quiet?: boolean;
  }
  /** It was decided: the notification of this request goes away. */
  | { type: 'settled'; agent: string; request: string; title: string; at: number }
  | { type: 'agent'; agent: string; title: string; body: string; event?: string; at: number; quiet?: boolean }
  | { type: 'pipeline'; title: string; body: string; event?: string; at: number; quiet?: boolean }
  | { type: 'test'; title: string; body: string; at: number };

const endpoint: Check<string> = (value, name) => {
  const address = text(MAX_ENDPOINT, true)(value, name);
  const url = URL.canParse(address) ? new URL(address) : null;
  const isPlain = url && !url.username && !url.password && !url.hash;
  return isPlain && /^https?:$/.test(url.protocol) ? address : wrong(name, 'the address of a push service');
};

const keys: Check<SubscribeBody['keys']> = (value, name) =>
  need(
    pick<SubscribeBody['keys']>(fields(value, name), { p256dh: text(MAX_KEY, true), auth: text(MAX_KEY, true) }, name),
    'p256dh',
    'auth',
  );

export function parseSubscribe(value: unknown): SubscribeBody {
  const body = pick<SubscribeBody>(value, {
    endpoint,
    keys,
    device: text(MAX_DEVICE),
    hideDetails: bool,
    requestsOnly: bool,
  });
  return need(body, 'endpoint', 'keys');
}

/** GET /api/agents/:id/requests/:requestId: all that one card needs to be shown and answered. */
export interface RequestAnswer {
  agent: AgentInfo;
  request: RequestMessage;
}

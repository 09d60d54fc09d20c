/** Sends sealed messages to browsers' push services (RFC 8030), with the manners that those ask for. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { PushPayload } from '../../core/api/push.ts';
import { postPublic, type PublicAnswer, RequestFailure } from '../notify/public-request.ts';
import { clip } from '../notify/sender.ts';
import { decodeKeys, encrypt, MAX_PAYLOAD } from './encrypt.ts';
import type { Subscription } from './subscriptions.ts';
import type { PushKey } from '../../core/tunnel/push-key.ts';
import { authorization } from './vapid.ts';

/** Pauses before the second, third … try, ms. */
export const RETRY_MS = [1_000, 30_000, 120_000, 600_000];
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Messages that wait for another try. */
export const MAX_WAITING = 200;
/** A push service takes at most so long, ms. */
const REQUEST_MS = 15_000;
/** How long a service keeps a message for a device that is away, s. */
const TTL_S = { request: 24 * 3600, settled: 24 * 3600, agent: 12 * 3600, pipeline: 12 * 3600, test: 60 };

/** Said of a subscription whose key is gone. */
const LOST_KEY = 'The key that this device subscribed with is not there any more. Turn notifications off and on again.';

export interface PushSenderOptions {
  clock: Clock;
  log: Log;
  /** The key that a subscription belongs to; null: it is lost. */
  key: (subscription: Subscription) => PushKey | null;
  /** How a push service reaches whoever runs this: `mailto:` or https. */
  subject: string;
  /** Push services inside the own network are allowed. */
  allowPrivate: boolean;
  /** The service says that the subscription is over (404, 410). */
  onGone(id: string): void;
  onOutcome(id: string, outcome: { deliveredAt: number } | { failedAt: number; error: string }): void;
  post?: typeof postPublic;
}

type Verdict = 'delivered' | 'gone' | { error: string; again: boolean; pauseMs: number };

/** A message on its way. */
interface Job {
  key: string;
  subscription: Subscription;
  payload: PushPayload;
  tries: number;
  /** Of its next try; null while it is being sent. */
  timer: Timer | null;
  onEnd(isOver: boolean): void;
}

export class PushSender {
  readonly #options: PushSenderOptions;
  /** Subscription and topic → the newest message of it: it takes the place of an older one, wherever that stands. */
  readonly #newest = new Map<string, Job>();
  readonly #sending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: PushSenderOptions) {
    this.#options = options;
  }

  /**
   * Sends, and tries again in bounds where that may help.
   * @returns whether it is over: delivered, given up, or replaced by a newer one; false when this ended before
   */
  send(subscription: Subscription, payload: PushPayload): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    const key = `${subscription.id} ${topicOf(payload)}`;
    const before = this.#newest.get(key);
    if (before) this.#end(before, true);
    return new Promise((resolve) => {
      const job: Job = { key, subscription, payload, tries: 0, timer: null, onEnd: resolve };
      this.#newest.set(key, job);
      this.#begin(job);
    });
  }

  /** Sends once. Returns the ms it took until the service had it; throws a sentence. */
  async sendNow(subscription: Subscription, payload: PushPayload): Promise<number> {
    const startedAt = this.#options.clock.monotonic();
    const verdict = await this.#attempt(subscription, payload);
    if (verdict === 'gone') throw new Error('The push service does not know this device any more. Turn it on again.');
    if (verdict !== 'delivered') throw new Error(verdict.error);
    return this.#options.clock.monotonic() - startedAt;
  }

  #begin(job: Job): void {
    job.timer = null;
    const done: Promise<void> = this.#attempt(job.subscription, job.payload)
      .then((verdict) => this.#after(job, verdict))
      .finally(() => this.#sending.delete(done));
    this.#sending.add(done);
  }

  #after(job: Job, verdict: Verdict): void {
    if (typeof verdict === 'string') return this.#end(job, true);
    const { log, clock } = this.#options;
    const waiting = [...this.#newest.values()].filter(({ timer }) => timer !== null).length;
    const mayWait = !this.#isClosed && waiting < MAX_WAITING;
    const again = verdict.again && job.tries < RETRY_MS.length && mayWait && this.#newest.get(job.key) === job;
    log.warn(verdict.error, { device: job.subscription.device, again });
    if (!again) return this.#end(job, !this.#isClosed);
    const pause = Math.max(RETRY_MS[job.tries++]!, verdict.pauseMs);
    job.timer = clock.setTimeout(() => this.#begin(job), pause);
  }

  #end(job: Job, isOver: boolean): void {
    this.#options.clock.clearTimeout(job.timer);
    if (this.#newest.get(job.key) === job) this.#newest.delete(job.key);
    job.onEnd(isOver);
  }

  /** Never throws. The log and the outcome hold neither the endpoint nor what was sent. */
  async #attempt(subscription: Subscription, payload: PushPayload): Promise<Verdict> {
    const { clock, onGone, onOutcome } = this.#options;
    const key = this.#options.key(subscription);
    const verdict: Verdict = key
      ? await this.#post(subscription, key, payload).then(verdictOf, unreachable)
      : { error: LOST_KEY, again: false, pauseMs: 0 };
    if (verdict === 'gone') onGone(subscription.id);
    else if (verdict === 'delivered') onOutcome(subscription.id, { deliveredAt: clock.now() });
    else onOutcome(subscription.id, { failedAt: clock.now(), error: verdict.error });
    return verdict;
  }

  #post(subscription: Subscription, key: PushKey, payload: PushPayload): Promise<PublicAnswer> {
    const { endpoint, keys } = subscription;
    const { subject, clock, allowPrivate, post = postPublic } = this.#options;
    const body = encrypt(payloadBytes(payload), decodeKeys(keys.p256dh, keys.auth));
    return post({
      url: endpoint,
      headers: {
        'content-type': 'application/octet-stream',
        'content-encoding': 'aes128gcm',
        ttl: String(TTL_S[payload.type]),
        urgency: urgencyOf(payload),
        topic: topicOf(payload),
        authorization: authorization(key, endpoint, subject, clock.now()),
      },
      body,
      timeoutMs: REQUEST_MS,
      allowPrivate,
    });
  }

  /** Resolves when nothing is being sent; what waits for another try is not waited for. */
  async settled(): Promise<void> {
    while (this.#sending.size) await Promise.all(this.#sending);
  }

  close(): void {
    this.#isClosed = true;
    for (const job of [...this.#newest.values()]) if (job.timer !== null) this.#end(job, false);
  }
}

/** RFC 8030 section 5.3. The end of a request is urgent, too: its notification is to go. */
function urgencyOf(payload: PushPayload): string {
  const isAsked = payload.type === 'request' || payload.type === 'settled' || payload.type === 'test';
  return isAsked && !('quiet' in payload && payload.quiet) ? 'high' : 'normal';
}

/** RFC 8030 section 5.4: at most 32 characters of base64url. What is about the same thing has the same topic. */
function topicOf(payload: PushPayload): string {
  const about = payload.type === 'request' || payload.type === 'settled'
    ? `request ${payload.agent} ${payload.request}`
    : payload.type === 'agent'
    ? `agent ${payload.agent}`
    : payload.type;
  // Machines of one relay send to the same subscription: none takes the place of another's.
  return createHash('sha256').update(`${payload.machine ?? ''} ${about}`).digest('base64url').slice(0, 32);
}

/** The payload as JSON of at most MAX_PAYLOAD bytes: a long text is cut, and then nothing can be approved from it. */
export function payloadBytes(payload: PushPayload): Buffer {
  const whole = Buffer.from(JSON.stringify(payload));
  if (whole.length <= MAX_PAYLOAD || !('body' in payload)) return whole.subarray(0, MAX_PAYLOAD);
  for (let length = payload.body.length; length > 0; length = Math.floor(length * 0.8)) {
    const cut = { ...payload, body: clip(payload.body, length), ...('actions' in payload ? { actions: false } : {}) };
    const bytes = Buffer.from(JSON.stringify(cut));
    if (bytes.length <= MAX_PAYLOAD) return bytes;
  }
  return Buffer.from(JSON.stringify({ ...payload, title: clip(payload.title, 200), body: '' }));
}

function verdictOf({ status, headers }: PublicAnswer): Verdict {
  if (status >= 200 && status < 300) return 'delivered';
  if (status === 404 || status === 410) return 'gone';
  const again = status === 429 || status >= 500;
  const pauseMs = Math.min(Math.max(0, Number(headers['retry-after']) || 0) * 1000, MAX_RETRY_AFTER_MS);
  return { error: `The push service refused the message (${status}).`, again, pauseMs };
}

function unreachable(error: unknown): Verdict {
  const code = error instanceof RequestFailure ? error.code : 'UNKNOWN';
  const isPrivate = code === 'PRIVATE_ADDRESS';
  const text = isPrivate
    ? 'The push service has no public address: nothing was sent.'
    : `The push service could not be reached (${code}).`;
  return { error: text, again: !isPrivate, pauseMs: 0 };
}

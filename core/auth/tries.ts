/**
 * Tries of a login by address. What counts is a try whose body has arrived: one that was never finished was compared with
 * nothing. Unfinished ones have a bound of their own, in which the oldest gives way, so that nobody keeps an address out by
 * leaving them open.
 */
import type { Clock } from '../clock.ts';
import { Failure } from '../api/errors.ts';
import { readJson } from '../http/body.ts';
import { checkIdentified, type Client } from '../http/client-address.ts';
import { ClientGone } from '../http/reply.ts';
import type { HttpRequest } from '../http/types.ts';
import { Limiter, limiterKey } from './limiter.ts';

/** Wrong passwords, codes and signatures that one address may send in TRY_WINDOW_MS. */
export const MAX_TRIES = 10;
export const TRY_WINDOW_MS = 15 * 60 * 1000;
/** Tries of one address whose body is still to come. */
export const MAX_UNFINISHED = 10;
/** Most throttled keys that are remembered. */
const MAX_THROTTLED = 1000;
/** Seconds after which a try that gave way may be sent again. */
const RETRY_S = 1;

/** A try that was counted. */
export interface Try {
  /** For `refund`. */
  key: string;
  /** JSON of unknown shape. */
  body: unknown;
}

/** A try whose body is being read. */
interface Reading {
  req: HttpRequest;
  giveWay: () => void;
}

export class Tries {
  readonly #limiter: Limiter;
  readonly #onThrottled: (client: Client) => void;
  /** Keys whose refusal was reported already. */
  readonly #throttled = new Set<string>();
  /** Key → its tries, oldest first. */
  readonly #readings = new Map<string, Set<Reading>>();

  /** @param onThrottled called once when an address begins to be refused */
  constructor(clock: Clock, onThrottled: (client: Client) => void) {
    this.#limiter = new Limiter({ limit: MAX_TRIES, windowMs: TRY_WINDOW_MS, clock });
    this.#onThrottled = onThrottled;
  }

  /**
   * Reads the body of a try and counts it.
   * @param limit bytes of the body
   * @throws Failure 429 `too_many_tries` (before the body is read, if it is known then) or `too_many_unfinished`; 403 for a
   *   client without an address of its own; what readJson throws
   */
  async read(req: HttpRequest, client: Client, limit: number): Promise<Try> {
    checkIdentified(client);
    const key = limiterKey(client.address);
    // A refused address costs nothing but this line.
    this.#check(client, this.#limiter.wait(key));
    const { gaveWay, end } = this.#begin(key, req);
    let isFinished = true;
    try {
      return { key, body: await Promise.race([readJson(req, limit), gaveWay]) };
    } catch (error) {
      isFinished = !(error instanceof ClientGone) && !isGivenWay(error);
      throw error;
    } finally {
      end();
      if (isFinished) this.#check(client, this.#limiter.take(key));
    }
  }

  /** The latest try turned out right, or was compared with nothing. */
  refund(key: string): void {
    this.#limiter.refund(key);
  }

  #begin(key: string, req: HttpRequest): { gaveWay: Promise<never>; end: () => void } {
    const readings = this.#readings.get(key) ?? new Set();
    // One that has arrived is compared in a moment, and counted.
    const unfinished = [...readings].filter((reading) => !reading.req.complete);
    if (unfinished.length >= MAX_UNFINISHED) unfinished[0]!.giveWay();
    let reject!: (error: Error) => void;
    const gaveWay = new Promise<never>((_resolve, refuse) => reject = refuse);
    const end = () => {
      readings.delete(reading);
      if (readings.size === 0 && this.#readings.get(key) === readings) this.#readings.delete(key);
    };
    const giveWay = () => {
      end();
      reject(givenWay());
    };
    const reading: Reading = { req, giveWay };
    this.#readings.set(key, readings.add(reading));
    return { gaveWay, end };
  }

  /** @param wait ms until a try is allowed; 0: now */
  #check(client: Client, wait: number): void {
    const key = limiterKey(client.address);
    if (wait === 0) return void this.#throttled.delete(key);
    if (!this.#throttled.has(key)) {
      if (this.#throttled.size >= MAX_THROTTLED) this.#throttled.clear();
      this.#throttled.add(key);
      this.#onThrottled(client);
    }
    const seconds = Math.ceil(wait / 1000);
    const minutes = Math.ceil(seconds / 60);
    const time = `${minutes} minute${minutes === 1 ? '' : 's'}`;
    throw new Failure('too_many_tries', `Too many wrong passwords from this address. Try again in ${time}.`, {
      retryAfterS: seconds,
    });
  }
}

const givenWay = () =>
  new Failure(
    'too_many_unfinished',
    `This login was not sent to its end, and ${MAX_UNFINISHED} others were begun from this address since. Send it again.`,
    { retryAfterS: RETRY_S },
  );
const isGivenWay = (error: unknown) => error instanceof Failure && error.code === 'too_many_unfinished';

/**
 * Challenges for signatures: each is good for one purpose, a short time and one success. A challenge carries its own end and
 * a MAC, so that those which nobody answers cost no memory, however many a stranger asks for.
 */
import { Buffer } from 'node:buffer';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';

/** Time to answer a challenge, which includes a person's touch of a security key, ms. */
export const CHALLENGE_MS = 120_000;
/** Answered challenges that are remembered until their time is over. With more, further answers are refused. */
export const MAX_USED = 10_000;
/** 16 bytes at random, the end in ms of the monotonic clock (6 bytes), HMAC-SHA256. */
const NONCE = 16;
const BODY = NONCE + 6;
const SIZE = BODY + 32;

export class Challenges {
  readonly #clock: Clock;
  /** Not kept: a restart makes every open challenge worthless. */
  readonly #key = randomBytes(32);
  /** Answered challenge → its end. */
  readonly #used = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param purpose what the answer will be good for, with everything that it is bound to */
  create(purpose: string): string {
    const body = Buffer.alloc(BODY, randomBytes(NONCE));
    body.writeUIntBE(Math.floor(this.#clock.monotonic()) + CHALLENGE_MS, NONCE, 6);
    return Buffer.concat([body, this.#mac(purpose, body)]).toString('base64url');
  }

  /** Whether this is a challenge of this purpose, in time, that was not answered yet. */
  isOpen(purpose: string, challenge: string): boolean {
    const bytes = Buffer.from(challenge, 'base64url');
    if (bytes.length !== SIZE || bytes.toString('base64url') !== challenge) return false;
    const body = bytes.subarray(0, BODY);
    if (!timingSafeEqual(bytes.subarray(BODY), this.#mac(purpose, body))) return false;
    return this.#clock.monotonic() < body.readUIntBE(NONCE, 6) && !this.#used.has(challenge);
  }

  /** Ends a challenge that isOpen, because it was answered. @returns false: no room to remember it, so it may not count */
  use(challenge: string): boolean {
    const now = this.#clock.monotonic();
    if (this.#used.size >= MAX_USED) {
      for (const [used, until] of this.#used) if (until <= now) this.#used.delete(used);
    }
    if (this.#used.size >= MAX_USED) return false;
    this.#used.set(challenge, now + CHALLENGE_MS);
    return true;
  }

  #mac(purpose: string, body: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}\0`).update(body).digest();
  }
}

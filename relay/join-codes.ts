/** Codes that let one machine join each, within ten minutes. In memory only: a restart makes every open code worthless. */
import { JOIN_MS, type JoinCode } from '../core/api/machines.ts';
import type { Clock } from '../core/clock.ts';
import { generateJoinCode, tunnelKey } from '../core/tunnel/token.ts';

/** Codes at once; the oldest is dropped first. */
export const MAX_JOIN_CODES = 16;

interface OpenCode {
  psk: Uint8Array;
  /** By the monotonic clock. */
  until: number;
}

export class JoinCodes {
  readonly #clock: Clock;
  /** By the id of the code's key, the oldest first. */
  readonly #codes = new Map<string, OpenCode>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  create(): Omit<JoinCode, 'command'> {
    if (this.#codes.size >= MAX_JOIN_CODES) this.#codes.delete(this.#codes.keys().next().value!);
    const code = generateJoinCode();
    const { id, psk } = tunnelKey(code);
    this.#codes.set(id!, { psk, until: this.#clock.monotonic() + JOIN_MS });
    return { code, expiresAt: this.#clock.now() + JOIN_MS, lifetimeMs: JOIN_MS };
  }

  /** The key of a code that is open; null when there is none. */
  find(keyId: string): Uint8Array | null {
    const open = this.#codes.get(keyId);
    return open && this.#clock.monotonic() < open.until ? open.psk : null;
  }

  /** Ends a code. @returns whether it was open: of two that prove the same code one may join */
  use(keyId: string): boolean {
    const isOpen = this.find(keyId) !== null;
    this.#codes.delete(keyId);
    return isOpen;
  }
}

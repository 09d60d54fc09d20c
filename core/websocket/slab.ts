/**
 * Buffers that outgoing frames are joined in and lent messages are gathered in. They are used again: memory fresh from the
 * system costs more than what is done with it.
 */
import { Buffer } from 'node:buffer';

/** Bytes of a slab: what 64 KiB of input is answered with, and some more. */
export const SLAB = 128 << 10;
/** So many wait for their next use. */
const KEPT = 8;

const free: Buffer[] = [];

export const takeSlab = (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(SLAB);

/** @param slab that nobody reads or writes any more */
export function giveSlab(slab: Buffer): void {
  if (free.length < KEPT) free.push(slab);
}

/**
 * A pool of slabs, in which outgoing frames are joined and zero-copy messages are gathered. They are reused: fresh memory
 * from the system costs more than the work done in it.
 */
import { Buffer } from 'node:buffer';

/** Bytes of a slab: room for the answer to 64 KiB of input, and more. */
export const BLOCK_SIZE = 128 << 10;
/** Most slabs that wait for their next use. */
const MAX_FREE = 8;

const free: Buffer[] = [];

export const acquireBlock = (): Buffer => free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_SIZE);

/** @param block that is no longer read or written */
export function releaseBlock(block: Buffer): void {
  if (free.length < MAX_FREE) free.push(block);
}

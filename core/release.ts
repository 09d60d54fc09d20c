/**
 * Memory of large buffers, given back at once. A buffer's bytes lie outside of V8's heap, where the garbage collector sees
 * little reason to run: in a bulk transfer tens of MiB of used buffers pile up until a full collection, which costs more than
 * the tunnel's own work, and every new buffer is cold memory.
 */
import { MessageChannel } from 'node:worker_threads';

/**
 * Smaller buffers, bytes, are left to the collector: they may be a part of a pool, and are not worth it. On Deno all are: its
 * sockets may read into the same memory again.
 */
export const MIN_RELEASE: number = 'Deno' in globalThis ? Infinity : 16 * 1024;

type Detach = (buffer: ArrayBuffer) => void;

const detach: Detach = 'transfer' in ArrayBuffer.prototype
  ? (buffer) => void (buffer as ArrayBuffer & { transfer(size: number): ArrayBuffer }).transfer(0)
  : throughPort();

/** Node 20: what is sent to a closed port is dropped. */
function throughPort(): Detach {
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  port2.close();
  return (buffer) => port1.postMessage(null, [buffer]);
}

/** Frees the memory under `bytes` if they are all of it, else leaves it to the collector. They have length 0 afterwards. */
export function release(bytes: Uint8Array): void {
  // Asked first: most are small, and `buffer` is a call into V8.
  if (bytes.byteLength < MIN_RELEASE) return;
  const { buffer } = bytes;
  if (bytes.byteLength === buffer.byteLength) detach(buffer as ArrayBuffer);
}

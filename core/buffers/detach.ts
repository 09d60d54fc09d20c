/**
 * Frees the memory of large buffers at once. A buffer's bytes lie outside of V8's heap, where the garbage collector sees
 * little reason to run: in a bulk transfer tens of MiB of used buffers accumulate until a full collection, which costs more
 * than the tunnel's own work, and every new buffer is cold memory.
 */
import { MessageChannel } from 'node:worker_threads';

/**
 * Smaller buffers, bytes, are left to the collector: they may be part of a pool, and detaching them costs more than it
 * saves. On Deno all are: its sockets may read into the same memory again.
 */
export const MIN_DETACH: number = 'Deno' in globalThis ? Infinity : 16 * 1024;

type Detach = (buffer: ArrayBuffer) => void;

const transferMemory: Detach = 'transfer' in ArrayBuffer.prototype
  ? (buffer) => void (buffer as ArrayBuffer & { transfer(size: number): ArrayBuffer }).transfer(0)
  : throughPort();

/** Node 20: a buffer that is transferred to a closed port is dropped. */
function throughPort(): Detach {
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  port2.close();
  return (buffer) => port1.postMessage(null, [buffer]);
}

/** Frees the memory of `bytes` if it is their whole buffer (their length is then 0), else leaves it to the collector. */
export function detach(bytes: Uint8Array): void {
  // First, because most are small and `buffer` is a call into V8.
  if (bytes.byteLength < MIN_DETACH) return;
  const { buffer } = bytes;
  if (bytes.byteLength === buffer.byteLength) transferMemory(buffer as ArrayBuffer);
}

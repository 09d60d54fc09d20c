/**
 * Memory of large buffers, given back at once. A buffer's bytes lie outside of V8's heap, where the garbage collector sees
 * little reason to run: in a bulk transfer tens of MiB of used buffers pile up until a full collection, which costs more than
 * the tunnel's own work, and every new buffer is cold memory.
 */
import { MessageChannel } from 'node:worker_threads';

/** Below this a buffer may be a part of a pool, and is not worth it. */
const MIN_SIZE = 16 * 1024;

/** Takes a buffer from whoever holds it. */
type Detach = (buffer: ArrayBuffer) => void;

/** Frees the memory under `bytes` if they are all of it, else leaves it to the collector. They have length 0 afterwards. */
export const release: (bytes: Uint8Array) => void = releaseBy(detacher());

function releaseBy(detach: Detach | null): (bytes: Uint8Array) => void {
  if (!detach) return () => {};
  return ({ buffer, byteLength }) => {
    if (byteLength >= MIN_SIZE && byteLength === buffer.byteLength) detach(buffer as ArrayBuffer);
  };
}

function detacher(): Detach | null {
  // Deno's sockets may read into the same memory again.
  if ('Deno' in globalThis) return null;
  if ('transfer' in ArrayBuffer.prototype) {
    return (buffer) => void (buffer as ArrayBuffer & { transfer(size: number): ArrayBuffer }).transfer(0);
  }
  // Node 20: what is sent to a closed port is dropped.
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  port2.close();
  return (buffer) => port1.postMessage(null, [buffer]);
}

/**
 * Makes the progress of a large write visible where the runtime does not tell it. Node says how much of a write the system has
 * not taken (`writeQueueSize` of the socket's handle); Deno says nothing until the whole write is done, which for a slow client
 * looks like one that takes nothing.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

const PIECE = 64 * 1024;

type Done = (error?: Error | null) => void;

/** Whether the runtime tells how much of a write is still to go. */
export function tellsProgress(socket: Socket): boolean {
  const { _handle } = socket as { _handle?: object | null };
  return !_handle || 'writeQueueSize' in _handle;
}

/** From now on each write reaches the system in pieces of 64 KiB, which `bytesWritten` counts one by one. */
export function writeInPieces(socket: Socket): void {
  const write = socket._write.bind(socket);
  socket._write = (chunk: Uint8Array | string, encoding: BufferEncoding, done: Done) => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    const next = (from: number): void =>
      write(bytes.subarray(from, from + PIECE), 'buffer' as BufferEncoding, (error?: Error | null) => {
        if (error || from + PIECE >= bytes.length) return done(error);
        next(from + PIECE);
      });
    next(0);
  };
  socket._writev = (chunks: { chunk: Uint8Array | string; encoding: BufferEncoding }[], done: Done) => {
    const bytes = chunks.map(({ chunk, encoding }) => typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    socket._write(Buffer.concat(bytes), 'buffer' as BufferEncoding, done);
  };
}

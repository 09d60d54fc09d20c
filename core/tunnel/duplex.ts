/** A stream as a Node Duplex: bytes both ways with backpressure, halves that end apart. For what leaves HTTP by upgrade. */
import type { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import { RESET } from './frame.ts';
import type { Stream } from './stream.ts';

export class StreamDuplex extends Duplex {
  readonly #stream: Stream;
  #written: ((error?: Error | null) => void) | null = null;

  /** Takes over the stream's events. */
  constructor(stream: Stream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    stream.events = {
      onData: (chunk: Buffer) => {
        if (this.push(chunk)) stream.accept();
      },
      onEnd: () => void this.push(null),
      onDrain: () => this.#onDrain(),
      onSent: () => this.#onDrain(),
      onReset: () => {
        const cut = new Error('the other end closed the stream');
        this.destroy(cut);
      },
    };
    // A cut stream is an ordinary end of a connection; whoever listens for `close` knows of it.
    this.on('error', () => {});
  }

  override _read(): void {
    this.#stream.accept();
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#stream.write(chunk)) done();
    else this.#written = done;
  }
  override _final(done: (error?: Error | null) => void): void {
    this.#stream.end();
    done();
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // After both halves have ended this does nothing: a clean end stays clean.
    this.#stream.reset(RESET.cancel);
    this.#written = null;
    done(error);
  }

  #onDrain(): void {
    const done = this.#written;
    this.#written = null;
    done?.();
  }
}

/** A stream as a Node Duplex: bytes both ways with backpressure, halves that end apart. For what leaves HTTP by upgrade. */
import type { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import { RESET } from './frame.ts';
import type { Stream, StreamEvents } from './stream.ts';

export class StreamDuplex extends Duplex implements StreamEvents {
  readonly #stream: Stream;
  /** Called when there is room again, and when everything is in records. */
  #written: Done | null = null;
  #finished: Done | null = null;

  /** Takes over the stream's events. */
  constructor(stream: Stream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    stream.events = this;
    // A cut stream is an ordinary end of a connection; whoever listens for `close` knows of it.
    this.on('error', () => {});
  }

  override _read(): void {
    this.#stream.accept();
  }
  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    if (this.#stream.write(chunk)) done();
    else this.#written = done;
  }
  /** Finished is what has been sent, not what waits for credit: a finished stream may be destroyed at once. */
  override _final(done: Done): void {
    if (this.#stream.over) return done();
    this.#finished = done;
    this.#stream.end();
  }
  override _destroy(error: Error | null, done: Done): void {
    // After both halves have ended this does nothing: a clean end stays clean.
    this.#stream.reset(RESET.cancel);
    this.#written = this.#finished = null;
    done(error);
  }

  onData(chunk: Buffer): void {
    if (this.push(chunk)) this.#stream.accept();
  }
  onEnd(): void {
    this.push(null);
  }
  onDrain(): void {
    const done = this.#written;
    this.#written = null;
    done?.();
  }
  onSent(): void {
    this.onDrain();
    const done = this.#finished;
    this.#finished = null;
    done?.();
  }
  onReset(): void {
    this.destroy(new Error('the other end closed the stream'));
  }
}

type Done = (error?: Error | null) => void;

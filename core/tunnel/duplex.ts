/** A stream as a Node Duplex: bytes both ways with backpressure; each half ends by itself. For upgraded connections. */
import type { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import { RESET } from './frame.ts';
import type { Stream, StreamEvents } from './stream.ts';

export class StreamDuplex extends Duplex implements StreamEvents {
  readonly #stream: Stream;
  /** Pending callback of `_write`, called when the queue has drained. */
  #onWritten: Callback | null = null;
  /** Pending callback of `_final`, called when everything has been sent. */
  #onFinished: Callback | null = null;

  /** Takes over the stream's events. */
  constructor(stream: Stream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    stream.events = this;
    // A reset stream is an ordinary end of a connection, which `close` reports.
    this.on('error', () => {});
  }

  override _read(): void {
    this.#stream.accept();
  }
  override _write(chunk: Buffer, _encoding: string, callback: Callback): void {
    if (this.#stream.write(chunk)) callback();
    else this.#onWritten = callback;
  }
  /** `finish` means sent, not waiting for credit: a finished stream may be destroyed at once. */
  override _final(callback: Callback): void {
    if (this.#stream.over) return callback();
    this.#onFinished = callback;
    this.#stream.end();
  }
  override _destroy(error: Error | null, callback: Callback): void {
    // Does nothing after both halves have ended: a clean end stays clean.
    this.#stream.reset(RESET.cancel);
    this.#onWritten = this.#onFinished = null;
    callback(error);
  }

  onData(chunk: Buffer): void {
    if (this.push(chunk)) this.#stream.accept();
  }
  onEnd(): void {
    this.push(null);
  }
  onDrain(): void {
    const callback = this.#onWritten;
    this.#onWritten = null;
    callback?.();
  }
  onSent(): void {
    this.onDrain();
    const callback = this.#onFinished;
    this.#onFinished = null;
    callback?.();
  }
  onReset(): void {
    this.destroy(new Error('the other end closed the stream'));
  }
}

type Callback = (error?: Error | null) => void;

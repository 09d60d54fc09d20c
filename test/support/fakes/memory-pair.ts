/** Two MessageSockets joined in memory: what one sends the other receives, in order, in a later microtask. */
import { Buffer } from 'node:buffer';
import type { MessageSocket } from '../../../core/tunnel/socket.ts';

/** Bytes in flight above which `send` returns false. */
const MARK = 256 * 1024;

export class MemorySocket implements MessageSocket {
  /** Nothing is refused by it: every message is in memory already. */
  maxMessage = Infinity;
  onmessage: ((data: Uint8Array | string) => void) | null = null;
  ondrain: (() => void) | null = null;
  onclose: ((code: number, reason: string) => void) | null = null;
  /** Every message that this end sent, when recording. */
  readonly sent: Buffer[] = [];
  recording = false;
  /** Changes, drops or multiplies what this end sends. */
  tamper: (message: Buffer) => Buffer[] = (message) => [message];
  closed = false;
  paused = false;

  #peer: MemorySocket | null = null;
  #incoming: (Buffer | string)[] = [];
  #under = 0;
  #full = false;
  #onEmpty: (() => void) | null = null;
  #scheduled = false;

  static pair(): [MemorySocket, MemorySocket] {
    const [a, b] = [new MemorySocket(), new MemorySocket()];
    a.#peer = b;
    b.#peer = a;
    return [a, b];
  }

  get bufferedAmount(): number {
    return this.#under;
  }
  send(data: Uint8Array, tail: Uint8Array = Buffer.alloc(0)): boolean {
    if (this.closed) return true;
    const copy = Buffer.concat([data, tail]);
    data.fill(0xdd); // both belong to the socket
    tail.fill(0xdd);
    if (this.recording) this.sent.push(copy);
    for (const message of this.tamper(copy)) this.#peer!.#receive(message);
    this.#full ||= this.#under >= MARK;
    return !this.#full;
  }
  /** A text message, which MessageSocket cannot send. */
  sendText(text: string): void {
    this.#peer!.#receive(text);
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
    this.#wake();
  }
  close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => {
      this.#peer!.#end(code, reason);
      this.onclose?.(code, reason);
    });
  }
  terminate(): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => {
      this.#peer!.#end(1006, '');
      this.onclose?.(1006, '');
    });
  }

  #receive(message: Buffer | string): void {
    if (this.closed) return;
    this.#incoming.push(message);
    this.#peer!.#under += message.length;
    this.#wake();
  }
  #wake(): void {
    if (this.#scheduled || this.paused || this.#incoming.length === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      while (!this.paused && this.#incoming.length > 0) {
        const message = this.#incoming.shift()!;
        this.#peer!.#under -= message.length;
        // A view that is not valid after the call, as a real socket's may be.
        const view = typeof message === 'string' ? message : Buffer.from(message);
        if (!this.closed) this.onmessage?.(view);
        if (typeof view !== 'string') view.fill(0xee);
      }
      this.#peer!.#drained();
      if (this.#incoming.length === 0) this.#onEmpty?.();
    });
  }
  #drained(): void {
    if (!this.#full || this.#under > MARK / 4) return;
    this.#full = false;
    if (!this.closed) this.ondrain?.();
  }
  #end(code: number, reason: string): void {
    if (this.closed) return;
    // What was sent before the end is delivered before it.
    if (this.#incoming.length > 0) return void (this.#onEmpty = () => this.#end(code, reason));
    this.closed = true;
    this.onclose?.(code, reason);
  }
}

/**
 * What one viewer has been sent and has shown. Output is sent as far as the window allows; a viewer that falls out of the
 * scrollback receives a repaint of the screen instead of what it missed.
 */
import type { Buffer } from 'node:buffer';
import { OUTPUT_WINDOW, TERMINAL_CHUNK, type TerminalMessage } from '../../core/api/terminals.ts';
import type { Scrollback } from './scrollback.ts';

/** The part of a WebSocket connection that is used. */
export interface ViewerSocket {
  /** Returns false when the buffer is full: send nothing more until the owner calls `drained`. */
  send(data: Uint8Array | string): boolean;
  close(code: number, reason: string): void;
}

export interface Size {
  cols: number;
  rows: number;
}

/** Where the output of a viewer begins. */
export interface Attachment {
  offset: number;
  /** null: the viewer shows everything before `offset` already. */
  repaint: Buffer | null;
  /** The size now; sizes of `marks` behind `offset` follow. */
  size: Size;
  /** Bytes of input received from its client; null: not known (any more). */
  input: number | null;
  marks: readonly Mark[];
}

export class Viewer {
  readonly client: string;
  readonly socket: ViewerSocket;
  size: Size;
  /** false: it only watches; neither the size nor the flow depends on it. */
  active: boolean;
  /** It has acknowledged nothing for STALL_MS although output waits: the program does not wait for it. */
  isStalled = false;
  /** Monotonic time of its last acknowledgement. */
  progressAt = 0;
  /** null while it is not attached. */
  #sent: number | null = null;
  #acked = 0;
  #isBlocked = false;
  #sentMarks: Set<object> = new Set();

  constructor(client: string, socket: ViewerSocket, size: Size, active: boolean) {
    this.client = client;
    this.socket = socket;
    this.size = size;
    this.active = active;
  }

  /** Whether output does not have to wait for it: it is within its window, or waits for a repaint. */
  keepsUp(end: number): boolean {
    return this.#sent === null || end - this.#acked < OUTPUT_WINDOW;
  }

  send(message: TerminalMessage): void {
    this.#write(JSON.stringify(message));
  }

  #write(data: Uint8Array | string): void {
    if (!this.socket.send(data)) this.#isBlocked = true;
  }

  /** Starts at `offset`, after the bytes of `repaint` if there is one. */
  attach({ offset, repaint, size, input, marks }: Attachment): void {
    this.send({ type: 'attached', offset, reset: repaint !== null, repaint: repaint?.length ?? 0, ...size, input });
    for (let at = 0; repaint && at < repaint.length; at += TERMINAL_CHUNK) {
      this.#write(repaint.subarray(at, at + TERMINAL_CHUNK));
    }
    this.#sent = this.#acked = offset;
    this.#sentMarks = new Set(marks.filter((mark) => mark.at <= offset && mark.message.type === 'size'));
  }

  /** Sends nothing more until `attach`. */
  detach(): void {
    this.#sent = null;
  }

  /** The socket's buffer has space again. */
  drained(): void {
    this.#isBlocked = false;
  }

  /** Returns false when the offset was never sent. */
  ack(offset: number, now: number): boolean {
    if (this.#sent === null) return true; // it acknowledges what was shown before the pending repaint
    if (offset > this.#sent) return false;
    this.#acked = Math.max(this.#acked, offset);
    this.progressAt = now;
    this.isStalled = false;
    return true;
  }

  /**
   * Sends output as far as the window allows, and each of `marks` when the output before it has been sent. Returns false when
   * the output that follows is no longer in the scrollback: the viewer needs a repaint.
   */
  pump(scrollback: Scrollback, marks: readonly Mark[]): boolean {
    if (this.#sent === null) return true;
    if (this.#sent < scrollback.start) return false;
    while (!this.#isBlocked) {
      this.#sendMarks(marks);
      const space = Math.min(TERMINAL_CHUNK, this.#acked + OUTPUT_WINDOW - this.#sent);
      if (space <= 0 || this.#sent >= scrollback.end) return true;
      const bytes = scrollback.read(this.#sent, space);
      this.#sent += bytes.length;
      this.#write(bytes);
    }
    return true;
  }

  #sendMarks(marks: readonly Mark[]): void {
    for (const mark of marks) {
      if (mark.at > this.#sent! || this.#sentMarks.has(mark)) continue;
      this.send(mark.message);
      this.#sentMarks.add(mark);
    }
    if (this.#sentMarks.size > marks.length) {
      this.#sentMarks = new Set(marks.filter((mark) => this.#sentMarks.has(mark)));
    }
  }
}

/** A message that stands at a place in the output: a new size, the exit. */
export interface Mark {
  at: number;
  message: TerminalMessage;
}

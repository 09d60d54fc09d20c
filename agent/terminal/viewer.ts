/**
 * What one viewer has been sent and has shown. Output goes out as far as the window allows; a viewer that falls out of the
 * scrollback is not sent what it missed but the screen as it is then.
 */
import type { Buffer } from 'node:buffer';
import { OUTPUT_WINDOW, TERMINAL_CHUNK, type TerminalMessage } from '../../core/wire/terminal.ts';
import type { Scrollback } from './scrollback.ts';

/** The part of a WebSocket connection that is used. */
export interface ViewerSocket {
  /** false: wait until the owner calls `drained`. */
  send(data: Uint8Array | string): boolean;
  close(code: number, reason: string): void;
}

export interface Size {
  cols: number;
  rows: number;
}

/** Where a viewer begins. */
export interface Attachment {
  offset: number;
  /** null: it shows everything before `offset` already. */
  repaint: Buffer | null;
  /** As of now; sizes told by `marks` behind `offset` follow. */
  size: Size;
  /** Bytes of input received from its client. */
  input: number;
  marks: readonly Mark[];
}

export class Viewer {
  readonly client: string;
  readonly socket: ViewerSocket;
  size: Size;
  /** false: only watches; neither the size nor the pace is made for it. */
  active: boolean;
  /** It has not shown anything for long although output waits: nobody waits for it. */
  isStalled = false;
  /** Monotonic time of its last acknowledgement. */
  progressAt = 0;
  /** null until it was attached. */
  #sent: number | null = null;
  #acked = 0;
  #isBlocked = false;
  #told: Set<object> = new Set();

  constructor(client: string, socket: ViewerSocket, size: Size, active: boolean) {
    this.client = client;
    this.socket = socket;
    this.size = size;
    this.active = active;
  }

  /** It can take output now: attached, not behind its window. One that waits for its repaint counts as such. */
  keepsUp(end: number): boolean {
    return this.#sent === null || end - this.#acked < OUTPUT_WINDOW;
  }

  tell(message: TerminalMessage): void {
    this.#send(JSON.stringify(message));
  }

  #send(data: Uint8Array | string): void {
    if (!this.socket.send(data)) this.#isBlocked = true;
  }

  /** Begins anew at `offset`, after the bytes of `repaint` if there is one. */
  attach({ offset, repaint, size, input, marks }: Attachment): void {
    this.tell({ type: 'attached', offset, reset: repaint !== null, repaint: repaint?.length ?? 0, ...size, input });
    for (let at = 0; repaint && at < repaint.length; at += TERMINAL_CHUNK) {
      this.#send(repaint.subarray(at, at + TERMINAL_CHUNK));
    }
    this.#sent = this.#acked = offset;
    this.#told = new Set(marks.filter((mark) => mark.at <= offset && mark.message.type === 'size'));
  }

  /** Nothing is sent any more until `attach`. */
  detach(): void {
    this.#sent = null;
  }

  /** The socket takes more again. */
  drained(): void {
    this.#isBlocked = false;
  }

  /** @returns false when the offset was never sent */
  ack(offset: number, now: number): boolean {
    if (this.#sent === null) return true; // about what was shown before the repaint that is on its way
    if (offset > this.#sent) return false;
    this.#acked = Math.max(this.#acked, offset);
    this.progressAt = now;
    this.isStalled = false;
    return true;
  }

  /**
   * Sends what is there as far as the window goes. `marks` are told when the output before them has been sent.
   * @returns false when the output that comes next is no longer in the scrollback: it needs a repaint
   */
  pump(scrollback: Scrollback, marks: readonly Mark[]): boolean {
    if (this.#sent === null) return true;
    if (this.#sent < scrollback.start) return false;
    while (!this.#isBlocked) {
      this.#tellMarks(marks);
      const room = Math.min(TERMINAL_CHUNK, this.#acked + OUTPUT_WINDOW - this.#sent);
      if (room <= 0 || this.#sent >= scrollback.end) return true;
      const bytes = scrollback.read(this.#sent, room);
      this.#sent += bytes.length;
      this.#send(bytes);
    }
    return true;
  }

  #tellMarks(marks: readonly Mark[]): void {
    for (const mark of marks) {
      if (mark.at > this.#sent! || this.#told.has(mark)) continue;
      this.tell(mark.message);
      this.#told.add(mark);
    }
    if (this.#told.size > marks.length) this.#told = new Set(marks.filter((mark) => this.#told.has(mark)));
  }
}

/** Something to tell at a place in the output: a new size, the end. */
export interface Mark {
  at: number;
  message: TerminalMessage;
}

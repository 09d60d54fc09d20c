/**
 * One terminal of a machine, shown here: output goes on at the byte where it stopped, input is kept until the machine has it
 * and typed once. The rules are in core/api/TERMINAL.md. Knows nothing of the screen that it is drawn on.
 */
import { randomBytes } from 'node:crypto';
import { InputQueue } from '../../core/api/input-queue.ts';
import {
  helloQuery,
  TERMINAL_CHUNK,
  TERMINAL_CLOSE,
  type TerminalCommand,
  type TerminalMessage,
} from '../../core/api/terminals.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Api } from './api.ts';
import { abortedError, ApiError } from './errors.ts';
import { CLOSE_MS, type ReconnectingOptions, ReconnectingSocket } from './reconnecting-socket.ts';

/** Output is acknowledged in steps of this many bytes, and whenever all of it is shown. */
const ACK_STEP = 32 * 1024;
/** Whoever types into a broken connection should learn of it soon. */
const HEARTBEAT = { pingMs: 5_000, deadMs: 12_000 };

export interface Size {
  cols: number;
  rows: number;
}

export interface Screen {
  /** Forget what is shown; bytes that draw the present screen follow. */
  reset(): void;
  /** Draws bytes in order; calls `shown` when they are on the screen. */
  write(bytes: Uint8Array, shown: () => void): void;
  /** Something else was drawn over what is shown: the whole is asked for again. */
  readonly isCovered: boolean;
  /** The way to the machine is broken, or there again. */
  setAway(isAway: boolean): void;
}

export interface TerminalExit {
  code: number;
  signal: number;
}

export class TerminalSession {
  readonly #api: Api;
  readonly #screen: Screen;
  readonly #socket: ReconnectingSocket;
  readonly #input = new InputQueue();
  readonly #client = randomBytes(16).toString('base64url');
  #size: Size;
  /** Bytes received; null until the first attach. */
  #offset: number | null = null;
  #acknowledged = 0;
  /** Bytes of a repaint that are still to come. */
  #painting = 0;
  #exit: TerminalExit | null = null;

  constructor(api: Api, terminal: string, screen: Screen, size: Size, options: ReconnectingOptions = {}) {
    this.#api = api;
    this.#screen = screen;
    this.#size = size;
    const path = `/api/terminals/${encodeURIComponent(terminal)}/socket`;
    this.#socket = new ReconnectingSocket({
      dial: (signal) =>
        api.dial(`${path}?${this.#hello()}`, {
          signal,
          heartbeat: HEARTBEAT,
          limits: { message: 2 * TERMINAL_CHUNK, closeHandshakeMs: CLOSE_MS },
        }),
      onMessage: (data) => typeof data === 'string' ? this.#onText(data) : this.#onOutput(data),
      endOf: (code) => this.#endOf(code),
      refusalOf: (status) => this.#refusal(status),
      onAway: () => screen.setAway(true),
    }, options);
  }

  /** Shows the terminal until its program ends (the result) or `detach` is called (null). Rejects when it cannot go on. */
  async run(): Promise<TerminalExit | null> {
    const { signal } = this.#api;
    if (signal.aborted) throw abortedError();
    const onAbort = () => this.#socket.close(abortedError());
    signal.addEventListener('abort', onAbort);
    this.#socket.connect();
    try {
      await this.#socket.ended;
      return this.#exit;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the view of it; the terminal lives on. */
  detach(): void {
    this.#socket.close();
  }

  /** @returns false when too much waits already: nothing was taken */
  input(bytes: Uint8Array): boolean {
    if (!this.#input.add(bytes)) return false;
    this.#flush();
    return true;
  }

  resize(size: Size): void {
    this.#size = size;
    this.#sendSize();
  }

  #hello(): string {
    // A repaint that was cut off cannot go on: the screen is asked for again.
    if (this.#painting > 0 || this.#screen.isCovered) this.#offset = null;
    this.#painting = 0;
    return helloQuery({ client: this.#client, offset: this.#offset, ...this.#size, active: true });
  }

  #send(command: TerminalCommand): void {
    if (this.#socket.isReady) this.#socket.send(JSON.stringify(command));
  }

  #sendSize(): void {
    this.#send({ type: 'size', ...this.#size, active: true });
  }

  #onText(text: string): void {
    const message = JSON.parse(text) as TerminalMessage;
    switch (message.type) {
      case 'attached':
        return this.#onAttached(message);
      case 'input':
        this.#input.acknowledge(message.offset);
        return this.#flush();
      case 'exit':
        this.#exit = { code: message.code, signal: message.signal };
        return this.#socket.close();
      case 'size':
        return;
    }
  }

  #onAttached({ reset, repaint, offset, input }: Extract<TerminalMessage, { type: 'attached' }>): void {
    if (reset) this.#screen.reset();
    else if (this.#screen.isCovered) return this.#socket.again(); // covered after the hello was sent
    this.#painting = repaint;
    this.#offset = this.#acknowledged = offset;
    if (this.#socket.isReady) return; // in mid-connection only the screen begins again
    this.#input.resume(input);
    this.#socket.ready();
    this.#screen.setAway(false);
    this.#sendSize();
    this.#flush();
  }

  #onOutput(bytes: Uint8Array): void {
    if (this.#painting > 0) {
      this.#painting -= bytes.length;
      return this.#screen.write(bytes, () => {});
    }
    const end = this.#offset! += bytes.length;
    this.#screen.write(bytes, () => this.#shown(end));
  }

  /** The output before byte `end` is on the screen; after a repaint in between the server does not count it any more. */
  #shown(end: number): void {
    if (
      end > this.#offset! || end <= this.#acknowledged || (end - this.#acknowledged < ACK_STEP && end !== this.#offset)
    ) return;
    this.#acknowledged = end;
    this.#send({ type: 'ack', offset: end });
  }

  /** Sends input as far as the window goes. */
  #flush(): void {
    if (!this.#socket.isReady) return;
    for (let piece = this.#input.next(); piece; piece = this.#input.next()) this.#socket.send(piece);
  }

  #endOf(code: number): Error | null {
    if (code === TERMINAL_CLOSE.gone) return new CommandError('The terminal was closed.', EXIT.notFound);
    return null;
  }

  #refusal(status: number): Error | null {
    if (status === 404) return new CommandError('The terminal is not there any more.', EXIT.notFound);
    if (status === 401) {
      return this.#api.withHint(new ApiError('The login has ended.', { status, code: 'login_required' })) as Error;
    }
    const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
    return isFinal ? new CommandError(`The terminal was refused (${status}).`) : null;
  }
}

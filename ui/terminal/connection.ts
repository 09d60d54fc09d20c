/**
 * One terminal's socket, which comes back by itself: output goes on at the byte where it stopped, input is kept until the
 * server has it and sent once. The rules are in core/api/TERMINAL.md. Knows nothing of the screen.
 */
import { InputQueue } from '../../core/api/input-queue.ts';
import { helloQuery, TERMINAL_CLOSE } from '../../core/api/terminals.ts';
import type { TerminalCommand, TerminalMessage } from '../../core/api/terminals.ts';
import { ReconnectingSocket } from '../net/reconnecting-socket.ts';
import type { RawSocket, SocketClock, SocketPhase } from '../net/reconnecting-socket.ts';
import { signal } from '../state/signal.ts';
import type { Signal } from '../state/signal.ts';

/** Output is acknowledged in steps of this many bytes, and whenever all of it is shown. */
export const ACK_STEP = 32 * 1024;
/** A try to connect that has not been answered by then is given up; ms. */
export const ATTACH_DEADLINE = 10_000;
/** In doubt about the way, it gives the socket up when the server says nothing for this long; ms. */
export const DOUBT = 2_000;
const FIRST_RETRY = 300;
export const MAX_RETRY = 10_000;

export interface Size {
  cols: number;
  rows: number;
}

/** `up`: attached. `gone`: the terminal is closed for good. */
export type Phase = 'connecting' | 'up' | 'waiting' | 'gone';

export interface ConnectionDeps extends SocketClock {
  /** @param query of the socket's address */
  open(query: string): RawSocket;
  /** Random, new for every page. */
  client: string;
  /** Forget what is shown; what draws the present screen follows. */
  onReset(size: Size): void;
  /** Bytes for the screen; call `shown(offset)` when they are on it. A repaint has no offset. */
  onBytes(bytes: Uint8Array, offset: number | null): void;
  onSize(size: Size): void;
  onExit(code: number, signal: number): void;
}

export class TerminalConnection {
  readonly phase: Signal<Phase> = signal<Phase>('connecting');
  /** Bytes of input that wait for the server. */
  readonly unsent: Signal<number> = signal(0);
  readonly #deps: ConnectionDeps;
  readonly #socket: ReconnectingSocket;
  readonly #input = new InputQueue();
  #size = { cols: 80, rows: 24, active: true };
  /** Bytes received; null until the first attach. */
  #offset: number | null = null;
  #acknowledged = 0;
  /** Bytes of a repaint that are still to come. */
  #painting = 0;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.#socket = new ReconnectingSocket({
      clock: deps,
      firstRetry: FIRST_RETRY,
      maxRetry: MAX_RETRY,
      readyDeadline: ATTACH_DEADLINE,
      open: () => this.#open(),
      onMessage: (data) => typeof data === 'string' ? this.#onText(data) : this.#onOutput(new Uint8Array(data)),
      isEnd: (code) => code === TERMINAL_CLOSE.gone,
      onEnd: () => this.phase.value = 'gone',
      onPhase: (phase) => this.#onPhase(phase),
    });
  }

  start(size: Size, active: boolean): void {
    this.#size = { ...size, active };
    this.#socket.connect();
  }

  stop(): void {
    this.#socket.close();
  }

  /** @returns false when too much waits already, or nobody will take it: nothing was taken */
  input(bytes: Uint8Array): boolean {
    if (this.phase.value === 'gone' || !this.#input.add(bytes)) return false;
    this.#flush();
    return true;
  }

  resize(size: Size, active: boolean): void {
    const { cols, rows, active: wasActive } = this.#size;
    if (size.cols === cols && size.rows === rows && active === wasActive) return;
    this.#size = { ...size, active };
    this.#send({ type: 'size', ...this.#size });
  }

  /** The output before byte `end` is on the screen. */
  shown(end: number): void {
    // Of a screen that was reset meanwhile: the server does not count those any more.
    if (this.#offset === null || end > this.#offset || end <= this.#acknowledged) return;
    if (end - this.#acknowledged < ACK_STEP && end !== this.#offset) return;
    this.#acknowledged = end;
    this.#send({ type: 'ack', offset: end });
  }

  /** The device woke up or the network came back. */
  wake(): void {
    this.#socket.wake();
  }

  /** The way to the machine may be broken, and this socket need not notice: a terminal asks nothing that must be answered. */
  doubt(): void {
    if (this.#socket.phase === 'up') this.#socket.expect(DOUBT);
  }

  #open(): RawSocket {
    // Of a repaint that was cut short nothing is left to go on from.
    if (this.#painting > 0) this.#offset = null;
    this.#painting = 0;
    return this.#deps.open(helloQuery({ client: this.#deps.client, offset: this.#offset, ...this.#size }));
  }

  #onPhase(phase: SocketPhase): void {
    if (phase !== 'closed') this.phase.value = phase;
  }

  #send(command: TerminalCommand): void {
    if (this.#socket.phase === 'up') this.#socket.send(JSON.stringify(command));
  }

  #onText(text: string): void {
    const message = JSON.parse(text) as TerminalMessage;
    switch (message.type) {
      case 'attached':
        return this.#onAttached(message);
      case 'size':
        return this.#deps.onSize({ cols: message.cols, rows: message.rows });
      case 'input':
        this.#input.acknowledge(message.offset);
        return this.#flush();
      case 'exit':
        return this.#deps.onExit(message.code, message.signal);
    }
  }

  #onAttached({ cols, rows, reset, repaint, offset, input }: Extract<TerminalMessage, { type: 'attached' }>): void {
    if (reset) this.#deps.onReset({ cols, rows });
    else this.#deps.onSize({ cols, rows });
    this.#painting = repaint;
    this.#offset = this.#acknowledged = offset;
    if (this.#socket.phase === 'up') return; // in mid-connection only the screen begins again
    this.#input.resume(input);
    this.#socket.ready();
    this.#send({ type: 'size', ...this.#size });
    this.#flush();
  }

  #onOutput(bytes: Uint8Array): void {
    if (this.#painting > 0) {
      this.#painting -= bytes.length;
      return this.#deps.onBytes(bytes, null);
    }
    this.#offset! += bytes.length;
    this.#deps.onBytes(bytes, this.#offset);
  }

  /** Sends input as far as the window goes. */
  #flush(): void {
    if (this.#socket.phase === 'up') {
      for (let piece = this.#input.next(); piece; piece = this.#input.next()) this.#socket.send(piece);
    }
    this.unsent.value = this.#input.length;
  }
}

/** One terminal: its PTY, its output and its viewers. It lives until it is closed. */
import { Buffer } from 'node:buffer';
import type { Clock, Timer } from '../../core/clock.ts';
import { parseTerminalCommand, TERMINAL_CHUNK, TERMINAL_CLOSE, type TerminalHello } from '../../core/api/terminals.ts';
import type { TerminalInfo } from '../../core/api/terminals.ts';
import { InputLedger } from '../process/holder/input-ledger.ts';
import type { HostEvent, Welcome } from '../process/holder/protocol.ts';
import type { HostEvents, HostProcess } from './host-process.ts';
import { Resizer } from './resizer.ts';
import type { Repaint } from './screen.ts';
import { Scrollback } from './scrollback.ts';
import { type Mark, type Size, Viewer, type ViewerSocket } from './viewer.ts';

/** A viewer that acknowledges nothing for this long while output waits no longer pauses the program, ms. */
export const STALL_MS = 5000;
/** Marks that viewers behind may still have to be sent; an older size is overtaken by a newer one. */
const MAX_MARKS = 16;
/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008;

export interface TerminalOptions {
  id: string;
  name: string;
  agentId: string | null;
  command: string;
  /** Where it runs. */
  directory: string;
  size: Size;
  createdAt: number;
  clock: Clock;
  /** Starts its host, or finds it again. */
  openHost(events: HostEvents): HostProcess;
  /** Called when `info()` has changed. `isActivity`: only by output. */
  onChange(isActivity: boolean): void;
}

/** How the connection of a viewer reports to the terminal. */
export interface ViewerHandle {
  message(data: Uint8Array | string): void;
  drained(): void;
  closed(): void;
}

export class Terminal {
  readonly id: string;
  name: string;
  readonly started: Promise<void>;
  readonly gone: Promise<void>;
  readonly #options: TerminalOptions;
  readonly #clock: Clock;
  readonly #host: HostProcess;
  readonly #scrollback = new Scrollback();
  readonly #viewers = new Set<Viewer>();
  readonly #inputLedger = new InputLedger((client) => [...this.#viewers].some((viewer) => viewer.client === client));
  readonly #unpainted = new Set<Viewer>();
  #marks: Mark[] = [];
  #size: Size;
  readonly #resizer: Resizer;
  #stalling: Timer | null = null;
  #activeAt: number;
  /** What was written before is here when the output has come so far. */
  #caughtUpAt = 0;
  #exited: TerminalInfo['exited'] = null;
  #last: Repaint | null = null;
  #settle!: { started(): void; failed(error: Error): void; gone(): void };

  constructor(options: TerminalOptions) {
    const { id, name, size, clock } = options;
    this.id = id;
    this.name = name;
    this.#options = options;
    this.#clock = clock;
    this.#activeAt = clock.now();
    this.#size = size;
    this.#resizer = new Resizer(clock, this.#size, ({ cols, rows }) => this.#host.resize(cols, rows));
    let gone!: () => void;
    this.gone = new Promise((resolve) => gone = resolve);
    this.started = new Promise((started, failed) => this.#settle = { started, failed, gone });
    this.#host = options.openHost({
      onEvent: (event) => this.#onEvent(event),
      onGone: (text) => this.#onGone(text),
    });
  }

  info(): TerminalInfo {
    const { agentId, directory, command, createdAt } = this.#options;
    return {
      id: this.id,
      name: this.name,
      agentId,
      directory,
      command,
      ...this.#size,
      viewers: this.#viewers.size,
      createdAt,
      activeAt: this.#activeAt,
      exited: this.#exited,
      offset: this.#scrollback.end,
    };
  }

  #onEvent(event: HostEvent): void {
    switch (event.kind) {
      case 'welcome':
        return this.#onWelcome(event);
      case 'started':
        return this.#settle.started();
      case 'failed':
        return this.#settle.failed(new Error(event.text));
      case 'output':
        return this.#onOutput(event.bytes);
      case 'resized':
        this.#size = { cols: event.cols, rows: event.rows };
        this.#mark({ type: 'size', ...this.#size });
        return this.#options.onChange(false);
      case 'repainted':
        return this.#onRepaint(event);
      case 'consumed':
        return this.#onConsumed(event.bytes);
      case 'exit':
        this.#last = { offset: this.#scrollback.end, bytes: event.repaint };
        return this.#onExit(event.code, event.signal, event.at);
    }
  }

  /** A host that was there before this server: it goes on where it is. */
  #onWelcome({ pid, cols, rows, start, end, sizes, input }: Welcome): void {
    if (pid === null) return;
    this.#size = { cols, rows };
    this.#resizer.restart(this.#size);
    this.#scrollback.begin(start);
    this.#inputLedger.restore(input);
    this.#marks = sizes.map(({ at, ...size }) => ({ at, message: { type: 'size', ...size } }));
    this.#caughtUpAt = end;
    if (start === end) this.#settle.started();
  }

  #onOutput(bytes: Buffer): void {
    this.#scrollback.append(bytes);
    if (this.#scrollback.end >= this.#caughtUpAt) this.#settle.started();
    this.#activeAt = this.#clock.now();
    this.#pumpAll();
    this.#options.onChange(true);
  }

  #onConsumed(bytes: number): void {
    for (const [client, offset] of this.#inputLedger.taken(bytes)) {
      for (const viewer of this.#viewers) if (viewer.client === client) viewer.send({ type: 'input', offset });
    }
  }

  #onExit(code: number, signal: number, at: number): void {
    if (this.#exited) return;
    this.#exited = { code, signal, at };
    this.#resizer.close();
    this.#mark({ type: 'exit', code, signal });
    for (const viewer of this.#unpainted) this.#paint(viewer);
    this.#options.onChange(false);
  }

  /** The host process has ended: after an exit, or because it was killed. */
  #onGone(text: string): void {
    this.#settle.failed(new Error(text.trim() || 'its process ended'));
    this.#onExit(255, 0, this.#clock.now());
    this.#flow();
    this.#settle.gone();
  }

  // --- viewers ---

  attach(socket: ViewerSocket, hello: TerminalHello): ViewerHandle {
    const viewer = new Viewer(hello.client, socket, { cols: hello.cols, rows: hello.rows }, hello.active);
    for (const other of this.#viewers) {
      if (other.client !== hello.client) continue;
      this.#drop(other);
      other.socket.close(TERMINAL_CLOSE.replaced, 'This page has connected again.');
    }
    this.#viewers.add(viewer);
    const { offset } = hello;
    const isThere = offset !== null && offset >= this.#scrollback.start && offset <= this.#scrollback.end;
    if (isThere) this.#begin(viewer, offset, null);
    else this.#paint(viewer);
    this.#resizer.fit(this.#viewers);
    this.#pump(viewer);
    this.#flow();
    this.#options.onChange(false);
    return {
      message: (data) => this.#viewers.has(viewer) && this.#onMessage(viewer, data),
      drained: () => {
        viewer.drained();
        this.#pump(viewer);
      },
      closed: () => this.#drop(viewer) && this.#options.onChange(false),
    };
  }

  #drop(viewer: Viewer): boolean {
    if (!this.#viewers.delete(viewer)) return false;
    this.#unpainted.delete(viewer);
    this.#resizer.fit(this.#viewers);
    this.#flow();
    return true;
  }

  #onMessage(viewer: Viewer, data: Uint8Array | string): void {
    const isTaken = typeof data === 'string' ? this.#onCommand(viewer, data) : this.#onInput(viewer, data as Buffer);
    if (isTaken) return;
    this.#drop(viewer);
    viewer.socket.close(POLICY_VIOLATION, 'This message breaks the terminal protocol.');
  }

  #onCommand(viewer: Viewer, text: string): boolean {
    const command = parseTerminalCommand(text);
    if (command?.type === 'ack') {
      if (!viewer.ack(command.offset, this.#clock.monotonic())) return false;
      this.#pump(viewer);
      this.#flow();
    } else if (command) {
      viewer.size = { cols: command.cols, rows: command.rows };
      viewer.active = command.active;
      this.#resizer.fit(this.#viewers);
      this.#flow();
    }
    return command !== null;
  }

  #onInput(viewer: Viewer, bytes: Buffer): boolean {
    const { client } = viewer;
    if (bytes.length > TERMINAL_CHUNK || !this.#inputLedger.receive(client, bytes.length)) return false;
    this.#activeAt = this.#clock.now();
    if (this.#exited) this.#onConsumed(bytes.length);
    else this.#host.input(client, this.#inputLedger.received(client) ?? 0, bytes);
    return true;
  }

  // --- output ---

  #pumpAll(): void {
    for (const viewer of this.#viewers) this.#pump(viewer);
    this.#flow();
  }

  #pump(viewer: Viewer): void {
    if (!viewer.pump(this.#scrollback, this.#marks)) this.#paint(viewer);
  }

  #mark(message: Mark['message']): void {
    this.#marks = [...this.#marks, { at: this.#scrollback.end, message }].slice(-MAX_MARKS);
    this.#pumpAll();
  }

  /** Sends the screen as it is now; one request to the host serves all viewers that wait. */
  #paint(viewer: Viewer): void {
    viewer.detach();
    if (this.#exited) {
      return this.#sendPaint(viewer, this.#last ?? { offset: this.#scrollback.end, bytes: Buffer.alloc(0) });
    }
    this.#unpainted.add(viewer);
    if (this.#unpainted.size === 1) this.#host.repaint();
  }

  #begin(viewer: Viewer, offset: number, repaint: Buffer | null): void {
    const input = this.#inputLedger.received(viewer.client);
    viewer.attach({ offset, repaint, size: this.#size, input, marks: this.#marks });
  }

  #onRepaint(repaint: Repaint): void {
    for (const viewer of this.#unpainted) this.#sendPaint(viewer, repaint);
  }

  #sendPaint(viewer: Viewer, { offset, bytes }: Repaint): void {
    this.#unpainted.delete(viewer);
    const from = Math.max(offset, this.#scrollback.start);
    this.#begin(viewer, from, bytes);
    this.#pump(viewer);
    this.#flow();
  }

  /** The PTY is read while at least one active viewer keeps up, or none is active and not stalled. */
  #flow(): void {
    const awake = [...this.#viewers].filter((viewer) => viewer.active && !viewer.isStalled);
    const isPaused = !this.#exited && awake.length > 0 && !awake.some((viewer) => viewer.keepsUp(this.#scrollback.end));
    if (!isPaused) {
      this.#clock.clearTimeout(this.#stalling);
      this.#stalling = null;
      this.#host.resume();
    } else if (!this.#stalling) {
      this.#host.pause();
      const since = this.#clock.monotonic();
      this.#stalling = this.#clock.setTimeout(() => this.#giveUpOn(awake, since), STALL_MS);
    }
  }

  #giveUpOn(viewers: Viewer[], since: number): void {
    this.#stalling = null;
    for (const viewer of viewers) viewer.isStalled = viewer.progressAt <= since;
    this.#flow();
  }

  // --- the end ---

  /** Closes every viewer and ends the program with its whole session. Resolves when the host process has ended. */
  close(code: number, reason: string): Promise<void> {
    this.#closeViewers(code, reason);
    this.#host.hangup();
    return this.gone;
  }

  /** Closes every viewer; the program goes on, and the next server finds it. */
  detach(code: number, reason: string): void {
    this.#closeViewers(code, reason);
    this.#host.detach();
  }

  #closeViewers(code: number, reason: string): void {
    for (const viewer of this.#viewers) viewer.socket.close(code, reason);
    this.#viewers.clear();
    this.#unpainted.clear();
    this.#flow();
  }

  /** Replaces what the next server is to know of it. */
  describe(meta: Record<string, unknown>): void {
    this.#host.describe(meta);
  }
}

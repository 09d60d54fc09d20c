/**
 * The process that holds one PTY and its screen. It speaks host-protocol.ts over stdin and stdout and exits with the program,
 * or when the agent server ends. Each terminal has its own process because node-pty does not set close-on-exec on the PTY's
 * descriptor: in the server's process every CLI and every other terminal would inherit it and could type into it. It also
 * keeps the emulator's work out of the server's event loop.
 */
import type { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import process from 'node:process';
import { C1Filter } from './c1.ts';
import { encode, FrameReader, type HostCommand, type HostEvent, type Launch } from './host-protocol.ts';
import { Pty } from './pty.ts';
import { Screen } from './screen.ts';

/** Output that the emulator has not parsed yet, bytes: above it the PTY pauses. */
const MAX_BACKLOG = 256 * 1024;

class Host {
  // Not process.stdout: under Deno it blocks while the server does not read.
  readonly #out = new Socket({ fd: 1, readable: false, writable: true });
  #pty: Pty | null = null;
  #screen: Screen | null = null;
  #isStarting = false;
  readonly #c1 = new C1Filter();

  constructor() {
    this.#out.on('drain', () => this.#flow());
    this.#out.on('error', () => this.hangup()); // the server has ended
  }

  #emit(event: HostEvent): void {
    this.#out.write(encode(event));
  }

  command(command: HostCommand): void {
    switch (command.kind) {
      case 'start':
        return void this.#start(command.launch);
      case 'input':
        return this.#pty?.write(command.bytes, (bytes) => this.#emit({ kind: 'consumed', bytes }));
      case 'resize':
        return this.#resize(command.cols, command.rows);
      case 'repaint':
        return void this.#screen?.repaint().then((repaint) => this.#emit({ kind: 'repainted', ...repaint }));
      case 'hangup':
        return this.hangup();
    }
  }

  async #start(launch: Launch): Promise<void> {
    if (this.#isStarting) return;
    this.#isStarting = true;
    try {
      const pty = await Pty.open(launch, {
        output: (bytes) => this.#onOutput(bytes),
        exit: (code, signal) => void this.#onExit(code, signal),
      });
      this.#screen = new Screen(launch.cols, launch.rows, (reply) => pty.write(reply));
      this.#pty = pty;
      this.#emit({ kind: 'started', pid: pty.pid });
    } catch (error) {
      this.#emit({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
      this.#out.end(() => process.exit(1));
    }
  }

  #onOutput(output: Buffer): void {
    const bytes = this.#c1.filter(output);
    this.#emit({ kind: 'output', bytes });
    this.#screen?.write(bytes, () => this.#flow());
    this.#flow();
  }

  /** The PTY is read while both the server and the emulator keep up. */
  #flow(): void {
    const isBehind = this.#out.writableNeedDrain || (this.#screen?.backlog ?? 0) > MAX_BACKLOG;
    if (isBehind) this.#pty?.pause();
    else this.#pty?.resume();
  }

  #resize(cols: number, rows: number): void {
    this.#pty?.resize(cols, rows);
    this.#screen?.resize(cols, rows);
    this.#emit({ kind: 'resized', cols, rows });
  }

  async #onExit(code: number, signal: number): Promise<void> {
    const repaint = (await this.#screen!.repaint()).bytes;
    this.#emit({ kind: 'exit', code, signal, repaint });
    this.#out.end(() => process.exit(0));
  }

  /** Ends the program; without a program, this process. */
  hangup(): void {
    if (this.#pty) this.#pty.hangup();
    else process.exit(0);
  }
}

const host = new Host();
const reader = new FrameReader<HostCommand>((command) => host.command(command));
const input = new Socket({ fd: 0, readable: true, writable: false });
input.on('data', (chunk) => reader.push(chunk));
input.on('error', () => {});
// Closed when the server ends, even by SIGKILL.
input.on('close', () => host.hangup());

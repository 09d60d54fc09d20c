/**
 * The process that holds one PTY and its screen; it speaks frames (frame.ts) over stdin and stdout and ends with the
 * program, or when the agent goes away. One process a terminal, because node-pty does not mark the PTY's descriptor
 * close-on-exec: in the agent's own process every CLI and every other terminal would inherit it and could type into it. It
 * also keeps the emulator's work out of the agent's event loop.
 */
import type { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import process from 'node:process';
import { encode, FrameReader, type HostCommand, type HostEvent, type Launch } from './frame.ts';
import { Pty } from './pty.ts';
import { Screen } from './screen.ts';

/** Output that the screen has not taken in yet, bytes: above it the PTY pauses. */
const BACKLOG = 256 * 1024;

class Host {
  // Not process.stdout: that blocks under Deno while the agent does not read.
  readonly #out = new Socket({ fd: 1, readable: false, writable: true });
  #pty: Pty | null = null;
  #screen: Screen | null = null;
  #starting = false;

  constructor() {
    this.#out.on('drain', () => this.#flow());
    this.#out.on('error', () => this.hangup()); // The agent is gone.
  }

  #tell(event: HostEvent): void {
    this.#out.write(encode(event));
  }

  command(command: HostCommand): void {
    switch (command.kind) {
      case 'start':
        return void this.#start(command.launch);
      case 'input':
        return this.#pty?.write(command.bytes, (bytes) => this.#tell({ kind: 'consumed', bytes }));
      case 'resize':
        return this.#resize(command.cols, command.rows);
      case 'repaint':
        return void this.#screen?.repaint().then((repaint) => this.#tell({ kind: 'repainted', ...repaint }));
      case 'hangup':
        return this.hangup();
    }
  }

  async #start(launch: Launch): Promise<void> {
    if (this.#starting) return;
    this.#starting = true;
    try {
      const pty = await Pty.open(launch, {
        output: (bytes) => this.#onOutput(bytes),
        exit: (code, signal) => void this.#onExit(code, signal),
      });
      this.#screen = new Screen(launch.cols, launch.rows, (reply) => pty.write(reply));
      this.#pty = pty;
      this.#tell({ kind: 'started', pid: pty.pid });
    } catch (error) {
      this.#tell({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
      this.#out.end(() => process.exit(1));
    }
  }

  #onOutput(bytes: Buffer): void {
    this.#tell({ kind: 'output', bytes });
    this.#screen?.write(bytes, () => this.#flow());
    this.#flow();
  }

  /** The PTY runs while both the agent and the screen keep up. */
  #flow(): void {
    const isBehind = this.#out.writableNeedDrain || (this.#screen?.backlog ?? 0) > BACKLOG;
    if (isBehind) this.#pty?.pause();
    else this.#pty?.resume();
  }

  #resize(cols: number, rows: number): void {
    this.#pty?.resize(cols, rows);
    this.#screen?.resize(cols, rows);
    this.#tell({ kind: 'resized', cols, rows });
  }

  async #onExit(code: number, signal: number): Promise<void> {
    const repaint = (await this.#screen!.repaint()).bytes;
    this.#tell({ kind: 'exit', code, signal, repaint });
    this.#out.end(() => process.exit(0));
  }

  /** Ends the program; without one, this process. */
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
// The agent is gone, even if it was killed.
input.on('close', () => host.hangup());

/**
 * The process that holds one PTY and its screen: a holder (agent/process/holder/SPEC.md), which outlives the agent server. Each
 * terminal has its own process because node-pty does not set close-on-exec on the PTY's descriptor: in the server's process every
 * CLI and every other terminal would inherit it and could type into it. It also keeps the emulator's work out of the server's
 * event loop.
 */
import type { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { processIdentity } from '../process/identity.ts';
import { InputLedger, MAX_CLIENTS } from '../process/holder/input-ledger.ts';
import type { HostCommand, HostEvent, Launch, Meta, SizeMark, Welcome } from '../process/holder/protocol.ts';
import { HolderServer, LOOK_MS } from '../process/holder/server.ts';
import { C1Filter } from './c1.ts';
import { Pty } from './pty.ts';
import { Screen } from './screen.ts';
import { Scrollback } from './scrollback.ts';

/** Output that the emulator has not parsed yet, bytes: above it the PTY pauses. */
const MAX_BACKLOG = 256 * 1024;
/** Output is sent to a server that has come back in pieces of so many bytes. */
const PIECE = 64 * 1024;
/** Sizes that are remembered; an older one is overtaken by a newer one. */
const MAX_SIZES = 16;

class Host {
  readonly #server: HolderServer;
  #pty: Pty | null = null;
  #screen: Screen | null = null;
  #isStarting = false;
  readonly #c1 = new C1Filter();
  readonly #output = new Scrollback();
  /** More clients than a server counts: what it dropped may still be asked for. */
  readonly #input = new InputLedger(() => false, 4 * MAX_CLIENTS);
  #size = { cols: 80, rows: 24 };
  #sizes: SizeMark[] = [];
  #outputAt = 0;
  #exit: Extract<HostEvent, { kind: 'exit' }> | null = null;
  /** The program was asked to end: nobody has to be told how it did. */
  #isClosing = false;

  constructor(directory: string, id: string, idleMs: number) {
    this.#server = new HolderServer({
      directory,
      id,
      kind: 'terminal',
      idleMs,
      welcome: () => this.#welcome(),
      onConnected: () => this.#onConnected(),
      onDisconnected: () => this.#flow(),
      onCommand: (command) => this.#onCommand(command),
      onDrain: () => this.#flow(),
      isBusy: () => this.#isBusy(),
      onAbandoned: () => this.hangup(),
    });
  }

  listen(): Promise<void> {
    return this.#server.listen();
  }

  #welcome(): Omit<Welcome, 'version' | 'instance'> {
    return {
      pid: this.#pty?.pid ?? null,
      ...this.#size,
      start: this.#output.start,
      end: this.#output.end,
      sizes: this.#sizes,
      input: this.#input.snapshot(),
    };
  }

  #onConnected(): void {
    for (let at = this.#output.start; at < this.#output.end;) {
      const bytes = this.#output.read(at, PIECE);
      this.#server.emit({ kind: 'output', bytes });
      at += bytes.length;
    }
    if (this.#exit) this.#server.emit(this.#exit);
    this.#flow();
  }

  #onCommand(command: HostCommand): void {
    switch (command.kind) {
      case 'start':
        return void this.#start(command.launch, command.meta);
      case 'describe':
        return this.#server.describe(command.meta);
      case 'input':
        return this.#onInput(command.client, command.received, command.bytes);
      case 'resize':
        return this.#resize(command.cols, command.rows);
      case 'repaint':
        return void this.#screen?.repaint().then((repaint) => this.#server.emit({ kind: 'repainted', ...repaint }));
      case 'hangup':
        return this.hangup();
      case 'release':
        return this.#exit ? this.#leave() : undefined;
    }
  }

  async #start(launch: Launch, meta: Meta): Promise<void> {
    if (this.#isStarting) return;
    this.#isStarting = true;
    this.#size = { cols: launch.cols, rows: launch.rows };
    this.#server.describe(meta);
    try {
      const pty = await Pty.open(launch, {
        output: (bytes) => this.#onOutput(bytes),
        exit: (code, signal) => void this.#onExit(code, signal),
      });
      this.#screen = new Screen(launch.cols, launch.rows, (reply) => pty.write(reply));
      this.#pty = pty;
      this.#server.started(processIdentity(pty.pid));
      this.#server.emit({ kind: 'started', pid: pty.pid });
    } catch (error) {
      this.#server.emit({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
      this.#leave();
    }
  }

  /** Counted when it is here: the server that sent it may be gone before the program has read it. */
  #onInput(client: string, received: number, bytes: Buffer): void {
    this.#input.follow(client, received, bytes.length);
    const onTaken = (taken: number) => {
      this.#input.taken(taken);
      this.#server.emit({ kind: 'consumed', bytes: taken });
    };
    if (this.#exit) onTaken(bytes.length);
    else this.#pty?.write(bytes, onTaken);
  }

  #onOutput(output: Buffer): void {
    const bytes = this.#c1.filter(output);
    this.#output.append(bytes);
    this.#outputAt = performance.now();
    this.#server.emit({ kind: 'output', bytes });
    this.#screen?.write(bytes, () => this.#flow());
    this.#flow();
  }

  /** The PTY is read while both the emulator and the server, if there is one, keep up. */
  #flow(): void {
    const isBehind = this.#server.isBehind || (this.#screen?.backlog ?? 0) > MAX_BACKLOG;
    if (isBehind) this.#pty?.pause();
    else this.#pty?.resume();
  }

  #resize(cols: number, rows: number): void {
    this.#pty?.resize(cols, rows);
    this.#screen?.resize(cols, rows);
    this.#size = { cols, rows };
    this.#sizes = [...this.#sizes, { at: this.#output.end, cols, rows }].slice(-MAX_SIZES);
    this.#server.emit({ kind: 'resized', cols, rows });
  }

  async #onExit(code: number, signal: number): Promise<void> {
    const repaint = (await this.#screen!.repaint()).bytes;
    this.#exit = { kind: 'exit', code, signal, at: Date.now(), repaint };
    this.#server.emit(this.#exit);
    if (this.#isClosing) this.#leave();
  }

  /** It writes, or a shell runs something. */
  #isBusy(): boolean {
    if (!this.#pty || this.#exit) return false;
    return performance.now() - this.#outputAt < 2 * LOOK_MS || hasForegroundJob(this.#pty.pid);
  }

  #leave(): void {
    this.#server.close(() => process.exit(0));
  }

  /** Ends the program; without a program, this process. */
  hangup(): void {
    this.#isClosing = true;
    if (this.#pty && !this.#exit) this.#pty.hangup();
    else this.#leave();
  }
}

/** Whether a shell runs something: the group in the PTY's foreground is neither the leader's nor that of what it started. */
function hasForegroundJob(leader: number): boolean {
  try {
    const fields = (pid: number) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The name of the program (field 2) is in parentheses and may hold anything.
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
    };
    const foreground = fields(leader)[5]!;
    return foreground !== leader && fields(foreground)[1] !== leader;
  } catch {
    return false; // no /proc, or the group's first process is gone
  }
}

const [directory = '', id = '', idleMs = ''] = process.argv.slice(-3);
const host = new Host(directory, id, Number(idleMs));
// Whoever started it may be gone: then what it prints has no reader.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.on('SIGTERM', () => host.hangup());
host.listen().then(() => process.stdout.write('ready\n'), (error: Error) => {
  console.error(`its socket cannot be opened: ${error.message}`);
  process.exit(1);
});

/**
 * The process that holds one CLI and its pipes: a holder (SPEC.md). Output waits here, by offset, until a server has made it its own;
 * lines for the CLI carry keys, so that one that is sent again is written once.
 */
import { Buffer } from 'node:buffer';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import process from 'node:process';
import { PROCESS_MARK } from '../environment.ts';
import { type ProcessIdentity, processIdentity, signalGroup } from '../identity.ts';
import type { HostCommand, HostEvent, Launch, Meta, Welcome } from './protocol.ts';
import { HolderServer } from './server.ts';
import { Spool } from './spool.ts';
import { TurnWatch } from './turn-watch.ts';

/** Output is sent in pieces of so many bytes. */
const PIECE = 64 * 1024;
/**
 * Output that a connected server has not been sent, bytes: beyond it the CLI is not read. What lies here is older than the effect of a
 * stop, and the server has to work through all of it first.
 */
const MAX_AHEAD = 256 * 1024;
/** Keys that are remembered: far more than can be sent again. */
const MAX_KEYS = 10_000;
/** The newest keys that the next server is sent. */
const MAX_WELCOME_KEYS = 1000;
/** Bytes of stderr that the next server is sent. */
const MAX_STDERR = 4096;
/** Bytes for the CLI that may wait in this process: beyond it the server is not read. */
const MAX_INPUT = 1024 * 1024;
/** After the CLI has ended, how long a process that it left behind may hold its output open, ms. */
const DRAIN_MS = 500;
/** Without a server it is ended in steps: end of input, SIGTERM, SIGKILL, so far apart, ms. */
const STEP_MS = 5000;

class CliHolder {
  readonly #server: HolderServer;
  readonly #spool = new Spool();
  readonly #keys = new Set<string>();
  #child: ChildProcessWithoutNullStreams | null = null;
  #identity: ProcessIdentity | null = null;
  #stderr = '';
  /** Output up to here has been sent on this connection. */
  #sent = 0;
  readonly #turns = new TurnWatch();
  #ended: Extract<HostEvent, { kind: 'ended' }> | null = null;
  /** Since the last look at a CLI that has exited. */
  #wasHeldBack = false;
  #isClosing = false;

  constructor(directory: string, id: string, idleMs: number) {
    this.#server = new HolderServer({
      directory,
      id,
      kind: 'cli',
      idleMs,
      welcome: () => this.#welcome(),
      onConnected: () => this.#onConnected(),
      onDisconnected: () => this.#flow(),
      onCommand: (command) => this.#onCommand(command),
      onDrain: () => this.#pump(),
      isBusy: () => this.#turns.isTurning && this.#ended === null,
      onAbandoned: (why) => {
        console.error(why); // the server that is there says it
        this.end();
      },
    });
  }

  listen(): Promise<void> {
    return this.#server.listen();
  }

  #welcome(): Omit<Welcome, 'version' | 'instance'> {
    const { start, end } = this.#spool;
    const input = { counts: [], queue: [], hasDropped: false };
    const keys = [...this.#keys].slice(-MAX_WELCOME_KEYS);
    return { pid: this.#child?.pid ?? null, cols: 0, rows: 0, start, end, sizes: [], input, keys };
  }

  #onConnected(): void {
    if (this.#stderr) this.#server.emit({ kind: 'stderr', bytes: Buffer.from(this.#stderr, 'latin1') });
    this.#sent = this.#spool.start;
    this.#pump();
  }

  #onCommand(command: HostCommand): void {
    switch (command.kind) {
      case 'start':
        return this.#start(command.launch, command.meta);
      case 'line':
        return this.#onLine(command.key, command.bytes);
      case 'describe':
        return this.#describe(command.meta);
      case 'end':
        return void this.#child?.stdin.end();
      case 'ack':
        this.#spool.release(command.offset);
        return this.#flow();
      case 'hangup':
        return this.end();
      case 'release':
        return this.#ended ? this.#leave() : undefined;
    }
  }

  #start({ file, args, cwd, env }: Launch, meta: Meta): void {
    if (this.#child) return;
    this.#describe(meta);
    if (this.#isClosing) return; // it cannot be put on record: nobody would find it
    const failed = (error: NodeJS.ErrnoException) => {
      this.#server.emit({ kind: 'failed', text: error.message, code: error.code });
      this.#leave();
    };
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(file, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true, shell: false });
    } catch (error) {
      return failed(error as NodeJS.ErrnoException);
    }
    this.#child = child;
    child.on('error', (error) => child.pid === undefined && failed(error));
    if (child.pid === undefined) return;
    this.#identity = processIdentity(child.pid, env[PROCESS_MARK]);
    this.#server.started(this.#identity);
    this.#server.emit({ kind: 'started', pid: child.pid });
    this.#listen(child);
  }

  #describe(meta: Meta): void {
    this.#server.describe(meta);
    if (typeof meta.turnEnd === 'string') this.#turns.watchFor(meta.turnEnd);
  }

  #listen(child: ChildProcessWithoutNullStreams): void {
    child.stdin.on('error', () => {}); // EPIPE: the exit says more
    // A CLI that has ended takes no more: what the server says then must be read all the same.
    for (const event of ['drain', 'close']) child.stdin.on(event, () => this.#server.resume());
    child.stdout.on('data', (chunk: Buffer) => this.#onOutput(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('latin1')).slice(-MAX_STDERR);
      this.#server.emit({ kind: 'stderr', bytes: chunk });
      this.#flow();
    });
    child.on('exit', (code, signalName) => {
      const done = () => this.#onEnded(code, signalName);
      child.once('close', done);
      const look = () => {
        // What was held back until a moment ago is still in the pipe.
        const isLeft = this.#isHeldBack || this.#wasHeldBack;
        this.#wasHeldBack = false;
        if (isLeft) setTimeout(look, DRAIN_MS);
        else done();
      };
      setTimeout(look, DRAIN_MS);
    });
  }

  #onOutput(chunk: Buffer): void {
    this.#spool.append(chunk);
    this.#turns.output(chunk);
    this.#pump();
  }

  #pump(): void {
    while (this.#server.isConnected && !this.#server.isBehind && this.#sent < this.#spool.end) {
      const bytes = this.#spool.read(this.#sent, PIECE);
      this.#sent += bytes.length;
      this.#server.emit({ kind: 'output', bytes });
    }
    if (this.#ended && this.#server.isConnected && this.#sent === this.#spool.end) this.#server.emit(this.#ended);
    this.#flow();
  }

  /** There is no room for what the CLI says. */
  get #isHeldBack(): boolean {
    return this.#spool.isFull || this.#server.isConnected && this.#spool.end - this.#sent > MAX_AHEAD;
  }

  /** The CLI is read while there is room for what it says. */
  #flow(): void {
    if (this.#isHeldBack) {
      this.#wasHeldBack = true;
      this.#child?.stdout.pause();
    } else this.#child?.stdout.resume();
    if (this.#server.isBehind) this.#child?.stderr.pause();
    else this.#child?.stderr.resume();
  }

  #onLine(key: string, bytes: Buffer): void {
    if (key) this.#server.emit({ kind: 'taken', key });
    if (key && this.#keys.has(key)) return;
    if (key) this.#keys.add(key);
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
    if (key.startsWith('message ')) this.#turns.begun();
    const input = this.#child?.stdin;
    if (!input?.writable) return;
    input.write(bytes);
    if (input.writableLength > MAX_INPUT) this.#server.pause();
  }

  #onEnded(code: number | null, signalName: string | null): void {
    if (this.#ended) return;
    this.#ended = { kind: 'ended', code, signal: signalName };
    this.#pump();
    if (this.#isClosing) this.#leave();
  }

  #leave(): void {
    const { pid } = this.#child ?? {};
    if (pid !== undefined) signalGroup(pid, this.#identity, 'SIGKILL'); // a group outlives its leader
    this.#server.close(() => process.exit(0));
  }

  /** Ends the CLI as a server would, and itself. */
  end(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const { pid } = this.#child ?? {};
    if (pid === undefined || this.#ended) return this.#leave();
    this.#child!.stdin.end();
    this.#child!.stdout.resume();
    this.#child!.stderr.resume();
    setTimeout(() => signalGroup(pid, this.#identity, 'SIGTERM'), STEP_MS);
    setTimeout(() => signalGroup(pid, this.#identity, 'SIGKILL'), 2 * STEP_MS);
    setTimeout(() => this.#leave(), 3 * STEP_MS);
  }
}

const [directory = '', id = '', idleMs = ''] = process.argv.slice(-3);
const holder = new CliHolder(directory, id, Number(idleMs));
// Whoever started it may be gone: then what it prints has no reader.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
process.on('SIGTERM', () => holder.end());
holder.listen().then(() => process.stdout.write('ready\n'), (error: Error) => {
  console.error(`its socket cannot be opened: ${error.message}`);
  process.exit(1);
});

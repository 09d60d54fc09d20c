/** The server's end of a holder's socket: starts a holder or finds one again, sends it commands and reports its events. */
import type { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import type { Clock, Timer } from '../../../core/clock.ts';
import { isSameProcess, type ProcessIdentity, processIdentity, signal } from '../identity.ts';
import { encode, FrameReader, type HostCommand, type HostEvent, VERSIONS, type Welcome } from './protocol.ts';
import { ensureHolderDirectory, type HolderRecord, removeRecord, socketName } from './records.ts';
import { socketPath } from './socket-path.ts';

/** How long a holder may take until it can be reached, and until it answers, ms. */
const START_MS = 30_000;
const ANSWER_MS = 10_000;
/** Characters of a holder's stderr that are retained for the log. */
const MAX_STDERR = 2000;

/** A holder that is to be started. */
export interface HolderCommand {
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

export interface HolderClientOptions {
  /** Where its record and its socket are. */
  directory: string;
  id: string;
  clock: Clock;
  /** Starts it; or the record of one that runs. */
  source: HolderCommand | HolderRecord;
  /** Called for every event, in order; the welcome is the first. */
  onEvent(event: HostEvent): void;
  /** Called once, last, unless it was detached: there is no holder (any more). `text`: why, as far as it is known. */
  onGone(text: string): void;
}

export class HolderClient {
  readonly #options: HolderClientOptions;
  #child: ChildProcess | null = null;
  #process: ProcessIdentity | null = null;
  #socket: Socket | null = null;
  /** Commands that wait for the welcome; null: it has come. */
  #waiting: HostCommand[] | null = [];
  #timer: Timer | null = null;
  #isPaused = false;
  #isOver = false;
  #printed = '';

  constructor(options: HolderClientOptions) {
    this.#options = options;
    const { source } = options;
    if ('instance' in source) {
      this.#process = source.process;
      this.#connect();
    } else this.#start(source);
  }

  /** Bytes that the holder has not read yet. */
  get backlog(): number {
    return this.#socket?.writableLength ?? 0;
  }

  send(command: HostCommand): void {
    if (this.#isOver) return;
    if (this.#waiting) this.#waiting.push(command);
    else this.#socket?.write(encode(command));
  }

  /** Stops reading: the holder then stops reading its program. */
  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
  }

  /** Leaves the holder to the next server. */
  detach(): void {
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  /** Ends the holder at once, and takes it off the record. What it held is its owner's matter. */
  kill(): void {
    const { directory, id } = this.#options;
    if (this.#process) isSameProcess(this.#process) && signal(this.#process.pid, 'SIGKILL');
    else this.#child?.kill('SIGKILL');
    removeRecord(directory, id);
    this.#socket?.destroy();
  }

  #start({ args, cwd, env }: HolderCommand): void {
    const { directory, clock } = this.#options;
    try {
      ensureHolderDirectory(directory);
      // A session of its own: Ctrl-C on the server's console must reach only the server.
      const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      this.#child = child;
      this.#process = child.pid === undefined ? null : processIdentity(child.pid);
      child.on('error', (error) => this.#gone(error.message));
      child.once('exit', () => this.#socket ? undefined : this.#gone(this.#printed));
      child.stderr!.on('data', (chunk) => this.#printed = (this.#printed + chunk).slice(-MAX_STDERR));
      child.stdout!.once('data', () => {
        child.stdout!.destroy();
        this.#connect();
      });
      // The server does not wait for holders when it ends.
      child.unref();
      for (const pipe of [child.stdout, child.stderr]) (pipe as { unref?: () => void }).unref?.();
    } catch (error) {
      queueMicrotask(() => this.#gone((error as Error).message));
      return;
    }
    this.#timer = clock.setTimeout(() => this.#giveUp('it did not start in time'), START_MS);
  }

  #connect(): void {
    if (this.#isOver) return;
    const { directory, id, clock, onEvent } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => this.#giveUp('it does not answer'), ANSWER_MS);
    const address = socketPath(directory, socketName(id));
    const socket = connect(address.path);
    this.#socket = socket;
    const reader = new FrameReader<HostEvent>((event) => {
      if (this.#isOver) return;
      if (event.kind === 'welcome') this.#onWelcome(event);
      if (!this.#waiting) onEvent(event);
    });
    socket.on('connect', () => {
      address.close();
      socket.write(encode({ kind: 'hello', versions: [...VERSIONS] }));
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch {
        this.#giveUp('it does not speak our protocol');
      }
    });
    let failure = '';
    socket.on('error', (error) => failure = error.message);
    socket.on('close', () => {
      address.close();
      this.#gone(this.#printed.trim() || failure);
    });
    if (this.#isPaused) socket.pause();
  }

  #onWelcome({ version, instance }: Welcome): void {
    const { source, clock } = this.#options;
    clock.clearTimeout(this.#timer);
    if (version === 0) return this.#giveUp('it is of a version that this server does not know');
    if ('instance' in source && source.instance !== instance) return this.#giveUp('it is another one');
    for (const command of this.#waiting ?? []) this.#socket!.write(encode(command));
    this.#waiting = null;
  }

  /** A holder that cannot be used is ended: nobody else would. */
  #giveUp(why: string): void {
    this.#printed = why;
    this.kill();
    if (!this.#socket) this.#gone(why);
  }

  #gone(text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#options.onGone(text);
  }
}

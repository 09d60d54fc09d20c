/**
 * The holder's end of its socket: one server at a time, its record on disk, and how long it goes on without a server. What it holds,
 * a PTY or a CLI, is its owner's matter.
 */
import type { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { type ProcessIdentity, processIdentity } from '../identity.ts';
import { PROCESS_MARK } from '../environment.ts';
import {
  encode,
  FrameReader,
  type HostCommand,
  type HostEvent,
  type Meta,
  TAKEN_VERSION,
  VERSIONS,
  type Welcome,
} from './protocol.ts';
import { type HolderRecord, recordPath, removeRecord, socketName, writeRecord } from './records.ts';

/** How often a holder looks whether its record is there and a server has come, ms. */
export const LOOK_MS = 5000;
/** A holder that was given nothing to start for so long has lost its server, ms. */
const START_MS = 30_000;

export interface HolderServerOptions {
  directory: string;
  id: string;
  kind: string;
  /** How long it stays without a server and without work, ms; 0: for ever. */
  idleMs: number;
  welcome(): Omit<Welcome, 'version' | 'instance'>;
  /** A server has been welcomed: what it does not know yet is to be sent. */
  onConnected(): void;
  onDisconnected(): void;
  onCommand(command: HostCommand): void;
  /** The server reads again. */
  onDrain(): void;
  /** Its work would be cut off: it stays, however long no server comes. */
  isBusy(): boolean;
  /** Nobody will ask for it any more: it is to end what it holds, and itself. */
  onAbandoned(why: string): void;
}

export class HolderServer {
  readonly #options: HolderServerOptions;
  readonly #server: Server;
  readonly #record: HolderRecord;
  #socket: Socket | null = null;
  /** That was agreed upon with the server that is there; 0: none is. */
  #version = 0;
  #hasStarted = false;
  #isClosed = false;
  /** When there was last a server or work, monotonic. */
  #usedAt = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: HolderServerOptions) {
    this.#options = options;
    const { directory, id, kind } = options;
    const identity = processIdentity(process.pid, process.env[PROCESS_MARK] ?? '');
    this.#record = {
      version: 1,
      id,
      directory,
      kind,
      instance: randomUUID(),
      pid: process.pid,
      process: identity,
      child: null,
      meta: {},
    };
    this.#server = createServer((socket) => this.#onConnection(socket));
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Resolves when a server may connect. */
  listen(): Promise<void> {
    const { directory, id } = this.#options;
    // A short name in its own directory: a whole path may be too long for a socket.
    process.chdir(directory);
    process.umask(0o077);
    rmSync(socketName(id), { force: true });
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(socketName(id), () => {
        chmodSync(socketName(id), 0o600);
        this.#save();
        resolve();
      });
    });
  }

  get isConnected(): boolean {
    return this.#version > 0;
  }

  /** The server does not read as fast as it is sent to. */
  get isBehind(): boolean {
    return this.isConnected && this.#socket?.writableNeedDrain === true;
  }

  /** Without a server it is dropped: what must not get lost is in the welcome. */
  emit(event: HostEvent): void {
    if (event.kind === 'taken' && this.#version < TAKEN_VERSION) return; // a server of before does not know it
    if (this.isConnected) this.#socket?.write(encode(event));
  }

  /** Stops reading the server: it has sent more than can be handed over. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Puts the program on record: whoever finds the holder dead has to end it. */
  started(child: ProcessIdentity | null): void {
    this.#hasStarted = true;
    this.#record.child = child;
    this.#save();
  }

  describe(meta: Meta): void {
    this.#record.meta = meta;
    this.#save();
  }

  #save(): void {
    try {
      writeRecord(this.#options.directory, this.#record);
    } catch (error) {
      this.#options.onAbandoned(`its record cannot be written: ${(error as Error).message}`);
    }
  }

  #onConnection(socket: Socket): void {
    this.#drop();
    this.#socket = socket;
    const reader = new FrameReader<HostCommand>((command) => socket === this.#socket && this.#onCommand(command));
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch {
        socket.destroy(); // not our protocol
      }
    });
    socket.on('drain', () => socket === this.#socket && this.#options.onDrain());
    socket.on('error', () => {});
    socket.on('close', () => socket === this.#socket && this.#drop());
  }

  #drop(): void {
    const wasWelcomed = this.isConnected;
    this.#socket?.destroy();
    this.#socket = null;
    this.#version = 0;
    this.#usedAt = performance.now();
    if (wasWelcomed) this.#options.onDisconnected();
  }

  #onCommand(command: HostCommand): void {
    if (command.kind === 'hello') return this.#onHello(command.versions);
    if (this.isConnected) this.#options.onCommand(command);
    else this.#socket?.destroy();
  }

  #onHello(versions: number[]): void {
    const version = VERSIONS.find((entry) => versions.includes(entry)) ?? 0;
    this.#version = version;
    const { instance } = this.#record;
    this.#socket?.write(encode({ kind: 'welcome', ...this.#options.welcome(), version, instance }));
    if (this.isConnected) this.#options.onConnected();
  }

  #look(): void {
    const now = performance.now();
    if (this.isConnected || this.#options.isBusy()) this.#usedAt = now;
    if (!this.#isOnRecord()) return this.#options.onAbandoned('its record was taken away');
    const idleMs = this.#hasStarted ? this.#options.idleMs : START_MS;
    if (idleMs > 0 && now - this.#usedAt >= idleMs) this.#options.onAbandoned('no server came');
  }

  #isOnRecord(): boolean {
    const { directory, id } = this.#options;
    try {
      return readFileSync(recordPath(directory, id), 'utf8').includes(this.#record.instance);
    } catch (error) {
      return !['ENOENT', 'ENOTDIR'].includes((error as { code?: string }).code ?? '');
    }
  }

  /** Takes the record away, sends what is on its way and lets go of the socket. `done` may be called at once. */
  close(done: () => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#server.close();
    if (this.#isOnRecord()) removeRecord(this.#options.directory, this.#options.id);
    if (this.#socket && !this.#socket.destroyed) this.#socket.end(done);
    else done();
  }
}

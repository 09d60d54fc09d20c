/**
 * The receiving side: reads chunks from the stream, has them parsed and delivers messages. It stops reading while nobody
 * listens, while it is paused, or while a server's writes are over their mark, so that a client that sends and never reads
 * grows no buffer.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { detach } from '../buffers/detach.ts';
import { invokeCallback } from './callback.ts';
import { WebSocketError } from './errors.ts';
import type { FrameParser } from './parser.ts';

/** A string for a text message, else bytes (a Buffer) that the receiver may keep. */
export type Message = Uint8Array | string;

export interface SocketReaderOwner {
  /** Whether so much waits to be written that reading must stop. */
  backedUp(): boolean;
  /** Frames sent from here until `endTurn` are written together. */
  beginTurn(): void;
  endTurn(): void;
  /** Bytes have arrived. */
  received(): void;
  failed(error: WebSocketError): void;
  /** The peer has ended the stream. */
  ended(): void;
}

export class SocketReader {
  readonly #stream: Duplex;
  readonly #owner: SocketReaderOwner;
  readonly #parser: FrameParser;
  readonly #zeroCopy: boolean;
  /** Nobody else holds a socket's chunks; another stream may emit the very buffer that somebody wrote. */
  readonly #mayFree: boolean;
  #onMessage: ((data: Message) => void) | null = null;
  #waiters: ((message: Message | null) => void)[] = [];
  /** A message that arrived while nobody listened. */
  #undelivered: Message | null = null;
  /** Bytes not parsed yet. */
  #unparsed: Buffer | null = null;
  #started = false;
  #pumping = false;
  #paused = false;
  #flowing = true;
  #ended = false;
  /** Messages are dropped; control frames are still read. */
  #ignoring = false;
  /** All bytes are dropped. */
  #discarding = false;

  /** @param zeroCopy bytes of messages are valid only while they are delivered */
  constructor(stream: Duplex, parser: FrameParser, owner: SocketReaderOwner, zeroCopy: boolean) {
    this.#stream = stream;
    this.#parser = parser;
    this.#owner = owner;
    this.#zeroCopy = zeroCopy;
    this.#mayFree = zeroCopy && stream instanceof Socket;
  }

  /** Begins to read. */
  start(): void {
    this.#started = true;
    this.#stream.on('end', () => {
      this.#ended = true;
      this.pump();
    });
    this.#stream.on('data', (chunk: Uint8Array) => this.#arrived(chunk));
    this.#stream.resume();
    this.pump();
  }

  get onMessage(): ((data: Message) => void) | null {
    return this.#onMessage;
  }

  set onMessage(onMessage: ((data: Message) => void) | null) {
    this.#onMessage = onMessage;
    if (onMessage && this.#undelivered !== null) process.nextTick(() => this.pump());
  }

  /** Resolves to the next message; null when there will be none. */
  next(): Promise<Message | null> {
    const message = this.#undelivered;
    if (message === null && this.#ignoring) return Promise.resolve(null);
    if (message === null) return new Promise((resolve) => this.#waiters.push(resolve));
    this.#undelivered = null;
    this.pump();
    return Promise.resolve(message);
  }

  pause(): void {
    this.#paused = true;
    if (this.#pumping) this.#parser.stop();
    else this.#regulate();
  }

  resume(): void {
    this.#paused = false;
    this.pump();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Called by the MessageReader: one message is complete. */
  deliver(message: Message): void {
    if (this.#ignoring) return;
    if (this.#onMessage && this.#waiters.length === 0) {
      invokeCallback(this.#onMessage, message);
    } else {
      const retained = this.#zeroCopy && typeof message !== 'string' ? Buffer.from(message) : message;
      if (this.#waiters.length > 0) this.#waiters.shift()!(retained);
      else this.#undelivered = retained;
    }
    if (this.#blocked()) this.#parser.stop();
  }

  /** Drops messages from now on; control frames are still read. */
  ignoreMessages(): void {
    this.#ignoring = true;
    this.#paused = false;
    for (const waiter of this.#waiters.splice(0)) waiter(null);
    this.pump();
  }

  /** Drops all bytes from now on, until the stream ends. */
  ignoreBytes(): void {
    this.#discarding = true;
    this.#unparsed = null;
    if (this.#pumping) this.#parser.stop();
    this.ignoreMessages();
  }

  /** Parses and delivers as much as is allowed. Does nothing from within a delivery: the running pump sees the change. */
  pump(): void {
    if (this.#pumping || !this.#started) return;
    this.#pumping = true;
    do {
      this.#owner.beginTurn();
      while (!this.#blocked() && this.#advance());
      this.#owner.endTurn();
    } while (this.#unparsed && !this.#blocked());
    this.#pumping = false;
    if (this.#ended && !this.#unparsed && !this.#blocked()) {
      this.#ended = false;
      this.#owner.ended();
    }
    this.#regulate();
  }

  #arrived(chunk: Uint8Array): void {
    if (this.#discarding) return;
    const bytes = chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#unparsed = this.#unparsed ? Buffer.concat([this.#unparsed, bytes]) : bytes;
    this.#owner.received();
    this.pump();
  }

  #blocked(): boolean {
    if (this.#ignoring) return false;
    return this.#paused || (this.#undelivered !== null && !this.#onMessage) || this.#owner.backedUp();
  }

  /** One step: delivers the waiting message, else parses the waiting bytes. @returns false if there was neither */
  #advance(): boolean {
    const message = this.#undelivered;
    if (message !== null && this.#onMessage && !this.#ignoring) {
      this.#undelivered = null;
      invokeCallback(this.#onMessage, message);
      return true;
    }
    const bytes = this.#unparsed;
    if (!bytes) return false;
    this.#unparsed = null;
    this.#parse(bytes);
    return true;
  }

  #parse(bytes: Buffer): void {
    try {
      const used = this.#parser.push(bytes);
      if (this.#discarding) return;
      if (used === bytes.length) return void (this.#mayFree && detach(bytes));
      const rest = bytes.subarray(used);
      this.#unparsed = this.#unparsed ? Buffer.concat([rest, this.#unparsed]) : rest;
    } catch (error) {
      const known = error instanceof WebSocketError;
      this.#owner.failed(known ? error : new WebSocketError('WS_FAULT', 'an internal error', { cause: error }));
    }
  }

  #regulate(): void {
    const flow = !this.#blocked();
    if (flow === this.#flowing) return;
    this.#flowing = flow;
    if (flow) this.#stream.resume();
    else this.#stream.pause();
  }
}

/**
 * What comes in: takes chunks from the stream, has them parsed, and hands messages to whoever takes them. It reads no
 * further while there is no taker, while it is paused, or while a server's writes are over their mark, so that a client
 * that sends and never reads grows nothing.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { release } from '../release.ts';
import { callUser } from './callback.ts';
import { WebSocketError } from './errors.ts';
import type { FrameParser } from './parser.ts';

/** A string for a text message. Bytes (a Buffer) are the receiver's to keep. */
export type Message = Uint8Array | string;

export interface InboxOwner {
  /** Is so much waiting to be written that no more should be read? */
  backedUp(): boolean;
  /** Answers that are sent from here … */
  beginTurn(): void;
  /** … until here should go out together. */
  endTurn(): void;
  /** Bytes have come. */
  heard(): void;
  failed(error: WebSocketError): void;
  /** The peer sends no more bytes. */
  ended(): void;
}

export class Inbox {
  readonly #stream: Duplex;
  readonly #owner: InboxOwner;
  readonly #parser: FrameParser;
  readonly #lend: boolean;
  /** A socket's chunks are nobody else's; another stream may give what somebody wrote, as it is. */
  readonly #mayFree: boolean;
  #taker: ((data: Message) => void) | null = null;
  #readers: ((message: Message | null) => void)[] = [];
  /** A message that nobody was there to take. */
  #untaken: Message | null = null;
  /** Bytes not parsed yet. */
  #held: Buffer | null = null;
  #started = false;
  #pumping = false;
  #paused = false;
  #flowing = true;
  #ended = false;
  /** Messages are dropped. */
  #ignoring = false;
  /** Bytes are dropped. */
  #deaf = false;

  /** @param lend bytes of messages are only valid while they are delivered */
  constructor(stream: Duplex, parser: FrameParser, owner: InboxOwner, lend: boolean) {
    this.#stream = stream;
    this.#parser = parser;
    this.#owner = owner;
    this.#lend = lend;
    this.#mayFree = lend && stream instanceof Socket;
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

  get taker(): ((data: Message) => void) | null {
    return this.#taker;
  }

  set taker(taker: ((data: Message) => void) | null) {
    this.#taker = taker;
    if (taker && this.#untaken !== null) process.nextTick(() => this.pump());
  }

  /** The next message, null when there will be none. */
  next(): Promise<Message | null> {
    const message = this.#untaken;
    if (message === null && this.#ignoring) return Promise.resolve(null);
    if (message === null) return new Promise((resolve) => this.#readers.push(resolve));
    this.#untaken = null;
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

  /** For MessageReader: one message is complete. */
  deliver(message: Message): void {
    if (this.#ignoring) return;
    if (this.#taker && this.#readers.length === 0) {
      callUser(this.#taker, message);
    } else {
      const kept = this.#lend && typeof message !== 'string' ? Buffer.from(message) : message;
      if (this.#readers.length > 0) this.#readers.shift()!(kept);
      else this.#untaken = kept;
    }
    if (this.#blocked()) this.#parser.stop();
  }

  /** Messages are dropped from now on; control frames are still read. */
  ignoreMessages(): void {
    this.#ignoring = true;
    this.#paused = false;
    for (const reader of this.#readers.splice(0)) reader(null);
    this.pump();
  }

  /** Bytes are dropped from now on, until the stream ends. */
  ignoreBytes(): void {
    this.#deaf = true;
    this.#held = null;
    if (this.#pumping) this.#parser.stop();
    this.ignoreMessages();
  }

  /** Parses and delivers as far as it may. Does nothing from within a delivery: the pump that runs sees the change. */
  pump(): void {
    if (this.#pumping || !this.#started) return;
    this.#pumping = true;
    do {
      this.#owner.beginTurn();
      while (!this.#blocked() && this.#advance());
      this.#owner.endTurn();
    } while (this.#held && !this.#blocked());
    this.#pumping = false;
    if (this.#ended && !this.#held && !this.#blocked()) {
      this.#ended = false;
      this.#owner.ended();
    }
    this.#regulate();
  }

  #arrived(chunk: Uint8Array): void {
    if (this.#deaf) return;
    const bytes = chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#held = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#owner.heard();
    this.pump();
  }

  #blocked(): boolean {
    if (this.#ignoring) return false;
    return this.#paused || (this.#untaken !== null && !this.#taker) || this.#owner.backedUp();
  }

  /** One step: the message that waits, else the bytes that wait. @returns false if there was neither */
  #advance(): boolean {
    const message = this.#untaken;
    if (message !== null && this.#taker && !this.#ignoring) {
      this.#untaken = null;
      callUser(this.#taker, message);
      return true;
    }
    const bytes = this.#held;
    if (!bytes) return false;
    this.#held = null;
    this.#parse(bytes);
    return true;
  }

  #parse(bytes: Buffer): void {
    try {
      const used = this.#parser.push(bytes);
      if (this.#deaf) return;
      if (used === bytes.length) return void (this.#mayFree && release(bytes));
      const rest = bytes.subarray(used);
      this.#held = this.#held ? Buffer.concat([rest, this.#held]) : rest;
    } catch (error) {
      const known = error instanceof WebSocketError;
      this.#owner.failed(known ? error : new WebSocketError('WS_FAULT', 'a fault of this side', { cause: error }));
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

/**
 * One WebSocket over any Duplex, after the opening handshake. This file owns the states; bytes come in through reader.ts
 * (parsed in parser.ts and message.ts) and go out through writer.ts.
 *
 *   open ── close() or a peer's Close ──▶ closing ── stream closed ──▶ closed
 *     └──────── failure, stream ended ───────┘
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock, type Timer } from '../clock.ts';
import { type DeflateParams, type Deflater, deflaterFor, type DeflateTuning, inflaterFor } from './deflate.ts';
import { invokeCallback } from './callback.ts';
import { WebSocketError } from './errors.ts';
import { BINARY, CLOSE, closePayload, FIN, MAX_CONTROL, PING, PONG, RSV1, TEXT } from './frame.ts';
import { Heartbeat, type HeartbeatActions, type HeartbeatOptions } from './heartbeat.ts';
import { type Message, SocketReader, type SocketReaderOwner } from './reader.ts';
import { type Limits, withDefaults } from './limits.ts';
import { MessageReader, type MessageSink, NO_CODE } from './message.ts';
import { FrameWriter, type FrameWriterOwner } from './writer.ts';
import { FrameParser } from './parser.ts';

export interface ConnectionOptions {
  role: 'server' | 'client';
  /** The subprotocol agreed upon. */
  protocol?: string;
  /** permessage-deflate as agreed upon. */
  deflate?: DeflateParams | null;
  tuning?: DeflateTuning;
  limits?: Partial<Limits>;
  heartbeat?: HeartbeatOptions;
  clock?: Clock;
  /**
   * Memory is reused or freed at once: bytes passed to `onmessage` are valid only during the call, and bytes passed to
   * `send` belong to the connection. For users that create bytes only to send them and decode messages on arrival.
   */
  zeroCopy?: boolean;
}

export type { Message } from './reader.ts';

export interface Closed {
  /** The peer's close code, 1005 if it gave none, 1006 if there was no closing handshake. */
  code: number;
  reason: string;
}

/** RFC 6455 §7.1.5: there was no closing handshake. */
const ABNORMAL = 1006;
const NORMAL = 1000;

export class Connection implements AsyncIterable<Message> {
  /** The negotiated subprotocol; '' if there is none. */
  readonly protocol: string;
  /** The negotiated permessage-deflate parameters, or null. */
  readonly deflate: DeflateParams | null;
  /** Why the connection failed: a message was refused, the peer was lost, and so on. */
  error: WebSocketError | null = null;

  /** Called when the buffer is below its mark again after `send` returned false. */
  ondrain: (() => void) | null = null;
  /** Called once, last. */
  onclose: ((code: number, reason: string) => void) | null = null;
  /** The data is valid only during the call. */
  onpong: ((data: Buffer) => void) | null = null;

  readonly #stream: Duplex;
  readonly #role: 'server' | 'client';
  readonly #limits: Readonly<Limits>;
  readonly #highWater: number;
  readonly #clock: Clock;
  readonly #messages: MessageReader;
  readonly #reader: SocketReader;
  readonly #writer: FrameWriter;
  readonly #deflater: Deflater | null;
  readonly #heartbeat: Heartbeat | null;
  #timer: Timer | null = null;

  #state: 'open' | 'closing' | 'closed' = 'open';
  #closeCode = ABNORMAL;
  #closeReason = '';
  #closed: Promise<Closed> | null = null;
  #resolveClosed: ((closed: Closed) => void) | null = null;
  #drainWanted = false;
  #drainWaiters: (() => void)[] | null = null;

  /**
   * @param stream already past the handshake; belongs to the connection from now on, and so does every chunk it emits.
   * Reading starts in a later turn of the event loop, so that a caller that awaited the connection can set its callbacks.
   */
  constructor(stream: Duplex, options: ConnectionOptions) {
    const { role, protocol = '', deflate = null, clock = systemClock } = options;
    this.protocol = protocol;
    this.deflate = deflate;
    this.#stream = stream;
    this.#role = role;
    this.#clock = clock;
    this.#limits = withDefaults(options.limits);
    // A stream never emits `drain` below its own mark.
    this.#highWater = Math.max(this.#limits.highWater, stream.writableHighWaterMark);
    const events = new Connection.#Events(this);
    const { zeroCopy = false } = options;
    const inflater = deflate && inflaterFor(role, deflate);
    this.#messages = new MessageReader(events, this.#limits, clock, inflater, zeroCopy);
    const parser = new FrameParser(role, this.#messages, { rsv1: deflate !== null });
    this.#writer = new FrameWriter(stream, role === 'client', zeroCopy, events);
    this.#reader = new SocketReader(stream, parser, events, zeroCopy);
    this.#deflater = deflate && deflaterFor(role, deflate, options.tuning);
    this.#heartbeat = options.heartbeat ? new Heartbeat(options.heartbeat, events, clock) : null;
    stream.on('error', (error) => this.#destroy(new WebSocketError('WS_SOCKET', error.message, { cause: error })));
    setImmediate(() => this.#start());
  }

  get state(): 'open' | 'closing' | 'closed' {
    return this.#state;
  }

  /** Resolves when the connection is closed; never rejects. */
  get closed(): Promise<Closed> {
    return this.#closed ??= new Promise((resolve) => {
      if (this.#state === 'closed') resolve({ code: this.#closeCode, reason: this.#closeReason });
      else this.#resolveClosed = resolve;
    });
  }

  /** Bytes of one message: `limits.message` until it is set, e.g. while the peer is a stranger. Applies from the next frame on. */
  get maxMessage(): number {
    return this.#messages.maxMessage;
  }

  set maxMessage(bytes: number) {
    this.#messages.maxMessage = bytes;
  }

  /** Bytes accepted by `send` and not yet handed to the operating system. */
  get bufferedAmount(): number {
    return this.#writer.size;
  }

  /**
   * Receives each message: a string for text, else a Buffer that belongs to the receiver (nothing changes it afterwards; a
   * short one may be a view of a larger chunk), unless the connection is `zeroCopy`. Messages wait until there is a listener.
   */
  set onmessage(listener: ((data: Message) => void) | null) {
    this.#reader.onMessage = listener;
  }

  get onmessage(): ((data: Message) => void) | null {
    return this.#reader.onMessage;
  }

  /**
   * Sends one message, text or binary. Bytes must not be changed before they are written (see `drained`, and `zeroCopy`).
   * @param tail bytes that follow those of `data` in the same message
   * @returns false if the buffer is over its mark (wait for `ondrain` or `drained`) or the connection is no longer open
   */
  send(data: Uint8Array, tail: Uint8Array): boolean;
  send(data: Uint8Array | string): boolean;
  send(data: Uint8Array | string, tail?: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    if (this.#writer.size > this.#limits.backlog) {
      this.#destroy(new WebSocketError('WS_BACKLOG', 'the peer does not read what it is sent'));
      return false;
    }
    const text = typeof data === 'string';
    const first = text ? FIN | TEXT : FIN | BINARY;
    if (this.#deflater && data.length >= this.#deflater.threshold) {
      const bytes = text ? Buffer.from(data) : data;
      this.#writer.frame(first | RSV1, this.#deflater.compress(tail ? Buffer.concat([bytes, tail]) : bytes));
    } else if (text) this.#writer.text(first, data);
    else this.#writer.frame(first, data, tail);
    if (this.#writer.size <= this.#highWater) return true;
    this.#drainWanted = true;
    return false;
  }

  /** Resolves when the buffer is not over its mark, or the connection is closed. */
  drained(): Promise<void> {
    if (this.#state === 'closed' || this.#writer.size <= this.#highWater) return Promise.resolve();
    this.#drainWanted = true;
    return new Promise((resolve) => (this.#drainWaiters ??= []).push(resolve));
  }

  /** @param data at most 125 bytes */
  ping(data: Uint8Array = NOTHING): void {
    if (data.length > MAX_CONTROL) throw new RangeError(`A ping carries at most ${MAX_CONTROL} bytes`);
    if (this.#state === 'open') this.#writer.frame(FIN | PING, data);
  }

  /** Stops delivering messages; the peer is blocked once the buffers in between are full. Its pings wait, too. */
  pause(): void {
    if (this.#state !== 'open') return;
    this.#heartbeat?.hold(true);
    this.#reader.pause();
  }

  resume(): void {
    this.#heartbeat?.hold(false);
    this.#reader.resume();
  }

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2). No further message is delivered.
   * @param code 1000-1003, 1007-1014 or 3000-4999
   * @param reason at most 123 bytes of UTF-8
   */
  close(code: number = NORMAL, reason = ''): void {
    const payload = closePayload(code, reason);
    if (this.#state !== 'open') return;
    this.#sendClose(payload);
    this.#arm(
      this.#limits.closeHandshakeMs,
      new WebSocketError('WS_CLOSE_TIMEOUT', 'the peer did not answer the Close frame'),
    );
    this.#reader.ignoreMessages();
  }

  /** Destroys the connection now. */
  terminate(): void {
    this.#destroy(null);
  }

  /** Ends when the connection is closed; throws if it failed. Leaving the loop closes the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, void> {
    try {
      for (let message = await this.#reader.next(); message !== null; message = await this.#reader.next()) {
        yield message;
      }
      if (this.error) throw this.error;
    } finally {
      this.close();
    }
  }

  /**
   * The events of the connection's parts, kept off its public surface. One object with methods instead of closures: each
   * closure would cost memory on thousands of connections.
   */
  static readonly #Events = class implements SocketReaderOwner, FrameWriterOwner, MessageSink, HeartbeatActions {
    readonly #of: Connection;

    constructor(of: Connection) {
      this.#of = of;
    }

    /** Only a server stops reading: if both sides did, two peers that are backed up would wait for each other. */
    backedUp(): boolean {
      return this.#of.#role === 'server' && this.#of.#writer.size > this.#of.#highWater;
    }
    beginTurn(): void {
      this.#of.#writer.cork();
    }
    endTurn(): void {
      this.#of.#writer.uncork();
    }
    received(): void {
      this.#of.#heartbeat?.seen();
    }
    failed(error: WebSocketError): void {
      this.#of.#fail(error);
    }
    ended(): void {
      this.#of.#peerEnded();
    }
    flushed(): void {
      this.#of.#checkDrained();
    }

    message(data: Buffer | string): void {
      this.#of.#reader.deliver(data);
    }
    ping(data: Buffer): void {
      if (this.#of.#state === 'open') this.#of.#writer.frame(FIN | PONG, data);
    }
    pong(data: Buffer): void {
      invokeCallback(this.#of.onpong, data);
    }
    close(code: number, reason: string): void {
      this.#of.#peerClosed(code, reason);
    }

    silent(): void {
      this.#of.ping();
    }
    dead(): void {
      this.#of.#destroy(new WebSocketError('WS_DEAD', 'the peer is silent'));
    }
  };

  #start(): void {
    if (this.#stream.destroyed) return this.#finish();
    this.#stream.on('close', () => this.#finish());
    this.#stream.on('drain', () => {
      this.#heartbeat?.seen();
      this.#checkDrained();
      this.#reader.pump();
    });
    this.#reader.start();
  }

  #checkDrained(): void {
    if (!this.#drainWanted || this.#writer.size > this.#highWater) return;
    this.#drainWanted = false;
    this.#wakeWaiters();
    invokeCallback(this.ondrain, undefined);
  }

  #wakeWaiters(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = null;
    for (const resolve of waiters ?? []) resolve();
  }

  #sendClose(payload: Buffer): void {
    this.#state = 'closing';
    this.#heartbeat?.stop();
    this.#writer.frame(FIN | CLOSE, payload);
  }

  /** §7.1.4, §7.1.1: both Close frames have been exchanged; the server ends the stream first. */
  #peerClosed(code: number, reason: string): void {
    this.#closeCode = code;
    this.#closeReason = reason;
    if (this.#state === 'open') this.#sendClose(code === NO_CODE ? NOTHING : closePayload(code, ''));
    this.#reader.ignoreBytes();
    this.#startCloseTimeout(this.#role === 'server');
  }

  /** The stream ended; without Close frames this is a failure. */
  #peerEnded(): void {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#heartbeat?.stop();
      this.error = new WebSocketError('WS_SOCKET', 'the peer ended the connection without a Close frame');
    }
    this.#reader.ignoreBytes();
    this.#startCloseTimeout(true);
  }

  /** §7.1.7: sends the peer the reason and keeps reading for a moment, because a reset would overtake the Close frame. */
  #fail(error: WebSocketError): void {
    if (this.#state !== 'open') return this.#destroy(error);
    this.error = error;
    this.#sendClose(closePayload(error.closeCode, error.message));
    this.#reader.ignoreBytes();
    this.#startCloseTimeout(true);
  }

  #startCloseTimeout(end: boolean): void {
    if (end) this.#writer.end();
    this.#arm(this.#limits.closeTimeoutMs, null);
  }

  /** Destroys the stream after `ms`. There is never more than one such timer. */
  #arm(ms: number, error: WebSocketError | null): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#destroy(error), ms);
  }

  #destroy(error: WebSocketError | null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closing';
    this.#heartbeat?.stop();
    if (this.#closeCode === ABNORMAL) this.error ??= error;
    this.#writer.discard();
    this.#reader.ignoreBytes();
    this.#stream.destroy();
  }

  #finish(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#clock.clearTimeout(this.#timer);
    this.#heartbeat?.stop();
    this.#writer.discard();
    this.#reader.ignoreBytes();
    this.#wakeWaiters();
    const closed = { code: this.#closeCode, reason: this.#closeReason };
    this.#resolveClosed?.(closed);
    invokeCallback(({ code, reason }) => this.onclose?.(code, reason), closed);
  }
}

const NOTHING = Buffer.alloc(0);

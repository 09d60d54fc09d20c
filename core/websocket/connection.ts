/**
 * One WebSocket over any Duplex, after the opening handshake. This file owns the states;
 * bytes come in through inbox.ts (parsed in parser.ts and message.ts) and go out through outbox.ts.
 *
 *   open ── close() or a peer's Close ──▶ closing ── stream closed ──▶ closed
 *     └──────── failure, stream ended ───────┘
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock, type Timer } from '../clock.ts';
import type { MessageSocket } from '../tunnel/socket.ts';
import { type DeflateParams, type Deflater, deflaterFor, type DeflateTuning, inflaterFor } from './deflate.ts';
import { callUser } from './callback.ts';
import { WebSocketError } from './errors.ts';
import { BINARY, CLOSE, closePayload, FIN, MAX_CONTROL, PING, PONG, RSV1, TEXT } from './frame.ts';
import { Heartbeat, type HeartbeatActions, type HeartbeatOptions } from './heartbeat.ts';
import { Inbox, type InboxOwner, type Message } from './inbox.ts';
import { type Limits, withDefaults } from './limits.ts';
import { MessageReader, type MessageSink, NO_CODE } from './message.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
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
   * Memory is used again or freed at once: bytes given to `onmessage` are only valid during the call, and bytes given to
   * `send` belong to the connection. For who makes bytes only to send them, and decodes what comes as it comes.
   */
  recycle?: boolean;
}

export type { Message } from './inbox.ts';

export interface Closed {
  /** The peer's close code, 1005 if it gave none, 1006 if there was no closing handshake. */
  code: number;
  reason: string;
}

/** RFC 6455 §7.1.5: there was no closing handshake. */
const ABNORMAL = 1006;
const NORMAL = 1000;

export class Connection implements MessageSocket, AsyncIterable<Message> {
  /** '' if none was agreed upon. */
  readonly protocol: string;
  /** permessage-deflate as agreed upon, or null. */
  readonly deflate: DeflateParams | null;
  /** After a message was refused, the peer was lost …: why. */
  error: WebSocketError | null = null;

  /** `send` gave false and the buffer is below its mark again. */
  ondrain: (() => void) | null = null;
  /** Once, last. */
  onclose: ((code: number, reason: string) => void) | null = null;
  /** The data is only valid during the call. */
  onpong: ((data: Buffer) => void) | null = null;

  readonly #stream: Duplex;
  readonly #role: 'server' | 'client';
  readonly #limits: Readonly<Limits>;
  readonly #highWater: number;
  readonly #clock: Clock;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
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
   * @param stream already past the handshake; belongs to the connection from now on, and so does every chunk it gives.
   * Reading starts in a later turn of the event loop, so that whoever awaited the connection can set its callbacks.
   */
  constructor(stream: Duplex, options: ConnectionOptions) {
    const { role, protocol = '', deflate = null, clock = systemClock } = options;
    this.protocol = protocol;
    this.deflate = deflate;
    this.#stream = stream;
    this.#role = role;
    this.#clock = clock;
    this.#limits = withDefaults(options.limits);
    // Below its own mark a stream never says that it has drained.
    this.#highWater = Math.max(this.#limits.highWater, stream.writableHighWaterMark);
    const events = new Connection.#Events(this);
    const { recycle = false } = options;
    const reader = new MessageReader(events, this.#limits, clock, deflate && inflaterFor(role, deflate), recycle);
    const parser = new FrameParser(role, reader, { rsv1: deflate !== null });
    this.#outbox = new Outbox(stream, role === 'client', recycle, events);
    this.#inbox = new Inbox(stream, parser, events, recycle);
    this.#deflater = deflate && deflaterFor(role, deflate, options.tuning);
    this.#heartbeat = options.heartbeat ? new Heartbeat(options.heartbeat, events, clock) : null;
    stream.on('error', (error) => this.#destroy(new WebSocketError('WS_SOCKET', error.message, { cause: error })));
    setImmediate(() => this.#start());
  }

  get state(): 'open' | 'closing' | 'closed' {
    return this.#state;
  }

  /** Fulfilled, never rejected, when the connection is gone. */
  get closed(): Promise<Closed> {
    return this.#closed ??= new Promise((resolve) => {
      if (this.#state === 'closed') resolve({ code: this.#closeCode, reason: this.#closeReason });
      else this.#resolveClosed = resolve;
    });
  }

  /** Bytes accepted by `send` and not yet handed to the operating system. */
  get bufferedAmount(): number {
    return this.#outbox.size;
  }

  /**
   * Takes each message: a string for text, else a Buffer that is the receiver's to keep (nothing touches it afterwards;
   * a short one may lie in a larger chunk), unless the connection was made to `recycle`. Messages wait until there is a taker.
   */
  set onmessage(taker: ((data: Message) => void) | null) {
    this.#inbox.taker = taker;
  }

  get onmessage(): ((data: Message) => void) | null {
    return this.#inbox.taker;
  }

  /**
   * Sends one message, text or binary. Bytes must not be changed before they are written (see `drained`, and `recycle`).
   * @param tail bytes behind those of `data`, in the same message
   * @returns false: the buffer is over its mark, wait for `ondrain` or `drained`; or the connection is not open any more
   */
  send(data: Uint8Array, tail: Uint8Array): boolean;
  send(data: Uint8Array | string): boolean;
  send(data: Uint8Array | string, tail?: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    if (this.#outbox.size > this.#limits.backlog) {
      this.#destroy(new WebSocketError('WS_BACKLOG', 'the peer does not read what it is sent'));
      return false;
    }
    const text = typeof data === 'string';
    const first = text ? FIN | TEXT : FIN | BINARY;
    if (this.#deflater && data.length >= this.#deflater.threshold) {
      const bytes = text ? Buffer.from(data) : data;
      this.#outbox.frame(first | RSV1, this.#deflater.compress(tail ? Buffer.concat([bytes, tail]) : bytes));
    } else if (text) this.#outbox.text(first, data);
    else this.#outbox.frame(first, data, tail);
    if (this.#outbox.size <= this.#highWater) return true;
    this.#drainWanted = true;
    return false;
  }

  /** Fulfilled when the buffer is not over its mark, or the connection is gone. */
  drained(): Promise<void> {
    if (this.#state === 'closed' || this.#outbox.size <= this.#highWater) return Promise.resolve();
    this.#drainWanted = true;
    return new Promise((resolve) => (this.#drainWaiters ??= []).push(resolve));
  }

  /** @param data at most 125 bytes */
  ping(data: Uint8Array = NOTHING): void {
    if (data.length > MAX_CONTROL) throw new RangeError(`A ping carries at most ${MAX_CONTROL} bytes`);
    if (this.#state === 'open') this.#outbox.frame(FIN | PING, data);
  }

  /** Stops delivering messages; the peer is held up once the buffers between are full. Its pings wait, too. */
  pause(): void {
    if (this.#state !== 'open') return;
    this.#heartbeat?.hold(true);
    this.#inbox.pause();
  }

  resume(): void {
    this.#heartbeat?.hold(false);
    this.#inbox.resume();
  }

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2). No message is delivered from now on.
   * @param code 1000-1003, 1007-1014 or 3000-4999
   * @param reason at most 123 bytes of UTF-8
   */
  close(code: number = NORMAL, reason = ''): void {
    const payload = closePayload(code, reason);
    if (this.#state !== 'open') return;
    this.#sendClose(payload);
    this.#arm(this.#limits.closeMs, new WebSocketError('WS_CLOSE_TIMEOUT', 'the peer did not answer the Close frame'));
    this.#inbox.ignoreMessages();
  }

  /** Destroys the connection now. */
  terminate(): void {
    this.#destroy(null);
  }

  /** Ends when the connection is closed, throws if it failed. Leaving the loop closes the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, void> {
    try {
      for (let message = await this.#inbox.next(); message !== null; message = await this.#inbox.next()) yield message;
      if (this.error) throw this.error;
    } finally {
      this.close();
    }
  }

  /**
   * What the parts of a connection call, kept off its public surface. One object with methods, not closures: thousands of
   * connections pay for each.
   */
  static readonly #Events = class implements InboxOwner, OutboxOwner, MessageSink, HeartbeatActions {
    readonly #of: Connection;

    constructor(of: Connection) {
      this.#of = of;
    }

    /** Only a server holds its reading back: if both sides did, two that are backed up would wait for each other. */
    backedUp(): boolean {
      return this.#of.#role === 'server' && this.#of.#outbox.size > this.#of.#highWater;
    }
    beginTurn(): void {
      this.#of.#outbox.cork();
    }
    endTurn(): void {
      this.#of.#outbox.uncork();
    }
    heard(): void {
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
      this.#of.#inbox.deliver(data);
    }
    ping(data: Buffer): void {
      if (this.#of.#state === 'open') this.#of.#outbox.frame(FIN | PONG, data);
    }
    pong(data: Buffer): void {
      callUser(this.#of.onpong, data);
    }
    close(code: number, reason: string): void {
      this.#of.#peerClosed(code, reason);
    }

    silent(): void {
      this.#of.ping();
    }
    dead(): void {
      this.#of.#destroy(new WebSocketError('WS_DEAD', 'the peer has not been heard of'));
    }
  };

  #start(): void {
    if (this.#stream.destroyed) return this.#finish();
    this.#stream.on('close', () => this.#finish());
    this.#stream.on('drain', () => {
      this.#heartbeat?.seen();
      this.#checkDrained();
      this.#inbox.pump();
    });
    this.#inbox.start();
  }

  #checkDrained(): void {
    if (!this.#drainWanted || this.#outbox.size > this.#highWater) return;
    this.#drainWanted = false;
    this.#wakeWaiters();
    callUser(this.ondrain, undefined);
  }

  #wakeWaiters(): void {
    const waiters = this.#drainWaiters;
    this.#drainWaiters = null;
    for (const resolve of waiters ?? []) resolve();
  }

  #sendClose(payload: Buffer): void {
    this.#state = 'closing';
    this.#heartbeat?.stop();
    this.#outbox.frame(FIN | CLOSE, payload);
  }

  /** §7.1.4, §7.1.1: both Close frames are exchanged; the server ends the stream first. */
  #peerClosed(code: number, reason: string): void {
    this.#closeCode = code;
    this.#closeReason = reason;
    if (this.#state === 'open') this.#sendClose(code === NO_CODE ? NOTHING : closePayload(code, ''));
    this.#inbox.ignoreBytes();
    this.#linger(this.#role === 'server');
  }

  /** The stream ended; without Close frames that is a fault. */
  #peerEnded(): void {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#heartbeat?.stop();
      this.error = new WebSocketError('WS_SOCKET', 'the peer ended the connection without a Close frame');
    }
    this.#inbox.ignoreBytes();
    this.#linger(true);
  }

  /** §7.1.7: tells the peer why, and goes on reading for a moment, for a reset would overtake the Close frame. */
  #fail(error: WebSocketError): void {
    if (this.#state !== 'open') return this.#destroy(error);
    this.error = error;
    this.#sendClose(closePayload(error.closeCode, error.message));
    this.#inbox.ignoreBytes();
    this.#linger(true);
  }

  #linger(end: boolean): void {
    if (end) this.#outbox.end();
    this.#arm(this.#limits.lingerMs, null);
  }

  /** Destroys the stream after that time. There is never more than one such timer. */
  #arm(ms: number, error: WebSocketError | null): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#destroy(error), ms);
  }

  #destroy(error: WebSocketError | null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closing';
    this.#heartbeat?.stop();
    if (this.#closeCode === ABNORMAL) this.error ??= error;
    this.#outbox.discard();
    this.#inbox.ignoreBytes();
    this.#stream.destroy();
  }

  #finish(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#clock.clearTimeout(this.#timer);
    this.#heartbeat?.stop();
    this.#outbox.discard();
    this.#inbox.ignoreBytes();
    this.#wakeWaiters();
    const closed = { code: this.#closeCode, reason: this.#closeReason };
    this.#resolveClosed?.(closed);
    callUser(({ code, reason }) => this.onclose?.(code, reason), closed);
  }
}

const NOTHING = Buffer.alloc(0);

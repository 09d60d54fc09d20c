/**
 * One tunnel over one message socket, from the first handshake byte to the last: proves the token, seals records, keeps the
 * heartbeat and owns the mux. Every timer is cleared and the socket is closed when `onClose` is called, which happens once.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { type Clock, systemClock, type Timer } from '../clock.ts';
import { TYPE, WireError } from './frame.ts';
import { Heartbeat } from './heartbeat.ts';
import { Mux, type OpenHead } from './mux.ts';
import { CLOSE, DRAIN_MS, HANDSHAKE_MS, MAX_HANDSHAKE, MAX_RECORD, REKEY_MS, REKEY_RECORDS } from './limits.ts';
import { type Channel, Handshake } from './secure.ts';
import type { MessageSocket } from './socket.ts';
import type { Stream } from './stream.ts';

export interface Hello {
  name: string;
  version: string;
}

export interface SessionEnd {
  /** One of CLOSE, or what the socket said; 1006 when it just broke. */
  code: number;
  /** For logs. */
  reason: string;
  /** The peer said so in a sealed BYE, so nobody on the way can have made it up. */
  proven: boolean;
  /** The token had been proven on both sides before. */
  established: boolean;
  /** This side ended it. */
  local: boolean;
  /** This machine had just slept: the line as it was is gone. */
  slept: boolean;
}

export interface SessionOptions {
  socket: MessageSocket;
  role: 'machine' | 'relay';
  /** tokenKey(token). */
  psk: Uint8Array;
  hello: Hello;
  clock?: Clock;
  prologue?: Uint8Array;
  /** Only for the machine: the relay opened a stream. */
  onOpen?: (stream: Stream, head: OpenHead) => void;
  /** The token is proven both ways; streams may run. */
  onEstablished: (peer: Hello) => void;
  /** The peer asks for no new streams. */
  onGoaway?: () => void;
  onClose: (end: SessionEnd) => void;
}

/** The socket may take this long for the closing handshake after BYE. */
const CLOSE_MS = 1_000;
const MAX_NAME = 200;

export class Session {
  readonly #options: SessionOptions;
  readonly #socket: MessageSocket;
  readonly #clock: Clock;
  readonly #handshake: Handshake;
  readonly #mux: Mux;
  #channel: Channel | null = null;
  #phase: 'handshake' | 'hello' | 'open' | 'closed' = 'handshake';
  #timers = new Map<string, Timer>();
  #end: SessionEnd | null = null;
  #onDrained: (() => void) | null = null;

  #keyedAt = 0;
  readonly #heartbeat: Heartbeat;
  #saidGoaway = false;

  /** Payload bytes of records, both ways. */
  bytesIn = 0;
  bytesOut = 0;
  /** Neither side opens streams any more. */
  draining = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#clock = options.clock ?? systemClock;
    const machine = options.role === 'machine';
    this.#handshake = new Handshake({ initiator: machine, psk: options.psk, prologue: options.prologue });
    this.#mux = new Mux({
      opener: !machine,
      send: (record) => this.#sendRecord(record),
      room: () => this.#heartbeat.pace.room,
      share: () => this.#heartbeat.pace.share(),
      probe: (bytes) => this.#heartbeat.sending(bytes),
      schedule: (flush, crowded) => void (crowded ? setImmediate(flush) : process.nextTick(flush)),
      onOpen: options.onOpen,
      onControl: (type, payload) => this.#onControl(type, payload),
      onIdle: () => this.#onDrained?.(),
    });
    this.#heartbeat = new Heartbeat(this.#clock, {
      ping: (payload) => this.#mux.control(TYPE.ping, payload),
      dead: () => this.#fail(CLOSE.timeout, 'no heartbeat'),
    });
    this.#socket.onmessage = (data) => this.#onMessage(data);
    this.#socket.ondrain = () => this.#mux.unblock();
    this.#socket.onclose = (code, reason) => this.#closed({ code, reason });
    this.#timer('handshake', HANDSHAKE_MS, () => this.#fail(CLOSE.timeout, 'no proof in time'));
    if (machine) this.#socket.send(this.#handshake.write());
  }

  /** Streams that are open now. */
  get streams(): number {
    return this.#mux.size;
  }
  get established(): boolean {
    return this.#phase === 'open';
  }
  /** Clock.monotonic() of the last record. */
  get lastSeen(): number {
    return this.#heartbeat.lastSeen;
  }
  /** Of the last heartbeat, ms. */
  get rttMs(): number | null {
    return this.#heartbeat.rttMs;
  }

  /** Only for the relay: a new stream, whose head the caller sends at once. null: no tunnel, draining, or at the limit. */
  open(): Stream | null {
    return this.established && !this.draining ? this.#mux.open() : null;
  }

  /** Refuses new streams, lets the running ones finish for up to `graceMs`, then says BYE. Resolves when closed. */
  async drain(graceMs = DRAIN_MS): Promise<void> {
    if (this.#phase === 'open' && !this.#saidGoaway) {
      this.#saidGoaway = this.draining = true;
      this.#mux.control(TYPE.goaway, Buffer.alloc(0));
      if (this.#mux.size > 0 && graceMs > 0) {
        await new Promise<void>((resolve) => {
          this.#onDrained = resolve;
          this.#timer('drain', graceMs, resolve);
        });
      }
    }
    await this.close(CLOSE.shutdown, 'shutting down');
  }

  /** Says BYE, sealed, and closes. Streams that still run are lost. Resolves when closed. */
  close(code: number, reason: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#phase === 'closed') return resolve();
      const done = this.#options.onClose;
      this.#options.onClose = (end) => {
        done(end);
        resolve();
      };
      this.#fail(code, reason);
    });
  }

  // ---- records

  #onMessage(data: Uint8Array | string): void {
    try {
      if (typeof data === 'string') throw new WireError('text message');
      this.#heartbeat.seen();
      if (this.#channel) return this.#onRecord(data);
      if (data.length > MAX_HANDSHAKE) throw new WireError('handshake message too long');
      this.#onHandshake(data);
    } catch (error) {
      const refused = this.#channel === null && this.#options.role === 'relay';
      this.#fail(refused ? CLOSE.refused : CLOSE.failed, error instanceof Error ? error.message : String(error), '');
    }
  }
  #onHandshake(message: Uint8Array): void {
    this.#handshake.read(message);
    if (!this.#handshake.done) this.#socket.send(this.#handshake.write());
    this.#channel = this.#handshake.split();
    this.#keyedAt = this.#clock.monotonic();
    this.#phase = 'hello';
    if (this.#options.role === 'machine') this.#sayHello();
  }
  #onRecord(sealed: Uint8Array): void {
    const { receive } = this.#channel!;
    if (sealed.length > MAX_RECORD || receive.records >= REKEY_RECORDS) throw new WireError('record over its limit');
    const record = receive.open(sealed);
    this.bytesIn += record.length;
    this.#mux.receive(record);
  }
  #sendRecord(record: Buffer): boolean {
    const { send } = this.#channel!;
    const due = send.records >= REKEY_RECORDS - 2 || this.#clock.monotonic() - this.#keyedAt >= REKEY_MS;
    const free = this.#sendSealed(record);
    if (!due) return free;
    this.#keyedAt = this.#clock.monotonic();
    const freeStill = this.#sendSealed(Buffer.from([TYPE.rekey, 0, 0, 0, 0, 0, 0, 0]));
    send.rekey();
    return free && freeStill;
  }
  #sendSealed(record: Buffer): boolean {
    const { body, tag } = this.#channel!.send.seal(record);
    this.bytesOut += record.length;
    return this.#socket.send(body, tag);
  }

  // ---- frames of stream 0

  #sayHello(): void {
    const { name, version } = this.#options.hello;
    this.#mux.control(TYPE.hello, Buffer.from(JSON.stringify({ name, version })));
  }
  #onControl(type: number, payload: Buffer): void {
    if (this.#phase === 'hello' && type !== TYPE.hello) throw new WireError('HELLO must come first');
    switch (type) {
      case TYPE.hello:
        return this.#onHello(payload);
      case TYPE.ping:
        if (payload.length !== 8) throw new WireError('PING is 8 bytes');
        return this.#mux.control(TYPE.pong, Buffer.from(payload), true);
      case TYPE.pong:
        return this.#onPong(payload);
      case TYPE.rekey:
        return this.#channel!.receive.rekey();
      case TYPE.goaway:
        return this.#onGoaway();
      case TYPE.bye:
        return this.#onBye(payload);
      default:
        throw new WireError('unknown frame type');
    }
  }
  #onHello(payload: Buffer): void {
    if (this.#phase !== 'hello') throw new WireError('HELLO only once');
    const hello = JSON.parse(payload.toString()) as Partial<Record<string, unknown>>;
    const text = (value: unknown) => typeof value === 'string' ? value.slice(0, MAX_NAME) : '';
    this.#phase = 'open';
    this.#stop('handshake');
    if (this.#options.role === 'relay') this.#sayHello();
    this.#heartbeat.start();
    this.#options.onEstablished({ name: text(hello.name), version: text(hello.version) });
  }
  #onPong(payload: Buffer): void {
    if (!this.#heartbeat.pong(payload)) throw new WireError('PONG without its PING');
    this.#mux.roomAgain();
  }
  #onGoaway(): void {
    if (this.draining) return;
    this.draining = true;
    this.#options.onGoaway?.();
  }
  #onBye(payload: Buffer): void {
    if (payload.length < 2) throw new WireError('BYE without a code');
    this.#end = {
      code: payload.readUInt16BE(0),
      reason: payload.toString('utf8', 2, 2 + MAX_NAME),
      proven: true,
      established: this.established,
      local: false,
      slept: this.#heartbeat.slept,
    };
    this.#socket.close(this.#end.code, '');
    this.#closed(this.#end);
  }

  // ---- the end

  /**
   * Ends the tunnel from this side: BYE when there is a channel for it, then the closing handshake, then by force.
   * @param told what the peer is told; of its own mistakes nothing
   */
  #fail(code: number, reason: string, told = reason): void {
    if (this.#phase === 'closed') return;
    if (this.#phase === 'open') {
      const bye = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(told)]);
      this.#mux.farewell(TYPE.bye, bye);
    }
    this.#end = {
      code,
      reason,
      proven: false,
      established: this.established,
      local: true,
      slept: this.#heartbeat.slept,
    };
    this.#socket.close(code, '');
    this.#closed(this.#end);
  }
  #closed(end: { code: number; reason: string }): void {
    if (this.#phase === 'closed') return;
    const established = this.established;
    this.#phase = 'closed';
    this.#heartbeat.stop();
    for (const name of [...this.#timers.keys()]) this.#stop(name);
    this.#mux.destroy();
    const socket = this.#socket;
    const timer = this.#clock.setTimeout(() => socket.terminate(), CLOSE_MS);
    socket.onmessage = socket.ondrain = null;
    socket.onclose = () => this.#clock.clearTimeout(timer);
    if (!this.#end) {
      socket.onclose = null;
      this.#clock.clearTimeout(timer);
    }
    this.#onDrained?.();
    const reason = end.reason || faultOf(socket);
    const slept = this.#heartbeat.slept;
    this.#options.onClose(this.#end ?? { ...end, reason, proven: false, established, local: false, slept });
  }

  #timer(name: string, ms: number, action: () => void): void {
    this.#stop(name);
    this.#timers.set(name, this.#clock.setTimeout(action, ms));
  }
  #stop(name: string): void {
    this.#clock.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

/** For the log: what this side did wrong, if it was that. */
function faultOf({ error }: MessageSocket): string {
  if (error?.code !== 'WS_FAULT') return '';
  const { cause } = error;
  return `a fault of this side: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}`;
}

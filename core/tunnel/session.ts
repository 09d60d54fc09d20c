/**
 * One tunnel over one message socket, from the first handshake byte to the last: proves the token, seals records, runs the
 * heartbeat and owns the mux. `onClose` is called once; every timer is cleared and the socket is closed by then.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { type Clock, systemClock, type Timer } from '../clock.ts';
import { TunnelProtocolError, TYPE } from './frame.ts';
import { TunnelHeartbeat } from './heartbeat.ts';
import { Mux, type OpenHead } from './mux.ts';
import {
  CLOSE,
  DRAIN_MS,
  HANDSHAKE_MS,
  HANDSHAKE_SIZE,
  MAX_RECORD,
  MAX_UNPROVEN,
  REKEY_MS,
  REKEY_RECORDS,
} from './limits.ts';
import { type Channel, Handshake } from './noise.ts';
import { decodeHello, encodeHello, type Hello } from './hello.ts';
import type { MessageSocket } from './socket.ts';
import type { Stream } from './stream.ts';

export interface TunnelSessionEnd {
  /** One of CLOSE, or the socket's close code; 1006 when the connection broke. */
  code: number;
  /** For logs. */
  reason: string;
  /** The peer sent this in a sealed BYE, so nobody on the path can have forged it. */
  proven: boolean;
  /** Both sides had proven the token before. */
  established: boolean;
  /** This side ended the tunnel. */
  local: boolean;
  /** This machine had just slept: the network connection is likely gone. */
  slept: boolean;
}

export interface TunnelSessionOptions {
  socket: MessageSocket;
  role: 'machine' | 'relay';
  /** tokenKey(token). */
  psk: Uint8Array;
  /** A function, of the relay only: answers the machine's; null refuses the machine as if it had not proven the token. */
  hello: Hello | ((machine: Hello) => Hello | null);
  clock?: Clock;
  prologue?: Uint8Array;
  /** Machine only: the relay opened a stream. */
  onOpen?: (stream: Stream, head: OpenHead) => void;
  /** Both sides have proven the token; streams may run. */
  onEstablished: (peer: Hello) => void;
  /** The peer asks for no new streams. */
  onGoaway?: () => void;
  onClose: (end: TunnelSessionEnd) => void;
}

/** Time that the socket has for the closing handshake after BYE, ms. */
const CLOSE_MS = 1_000;
/** Bytes of a reason in BYE that are read. */
const MAX_REASON = 200;

export class TunnelSession {
  readonly #options: TunnelSessionOptions;
  readonly #socket: MessageSocket;
  readonly #clock: Clock;
  readonly #handshake: Handshake;
  readonly #mux: Mux;
  #channel: Channel | null = null;
  #phase: 'handshake' | 'hello' | 'open' | 'closed' = 'handshake';
  #timers = new Map<string, Timer>();
  #end: TunnelSessionEnd | null = null;
  #onDrained: (() => void) | null = null;

  #keyedAt = 0;
  readonly #heartbeat: TunnelHeartbeat;
  #sentGoaway = false;

  /** Plaintext bytes of the records of each direction. */
  bytesIn = 0;
  bytesOut = 0;
  /** Neither side opens further streams. */
  draining = false;

  constructor(options: TunnelSessionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#clock = options.clock ?? systemClock;
    const machine = options.role === 'machine';
    this.#handshake = new Handshake({ initiator: machine, psk: options.psk, prologue: options.prologue });
    this.#mux = new Mux({
      opener: !machine,
      send: (record) => this.#sendRecord(record),
      sendBudget: () => this.#heartbeat.congestion.sendBudget,
      onInteractive: () => this.#heartbeat.congestion.noteInteractive(),
      probe: (bytes) => this.#heartbeat.sending(bytes),
      schedule: (flush, crowded) => void (crowded ? setImmediate(flush) : process.nextTick(flush)),
      onOpen: options.onOpen,
      onControl: (type, payload) => this.#onControl(type, payload),
      onIdle: () => this.#onDrained?.(),
    });
    this.#heartbeat = new TunnelHeartbeat(this.#clock, {
      ping: (payload) => this.#mux.control(TYPE.ping, payload),
      dead: () => this.#fail(CLOSE.timeout, 'no heartbeat'),
    }, { follows: !machine });
    this.#socket.maxMessage = MAX_UNPROVEN;
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
  /** Round trip of the last heartbeat, ms. */
  get rttMs(): number | null {
    return this.#heartbeat.rttMs;
  }

  /** Relay only: opens a stream, whose head the caller sends at once. Returns null without a tunnel, while draining and at the limit. */
  open(): Stream | null {
    return this.established && !this.draining ? this.#mux.open() : null;
  }

  /** Refuses new streams, lets running ones finish for up to `graceMs`, then sends BYE. Resolves when closed. */
  async drain(graceMs = DRAIN_MS): Promise<void> {
    if (this.#phase === 'open' && !this.#sentGoaway) {
      this.#sentGoaway = this.draining = true;
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

  /** Sends BYE, sealed, and closes. Streams that still run are lost. Resolves when closed. */
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
      if (typeof data === 'string') throw new TunnelProtocolError('text message');
      this.#heartbeat.seen();
      if (this.#channel) return this.#onRecord(data);
      this.#onHandshake(data);
    } catch (error) {
      const refused = this.#channel === null && this.#options.role === 'relay';
      this.#fail(refused ? CLOSE.refused : CLOSE.failed, error instanceof Error ? error.message : String(error), '');
    }
  }
  #onHandshake(message: Uint8Array): void {
    if (message.length !== HANDSHAKE_SIZE) throw new TunnelProtocolError('handshake message of another length');
    this.#handshake.read(message);
    if (!this.#handshake.done) this.#socket.send(this.#handshake.write());
    this.#channel = this.#handshake.split();
    this.#keyedAt = this.#clock.monotonic();
    this.#phase = 'hello';
    if (this.#options.role === 'relay') return; // The machine's message may be a replay: its HELLO cannot be.
    this.#socket.maxMessage = MAX_RECORD;
    if (typeof this.#options.hello === 'object') this.#sendHello(this.#options.hello);
  }
  #onRecord(sealed: Uint8Array): void {
    const { receive } = this.#channel!;
    if (sealed.length > this.#socket.maxMessage || receive.records >= REKEY_RECORDS) {
      throw new TunnelProtocolError('record over its limit');
    }
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

  #sendHello(hello: Hello): void {
    this.#mux.control(TYPE.hello, encodeHello(hello, this.#options.role));
  }
  #onControl(type: number, payload: Buffer): void {
    if (this.#phase === 'hello' && type !== TYPE.hello) throw new TunnelProtocolError('HELLO must come first');
    switch (type) {
      case TYPE.hello:
        return this.#onHello(payload);
      case TYPE.ping:
        if (payload.length !== 8) throw new TunnelProtocolError('PING is 8 bytes');
        this.#mux.control(TYPE.pong, Buffer.from(payload), true);
        return this.#heartbeat.pinged();
      case TYPE.pong:
        return this.#onPong(payload);
      case TYPE.rekey:
        return this.#channel!.receive.rekey();
      case TYPE.goaway:
        return this.#onGoaway();
      case TYPE.bye:
        return this.#onBye(payload);
      default:
        throw new TunnelProtocolError('unknown frame type');
    }
  }
  #onHello(payload: Buffer): void {
    if (this.#phase !== 'hello') throw new TunnelProtocolError('HELLO only once');
    const { hello: own, role } = this.#options;
    const peer = decodeHello(payload, role);
    const answer = typeof own === 'function' ? own(peer) : own;
    if (!answer) return this.#fail(CLOSE.refused, 'the machine was not admitted', '');
    this.#phase = 'open';
    this.#socket.maxMessage = MAX_RECORD;
    this.#stop('handshake');
    if (role === 'relay') this.#sendHello(answer);
    this.#heartbeat.start();
    this.#options.onEstablished(peer);
  }
  #onPong(payload: Buffer): void {
    if (!this.#heartbeat.pong(payload)) throw new TunnelProtocolError('PONG without its PING');
    this.#mux.resumeBulk();
  }
  #onGoaway(): void {
    if (this.draining) return;
    this.draining = true;
    this.#options.onGoaway?.();
  }
  #onBye(payload: Buffer): void {
    if (payload.length < 2) throw new TunnelProtocolError('BYE without a code');
    this.#end = {
      code: payload.readUInt16BE(0),
      reason: payload.toString('utf8', 2, 2 + MAX_REASON),
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
   * Ends the tunnel from this side: BYE if the tunnel is open, then the closing handshake, then by force.
   * @param sent the reason in BYE; empty for the peer's own violations
   */
  #fail(code: number, reason: string, sent = reason): void {
    if (this.#phase === 'closed') return;
    if (this.#phase === 'open') {
      const bye = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(sent)]);
      this.#mux.sendGoodbye(TYPE.bye, bye);
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

/** For the log: this side's internal error, if one closed the socket. */
function faultOf({ error }: MessageSocket): string {
  if (error?.code !== 'WS_FAULT') return '';
  const { cause } = error;
  return `an internal error: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}`;
}

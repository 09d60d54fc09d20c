/**
 * The connections of each session, so that they end with it, and all WebSockets, so that they end with the relay: by a close
 * frame that says why; everything else by ending the connection. The relay passes WebSocket bytes on unread; only frame
 * lengths are followed, to know where a close frame may stand.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import type { HttpResponse } from '../core/http/types.ts';
import type { Session } from '../core/auth/sessions.ts';

/** Close code of a WebSocket whose session has ended (LIVE_CLOSE.signedOut of core/wire/live.ts). */
export const SIGNED_OUT = 4401;
/** Close code of every WebSocket when the relay goes down (LIVE_CLOSE.restart). */
export const RESTARTS = 4503;
/** How long a frame that is under way may take to end, and the browser to answer the close frame, ms. */
const CLOSE_MS = 1000;

/** Ends one connection. */
type End = () => void;
/** Ends one WebSocket. */
type Close = (code: number, reason: string) => void;

export class Revocable {
  readonly #clock: Clock;
  /** Session id → its connections. A connection belongs to the session of its latest request. */
  readonly #connections = new Map<string, Map<Socket, End>>();
  readonly #ownerOf = new WeakMap<Socket, string>();
  readonly #webSockets = new Map<Socket, Close>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The session's connections end; what was written to them before is still sent. */
  end(session: Session): void {
    for (const end of [...this.#connections.get(session.id)?.values() ?? []]) end();
  }

  /** The relay goes down: WebSockets have no end of their own that one could wait for. */
  endWebSockets(): void {
    for (const close of [...this.#webSockets.values()]) close(RESTARTS, 'The server is restarting.');
  }

  /** A request of this session came over this connection. */
  request(session: Session, socket: Socket): void {
    if (this.#ownerOf.get(socket) === session.id) return;
    this.#own(session, socket, () => {
      socket.destroySoon();
      this.#destroyLate(socket);
    });
  }

  /** The response with an `upgrade` whose WebSocket ends with the session, if there is one, and with the relay. */
  upgrade(session: Session | null, socket: Socket, res: HttpResponse): void {
    const upgrade = res.upgrade.bind(res);
    res.upgrade = (headers) => {
      const stream = upgrade(headers);
      const sayClose = closable(socket);
      const close: Close = (code, reason) => {
        sayClose(code, reason);
        this.#destroyLate(socket);
      };
      this.#webSockets.set(socket, close);
      socket.once('close', () => this.#webSockets.delete(socket));
      if (session) this.#own(session, socket, () => close(SIGNED_OUT, 'signed out'));
      return stream;
    };
  }

  #own(session: Session, socket: Socket, end: End): void {
    const before = this.#ownerOf.get(socket);
    if (before === undefined) socket.once('close', () => this.#disown(socket));
    else this.#disown(socket);
    this.#ownerOf.set(socket, session.id);
    let own = this.#connections.get(session.id);
    if (!own) this.#connections.set(session.id, own = new Map());
    own.set(socket, end);
  }

  #disown(socket: Socket): void {
    const id = this.#ownerOf.get(socket)!;
    const own = this.#connections.get(id);
    own?.delete(socket);
    if (own?.size === 0) this.#connections.delete(id);
  }

  #destroyLate(socket: Socket): void {
    const timer = this.#clock.setTimeout(() => void socket.destroy(), CLOSE_MS);
    socket.once('close', () => this.#clock.clearTimeout(timer));
  }
}

/** Follows what is written to a WebSocket. The result puts a close frame behind the frame that is under way, if any. */
function closable(socket: Socket): Close {
  const frames = new FrameBoundary();
  const write = socket.write.bind(socket) as (chunk: Uint8Array, ...rest: unknown[]) => boolean;
  let last: Buffer | null = null;
  const close = () => {
    write(last!);
    socket.end();
  };
  socket.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!last) {
      frames.feed(bytes);
      return write(bytes, ...rest);
    }
    if (frames.between) return true; // The close frame was the last.
    write(bytes.subarray(0, frames.feedToEnd(bytes)));
    if (frames.between) close();
    return true;
  };
  return (code, reason) => {
    if (last) return;
    last = closeFrame(code, reason);
    if (frames.between) close();
  };
}

/** Where frames begin in a byte stream of them (RFC 6455 section 5.2); the server's are not masked. */
export class FrameBoundary {
  #header: number[] = [];
  #left = 0;

  /** Nothing of a frame is under way. */
  get between(): boolean {
    return this.#left === 0 && this.#header.length === 0;
  }

  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) at += this.#step(chunk, at);
  }

  /** Feeds until a frame ends. @returns how many bytes that took, at most all */
  feedToEnd(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && !this.between) at += this.#step(chunk, at);
    return at;
  }

  #step(chunk: Uint8Array, at: number): number {
    if (this.#left > 0) {
      const part = Math.min(this.#left, chunk.length - at);
      this.#left -= part;
      return part;
    }
    this.#header.push(chunk[at]!);
    const length = this.#header.length < 2 ? null : payloadLength(this.#header);
    if (length !== null) {
      this.#header = [];
      this.#left = length;
    }
    return 1;
  }
}

/** null: the header is not whole yet. */
function payloadLength(header: number[]): number | null {
  const short = header[1]! & 0x7f;
  if (short < 126) return short;
  const bytes = short === 126 ? 2 : 8;
  if (header.length < 2 + bytes) return null;
  return header.slice(2).reduce((length, byte) => length * 256 + byte, 0);
}

function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x88;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}

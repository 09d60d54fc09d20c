/**
 * The protocol between the agent server and a holder (SPEC.md), over the holder's socket: frames of one byte kind, four bytes length
 * (big endian) and a payload. Each direction is one ordered stream, so a resize, the end of the output and the exit stand exactly
 * where they happened.
 */
import { Buffer } from 'node:buffer';
import type { InputSnapshot } from './input-ledger.ts';

/** The versions of the protocol that this program speaks, the newest first. */
export const VERSIONS: readonly number[] = [2, 1];
/** The first version in which a holder says which lines its CLI has been given. */
export const TAKEN_VERSION = 2;

/** Server → holder. */
export type HostCommand =
  /** First on every connection. */
  | { kind: 'hello'; versions: number[] }
  | { kind: 'start'; launch: Launch; meta: Meta }
  /** Bytes for the stdin of a CLI. With a key that it has taken before, nothing is written; '' is no key. */
  | { kind: 'line'; key: string; bytes: Buffer }
  /** Closes a CLI's stdin. */
  | { kind: 'end' }
  /** Output before this offset is not asked for again. */
  | { kind: 'ack'; offset: number }
  /** Replaces what the record says for the server's own use. */
  | { kind: 'describe'; meta: Meta }
  /** `received`: the bytes that came from this client so far, these included. */
  | { kind: 'input'; client: string; received: number; bytes: Buffer }
  | { kind: 'resize'; cols: number; rows: number }
  | { kind: 'repaint' }
  /** Ends the program: SIGHUP to its session, then SIGKILL to what is left (pty.ts). */
  | { kind: 'hangup' }
  /** The exit is known: the holder is not needed any more. */
  | { kind: 'release' };

/** Holder → server. */
export type HostEvent =
  | ({ kind: 'welcome' } & Welcome)
  | { kind: 'started'; pid: number }
  /** The program could not be started; the holder exits. `code`: the error's. */
  | { kind: 'failed'; text: string; code?: string }
  | { kind: 'output'; bytes: Buffer }
  /** The output from here on is for this size. */
  | { kind: 'resized'; cols: number; rows: number }
  /** The answer to one `repaint`: bytes that draw the screen as it was after `offset` bytes of output. */
  | { kind: 'repainted'; offset: number; bytes: Buffer }
  /** Bytes of input written to the PTY since the last `consumed`. */
  | { kind: 'consumed'; bytes: number }
  /** All output has been sent. `repaint` draws the last screen. `at`: when, by the wall clock. */
  | { kind: 'exit'; code: number; signal: number; at: number; repaint: Buffer }
  /** What a CLI writes to its stderr. */
  | { kind: 'stderr'; bytes: Buffer }
  /** A CLI has been given a line with this key, now or before. Since version 2. */
  | { kind: 'taken'; key: string }
  /** A CLI has ended; all its output has been sent. */
  | { kind: 'ended'; code: number | null; signal: string | null };

/** What the server wants to find again. */
export type Meta = Record<string, unknown>;

/** The answer to `hello`: all that a server has to know that was not there before. */
export interface Welcome {
  /** 0: the holder speaks none of the versions. Nothing else is sent then. */
  version: number;
  /** As in the record: this is the holder that the record speaks of. */
  instance: string;
  /** null: nothing has been started. */
  pid: number | null;
  cols: number;
  rows: number;
  /** Offset of the first byte of output that follows, and of the first that is not there yet. */
  start: number;
  end: number;
  /** Sizes that begin behind it. */
  sizes: SizeMark[];
  input: InputSnapshot;
  /** The newest keys of lines that a CLI has been given. Since version 2. */
  keys?: string[];
}

/** From this byte of the output on it is for this size. */
export interface SizeMark {
  at: number;
  cols: number;
  rows: number;
}

export interface Launch {
  file: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  cols: number;
  rows: number;
}

const HEAD = 5;
/** Largest payload: a message to a CLI with all its pictures (child.ts, MAX_INPUT). */
export const MAX_PAYLOAD = 128 * 1024 * 1024;

type Message = HostCommand | HostEvent;
/** The kind byte of each message. */
const CODES: Record<Message['kind'], number> = {
  start: 1,
  input: 2,
  resize: 3,
  repaint: 4,
  hangup: 5,
  hello: 6,
  describe: 7,
  release: 8,
  line: 9,
  end: 10,
  ack: 11,
  welcome: 15,
  started: 16,
  failed: 17,
  output: 18,
  resized: 19,
  repainted: 20,
  consumed: 21,
  exit: 22,
  stderr: 23,
  ended: 24,
  taken: 25,
};
const KINDS = new Map(Object.entries(CODES).map(([kind, code]) => [code, kind as Message['kind']]));

/**
 * One frame. Its payload is the bytes alone for output and stderr; a length (2 bytes), JSON and bytes for input, line, repainted
 * and exit; JSON alone for the rest.
 */
export function encode(message: Message): Buffer {
  switch (message.kind) {
    case 'output':
    case 'stderr':
      return frame(message.kind, message.bytes);
    case 'line':
    case 'input':
    case 'repainted': {
      const { kind, bytes, ...fields } = message;
      return frame(kind, head(fields), bytes);
    }
    case 'exit': {
      const { kind, repaint, ...fields } = message;
      return frame(kind, head(fields), repaint);
    }
    default: {
      const { kind, ...fields } = message;
      return frame(kind, Buffer.from(JSON.stringify(fields)));
    }
  }
}

/** JSON after its length, for payloads that continue with bytes. */
function head(fields: object): Buffer {
  const json = Buffer.from(JSON.stringify(fields));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(json.length);
  return Buffer.concat([length, json]);
}

function frame(kind: Message['kind'], ...parts: Buffer[]): Buffer {
  const start = Buffer.alloc(HEAD);
  start[0] = CODES[kind];
  start.writeUInt32BE(parts.reduce((n, part) => n + part.length, 0), 1);
  return Buffer.concat([start, ...parts]);
}

function decode(kind: Message['kind'], payload: Buffer): Message {
  switch (kind) {
    case 'output':
    case 'stderr':
      return { kind, bytes: payload };
    case 'line':
    case 'input':
    case 'repainted':
    case 'exit': {
      const end = 2 + payload.readUInt16BE(0);
      const fields = JSON.parse(payload.toString('utf8', 2, end));
      const bytes = payload.subarray(end);
      return kind === 'exit' ? { kind, ...fields, repaint: bytes } : { kind, ...fields, bytes };
    }
    default:
      return { kind, ...JSON.parse(payload.toString()) };
  }
}

/**
 * Splits a byte stream into messages. The bytes of a message may be a view of the pushed chunk: copy what you retain.
 * `push` throws on an unknown kind or an overlong payload: the stream is then unusable, and its owner ends the process.
 */
export class FrameReader<T extends Message> {
  /** The beginning of a frame, and how many bytes it takes until more can be read of it. */
  #parts: Buffer[] = [];
  #length = 0;
  #wanted = HEAD;
  readonly #onMessage: (message: T) => void;

  constructor(onMessage: (message: T) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return;
    let data = this.#parts.length > 1 ? Buffer.concat(this.#parts) : chunk;
    this.#wanted = HEAD;
    while (data.length >= HEAD) {
      const kind = KINDS.get(data[0]!);
      const length = data.readUInt32BE(1);
      if (!kind || length > MAX_PAYLOAD) throw new Error(`frame of kind ${data[0]} with ${length} bytes`);
      this.#wanted = HEAD + length;
      if (data.length < this.#wanted) break;
      this.#onMessage(decode(kind, data.subarray(HEAD, this.#wanted)) as T);
      data = data.subarray(this.#wanted);
      this.#wanted = HEAD;
    }
    this.#parts = data.length ? [data] : [];
    this.#length = data.length;
  }
}

/**
 * What the agent and the process that holds one PTY (host.ts) say to each other over stdin and stdout: frames of one byte
 * kind, four bytes length (big endian) and a payload. One ordered stream each way, so a resize, the end of the output and
 * the exit are told exactly where they happened.
 */
import { Buffer } from 'node:buffer';

/** Agent → host. */
export type HostCommand =
  | { kind: 'start'; launch: Launch }
  | { kind: 'input'; bytes: Buffer }
  | { kind: 'resize'; cols: number; rows: number }
  | { kind: 'repaint' }
  /** End the program: SIGHUP, after a while SIGKILL to its whole session. */
  | { kind: 'hangup' };

/** Host → agent. */
export type HostEvent =
  | { kind: 'started'; pid: number }
  /** It could not be started; the host ends. */
  | { kind: 'failed'; text: string }
  | { kind: 'output'; bytes: Buffer }
  /** From here on the output is for this size. */
  | { kind: 'resized'; cols: number; rows: number }
  /** Answers one `repaint`: bytes that draw the screen as it was after `offset` bytes of output. */
  | { kind: 'repainted'; offset: number; bytes: Buffer }
  /** So many bytes of input have been written to the PTY since the last time. */
  | { kind: 'consumed'; bytes: number }
  /** All output has been told. `repaint` draws the last screen. */
  | { kind: 'exit'; code: number; signal: number; repaint: Buffer };

export interface Launch {
  file: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  cols: number;
  rows: number;
}

const HEAD = 5;
/** Largest payload; a repaint is bounded well below (screen.ts). */
export const MAX_PAYLOAD = 16 * 1024 * 1024;

type Message = HostCommand | HostEvent;
/** Kinds that carry bytes; the other fields travel as JSON before them. */
const CODES: Record<Message['kind'], number> = {
  start: 1,
  input: 2,
  resize: 3,
  repaint: 4,
  hangup: 5,
  started: 16,
  failed: 17,
  output: 18,
  resized: 19,
  repainted: 20,
  consumed: 21,
  exit: 22,
};
const KINDS = new Map(Object.entries(CODES).map(([kind, code]) => [code, kind as Message['kind']]));

/** One frame. Payload: the bytes alone for input and output, JSON for the rest; a repaint follows its JSON's length. */
export function encode(message: Message): Buffer {
  switch (message.kind) {
    case 'input':
    case 'output':
      return frame(message.kind, message.bytes);
    case 'repainted':
      return frame(message.kind, head({ offset: message.offset }), message.bytes);
    case 'exit':
      return frame(message.kind, head({ code: message.code, signal: message.signal }), message.repaint);
    default: {
      const { kind, ...fields } = message;
      return frame(kind, Buffer.from(JSON.stringify(fields)));
    }
  }
}

/** JSON with its own length before it, for payloads that go on with bytes. */
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
    case 'input':
    case 'output':
      return { kind, bytes: payload };
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
 * Cuts a byte stream into frames. The bytes of a frame are a view of what was pushed where possible: copy what you keep.
 * Throws on an unknown kind or an overlong payload: then the other side is not ours and the process is ended.
 */
export class FrameReader<T extends Message> {
  #rest: Buffer = Buffer.alloc(0);
  readonly #onMessage: (message: T) => void;

  constructor(onMessage: (message: T) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    let data = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (data.length >= HEAD) {
      const kind = KINDS.get(data[0]!);
      const length = data.readUInt32BE(1);
      if (!kind || length > MAX_PAYLOAD) throw new Error(`frame of kind ${data[0]} with ${length} bytes`);
      if (data.length < HEAD + length) break;
      this.#onMessage(decode(kind, data.subarray(HEAD, HEAD + length)) as T);
      data = data.subarray(HEAD + length);
    }
    this.#rest = data;
  }
}

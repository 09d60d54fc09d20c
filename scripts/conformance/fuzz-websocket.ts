/**
 * `tsx scripts/conformance/fuzz-websocket.ts [SECONDS] [SEED]`: feeds mutated frames, cut anywhere, to the parser and to whole
 * connections, and compares with a plain second reading of the RFC (test/support/fakes/websocket-model.ts). What must hold: no
 * crash, no hang, the close code that the RFC asks for, bounded memory. A failure prints its seed, which repeats it.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../core/clock.ts';
import { Deflater, Inflater } from '../../core/websocket/deflate.ts';
import { WebSocketError } from '../../core/websocket/errors.ts';
import { withDefaults } from '../../core/websocket/limits.ts';
import { MessageReader } from '../../core/websocket/message.ts';
import { Connection } from '../../core/websocket/mod.ts';
import { FrameParser } from '../../core/websocket/parser.ts';
import {
  closePayload,
  frame,
  type FrameParts,
  randomBytes,
  readFrames,
  seeded,
} from '../../test/support/harness/websocket-frames.ts';
import { model, type ModelEvent } from '../../test/support/fakes/websocket-model.ts';
import { duplexPair } from '../../test/support/harness/websocket-peers.ts';

const LIMITS = withDefaults({ message: 5000, fragments: 6, controlPerSecond: 1e6, closeTimeoutMs: 50 });
/** What a connection may hold for a peer that sends a few KiB. */
const MAX_BUFFERED = 256 << 10;
const HANG_MS = 5000;

type Random = () => number;
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;

const TEXTS = ['', 'plain', 'ß', '€uro', '😀😀', 'x'.repeat(126), 'ü'.repeat(70)];
const CODES = [0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 1016, 2999, 3000, 4999, 5000, 65535];

/** Mostly the shortest length, as it should be. */
const ODD_LENGTHS: Partial<FrameParts>[] = [
  ...[0n, 125n, 126n, 65535n, 1n << 31n, 1n << 53n, 1n << 63n].map((announce) => ({ announce })),
  { lengthBytes: 2 },
  { lengthBytes: 8 },
  ...Array(200).fill({}),
];

function randomFrame(random: Random): Buffer {
  const opcode = pick(random, [0, 0, 1, 1, 1, 2, 2, 9, 10, 8, random() * 16 | 0]);
  const length = pick(random, [0, 1, 5, 125, 126, 127, 300, 1000, 4999, 5001]);
  const payload = opcode === 8 && random() < 0.9
    ? closePayload(pick(random, CODES), pick(random, TEXTS.slice(0, 5)))
    : opcode === 1 || random() < 0.4
    ? Buffer.from(pick(random, TEXTS))
    : randomBytes(random, opcode > 7 ? Math.min(125, length) : length);
  return frame({
    opcode,
    payload,
    fin: random() < (opcode > 7 ? 0.98 : 0.7),
    rsv: random() < 0.02 ? 1 + random() * 7 | 0 : 0,
    ...(random() < 0.99 && { mask: randomBytes(random, 4) }),
    ...pick(random, ODD_LENGTHS),
  });
}

/** A few frames; often some bytes of them are changed, left out, doubled or cut off. */
function randomInput(random: Random): Buffer {
  let bytes = Buffer.concat(Array.from({ length: 1 + random() * 8 | 0 }, () => randomFrame(random)));
  while (random() < 0.4 && bytes.length > 0) {
    const at = Math.floor(random() * bytes.length);
    const kind = random();
    if (kind < 0.6) bytes[at]! ^= 1 << (random() * 8 | 0);
    else if (kind < 0.75) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    else if (kind < 0.9) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at >> 1)]);
    else bytes = bytes.subarray(0, at);
  }
  return bytes;
}

function cut(random: Random, bytes: Buffer): Buffer[] {
  const most = pick(random, [1, 3, 50, 2000, 1e9]);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = at + 1 + Math.floor(random() * most);
    parts.push(Buffer.from(bytes.subarray(at, next)));
    at = next;
  }
  return parts;
}

/** The parser's view of the input, in the words of the model. */
function parse(parts: Buffer[]): ModelEvent[] {
  const events: ModelEvent[] = [];
  let closed = false;
  const sink = {
    message: (data: Buffer | string) =>
      void events.push(typeof data === 'string' ? ['text', data] : ['binary', data.toString('hex')]),
    ping: (data: Buffer) => void events.push(['ping', data.toString('hex')]),
    pong: (data: Buffer) => void events.push(['pong', data.toString('hex')]),
    close: (code: number) => {
      events.push(['close', code]);
      closed = true;
      parser.stop();
    },
  };
  const parser = new FrameParser('server', new MessageReader(sink, LIMITS, systemClock));
  try {
    for (const part of parts) if (!closed) parser.push(part);
  } catch (error) {
    if (!(error instanceof WebSocketError)) throw error;
    events.push(['refused', error.closeCode]);
  }
  return events;
}

function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}\n  is        ${a.slice(0, 600)}\n  should be ${b.slice(0, 600)}`);
}

export function fuzzParser(seed: number): void {
  const random = seeded(seed);
  const bytes = randomInput(random);
  expectSame(parse(cut(random, bytes)), model(bytes, LIMITS), 'the parser');
}

/** Damaged compressed messages: refused with 1007 or 1009, or inflated within the limit; never anything else. */
export function fuzzInflate(seed: number): void {
  const random = seeded(seed);
  const deflater = new Deflater(8 + random() * 8 | 0, random() < 0.5);
  const inflater = new Inflater(15, random() < 0.5);
  for (let n = 0; n < 4; n++) {
    const bytes = Buffer.from(deflater.compress(Buffer.alloc(random() * 8000 | 0, randomBytes(random, 30))));
    if (bytes.length > 0 && random() < 0.7) bytes[random() * bytes.length | 0]! ^= 1 << (random() * 8 | 0);
    try {
      const { length } = inflater.decompress(bytes, LIMITS.message);
      if (length > LIMITS.message) throw new Error(`${length} bytes came out`);
    } catch (error) {
      if (!(error instanceof WebSocketError) || ![1007, 1009].includes(error.closeCode)) throw error;
      return;
    }
  }
}

/** A whole echoing connection: it answers as the model says, then the stream ends. */
export async function fuzzConnection(seed: number): Promise<void> {
  const random = seeded(seed);
  const bytes = randomInput(random);
  const expected = model(bytes, LIMITS);
  const [ours, theirs] = duplexPair();
  const connection = new Connection(ours, { role: 'server', limits: LIMITS });
  connection.onmessage = (message) => connection.send(message);
  const received: Buffer[] = [];
  let most = 0;
  theirs.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => {});
  for (const part of cut(random, bytes)) theirs.write(part);
  theirs.end();
  const hang = setTimeout(() => connection.terminate(), HANG_MS);
  connection.ondrain = () => most = Math.max(most, connection.bufferedAmount);
  const started = performance.now();
  await connection.closed;
  clearTimeout(hang);
  if (performance.now() - started >= HANG_MS) throw new Error('the connection hangs');
  if (Math.max(most, connection.bufferedAmount) > MAX_BUFFERED) throw new Error('too much is held');
  const answers = readFrames(Buffer.concat(received)).map(({ opcode, payload }) =>
    opcode === 8 ? ['close', payload.length ? payload.readUInt16BE(0) : 1005] : [opcode, payload.toString('hex')]
  );
  expectSame(answers, expectedAnswers(expected), 'the answers');
}

function expectedAnswers(events: ModelEvent[]): unknown[] {
  return events.filter(([kind]) => kind !== 'pong').map(([kind, data]) => {
    if (kind === 'text') return [1, Buffer.from(data).toString('hex')];
    if (kind === 'binary') return [2, data];
    if (kind === 'ping') return [10, data];
    return ['close', data];
  });
}

async function main([seconds = '10', from = String(Date.now() % 1e9)]: string[]): Promise<void> {
  const end = performance.now() + Number(seconds) * 1000;
  const before = process.memoryUsage().rss;
  let seed = Number(from);
  let cases = 0;
  for (; performance.now() < end || cases === 0; seed++) {
    try {
      for (let i = 0; i < 20; i++) fuzzParser(seed * 20 + i);
      fuzzInflate(seed);
      await fuzzConnection(seed);
      cases += 22;
    } catch (error) {
      console.error(`seed ${seed} fails: ${error instanceof Error ? error.stack : error}`);
      process.exit(1);
    }
  }
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  console.log(
    `${cases} inputs, seeds ${from} to ${seed - 1}: all as the RFC says; memory grew by ${grown.toFixed(0)} MiB`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));

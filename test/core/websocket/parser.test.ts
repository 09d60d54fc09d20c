/** Bytes → frames → messages: RFC 6455 §5, §8.1, at every split. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { systemClock } from '../../../core/clock.ts';
import { WebSocketError } from '../../../core/websocket/errors.ts';
import { type Limits, withDefaults } from '../../../core/websocket/limits.ts';
import { MessageReader } from '../../../core/websocket/message.ts';
import { FrameParser } from '../../../core/websocket/parser.ts';
import {
  closePayload,
  frame,
  type FrameParts,
  fromClient,
  randomBytes,
  seeded,
} from '../../support/harness/websocket-frames.ts';

type Event = [kind: string, ...data: unknown[]];

function reader(role: 'server' | 'client', limits: Partial<Limits> = {}) {
  const events: Event[] = [];
  const sink = new MessageReader(
    {
      message: (data) => events.push(typeof data === 'string' ? ['text', data] : ['binary', data.toString('hex')]),
      ping: (data) => events.push(['ping', data.toString()]),
      pong: (data) => events.push(['pong', data.toString()]),
      close: (code, reason) => events.push(['close', code, reason]),
    },
    withDefaults(limits),
    systemClock,
  );
  const parser = new FrameParser(role, sink);
  /** Feeds the parts; a refusal becomes an event of its code. */
  const feed = (...parts: Uint8Array[]): Event[] => {
    try {
      for (const part of parts) {
        const bytes = Buffer.from(part); // unmasking is done in place
        assert.is(parser.push(bytes), bytes.length);
      }
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      events.push(['refused', error.code, error.closeCode]);
    }
    return events;
  };
  return { feed, events, parser };
}

const serverSees = (...frames: FrameParts[]) => reader('server').feed(Buffer.concat(frames.map(fromClient)));
const clientSees = (...frames: FrameParts[]) => reader('client').feed(Buffer.concat(frames.map((f) => frame(f))));
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** RFC 6455 §5.7, in its order. */
const EXAMPLES: [string, 'server' | 'client', Buffer, Event[]][] = [
  ['unmasked text', 'client', hex('81 05 48656c6c6f'), [['text', 'Hello']]],
  ['masked text', 'server', hex('81 85 37fa213d 7f9f4d5158'), [['text', 'Hello']]],
  ['fragmented text', 'client', hex('01 03 48656c 80 02 6c6f'), [['text', 'Hello']]],
  ['unmasked ping', 'client', hex('89 05 48656c6c6f'), [['ping', 'Hello']]],
  ['masked pong', 'server', hex('8a 85 37fa213d 7f9f4d5158'), [['pong', 'Hello']]],
  ['256 bytes', 'client', Buffer.concat([hex('82 7e 0100'), Buffer.alloc(256, 7)]), [['binary', '07'.repeat(256)]]],
  ['64 KiB', 'client', Buffer.concat([hex('82 7f 0000000000010000'), Buffer.alloc(65536, 7)]), [[
    'binary',
    '07'.repeat(65536),
  ]]],
];

for (const [name, role, bytes, expected] of EXAMPLES) {
  test(`RFC 6455 §5.7: ${name}`, () => assert.equal(reader(role).feed(bytes), expected));
  test(`RFC 6455 §5.7: ${name}, byte by byte`, () => {
    const { feed, events } = reader(role, { message: 1 << 17 });
    for (const byte of bytes) feed(Uint8Array.of(byte));
    assert.equal(events, expected);
  });
}

/** A stream of everything that a connection may carry. */
const MIXED: FrameParts[] = [
  { payload: 'héllo 😀' },
  { opcode: 2, payload: Buffer.alloc(126, 1) },
  { opcode: 1, fin: false, payload: 'fräg' },
  { opcode: 9, payload: 'in between' },
  { opcode: 0, fin: false, payload: '' },
  { opcode: 10, payload: '' },
  { opcode: 0, payload: 'ment€' },
  { opcode: 2, payload: '' },
  { opcode: 8, payload: closePayload(1001, 'gütig') },
];
const MIXED_EVENTS: Event[] = [
  ['text', 'héllo 😀'],
  ['binary', '01'.repeat(126)],
  ['ping', 'in between'],
  ['pong', ''],
  ['text', 'frägment€'],
  ['binary', ''],
  ['close', 1001, 'gütig'],
];

test('a connection split at every point', () => {
  for (const role of ['server', 'client'] as const) {
    const bytes = Buffer.concat(MIXED.map(role === 'server' ? fromClient : frame));
    for (let at = 0; at <= bytes.length; at++) {
      assert.equal(reader(role).feed(bytes.subarray(0, at), bytes.subarray(at)), MIXED_EVENTS, `at ${at}`);
    }
  }
});

test('a connection byte by byte', () => {
  const { feed, events } = reader('server');
  for (const byte of Buffer.concat(MIXED.map(fromClient))) feed(Uint8Array.of(byte));
  assert.equal(events, MIXED_EVENTS);
});

for (const length of [0, 1, 125, 126, 127, 255, 256, 257, 65535, 65536, 65537, 200_000]) {
  test(`a message of ${length} bytes, whole and in pieces`, () => {
    const payload = randomBytes(seeded(length), length);
    const bytes = fromClient({ opcode: 2, payload });
    const expected: Event[] = [['binary', payload.toString('hex')]];
    assert.equal(reader('server').feed(bytes), expected);
    for (const size of [7, 1000, 65536]) {
      const parts: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size));
      assert.equal(reader('server').feed(...parts), expected, `pieces of ${size}`);
    }
  });
}

test('seeded random messages, fragments and splits come out as they went in', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = seeded(seed);
    const frames: Buffer[] = [];
    const expected: Event[] = [];
    for (let n = 0; n < 5; n++) {
      const payload = randomBytes(random, Math.floor(random() ** 4 * 3000));
      const cuts = Array.from({ length: Math.floor(random() * 4) }, () => Math.floor(random() * payload.length)).sort(
        (a, b) => a - b,
      );
      const bounds = [0, ...cuts, payload.length];
      for (let i = 1; i < bounds.length; i++) {
        const part = payload.subarray(bounds[i - 1], bounds[i]);
        const mask = randomBytes(random, 4);
        frames.push(frame({ mask, opcode: i === 1 ? 2 : 0, fin: i === bounds.length - 1, payload: part }));
        if (random() < 0.3 && i < bounds.length - 1) {
          frames.push(fromClient({ opcode: 9, payload: 'p' }));
          expected.push(['ping', 'p']);
        }
      }
      expected.push(['binary', payload.toString('hex')]);
    }
    const bytes = Buffer.concat(frames);
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const next = at + 1 + Math.floor(random() * 400);
      parts.push(bytes.subarray(at, next));
      at = next;
    }
    assert.equal(reader('server').feed(...parts), expected, `seed ${seed}`);
  }
});

test('a message in one chunk is delivered as a view, one over chunks in a buffer of its size', () => {
  const seen: Buffer[] = [];
  const sink = new MessageReader(
    { message: (data) => seen.push(data as Buffer), ping() {}, pong() {}, close() {} },
    withDefaults(),
    systemClock,
  );
  const parser = new FrameParser('client', sink);
  const bytes = frame({ opcode: 2, payload: Buffer.alloc(100_000, 1) });
  const chunk = Buffer.from(bytes);
  parser.push(chunk); // larger than what Buffer takes from its pool, on any Node
  parser.push(Buffer.from(bytes.subarray(0, 100)));
  parser.push(Buffer.from(bytes.subarray(100)));
  assert.is(seen[0]!.buffer, chunk.buffer);
  assert.is(seen[1]!.buffer.byteLength, 100_000);
});

test('stop leaves the rest of a chunk for later', () => {
  const { feed, events, parser } = reader('server');
  const entry = fromClient({ payload: 'a' });
  const chunk = Buffer.concat([entry, fromClient({ payload: 'b' })]);
  const push = events.push.bind(events);
  events.push = (...added) => {
    parser.stop();
    return push(...added);
  };
  assert.is(parser.push(chunk), entry.length);
  feed(chunk.subarray(entry.length));
  assert.equal(events, [['text', 'a'], ['text', 'b']]);
});

const REFUSED: [string, FrameParts[], string][] = [
  ['RSV1', [{ rsv: 4 }], 'WS_RESERVED_BIT'],
  ['RSV2', [{ rsv: 2 }], 'WS_RESERVED_BIT'],
  ['RSV3', [{ rsv: 1 }], 'WS_RESERVED_BIT'],
  ['RSV1 on a ping', [{ rsv: 4, opcode: 9 }], 'WS_RESERVED_BIT'],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, FrameParts[], string] => [
    `opcode ${opcode}`,
    [{ opcode }],
    'WS_RESERVED_OPCODE',
  ]),
  ...[8, 9, 10].map((opcode): [string, FrameParts[], string] => [
    `a fragmented control frame ${opcode}`,
    [{ opcode, fin: false }],
    'WS_CONTROL_FRAGMENTED',
  ]),
  ['a ping of 126 bytes', [{ opcode: 9, payload: Buffer.alloc(126) }], 'WS_CONTROL_TOO_LONG'],
  ['a short length in 2 bytes', [{ payload: 'a', lengthBytes: 2 }], 'WS_LENGTH_ENCODING'],
  ['a short length in 8 bytes', [{ payload: Buffer.alloc(65535), lengthBytes: 8 }], 'WS_LENGTH_ENCODING'],
  ['the top bit of the length', [{ announce: 1n << 63n }], 'WS_LENGTH_ENCODING'],
  ['a continuation of nothing', [{ opcode: 0 }], 'WS_UNEXPECTED_CONTINUATION'],
  ['a message within a message', [{ fin: false }, { payload: 'b' }], 'WS_EXPECTED_CONTINUATION'],
  ['half a close code', [{ opcode: 8, payload: 'x' }], 'WS_BAD_CLOSE'],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map((
    code,
  ): [string, FrameParts[], string] => [
    `close code ${code}`,
    [{ opcode: 8, payload: closePayload(code) }],
    'WS_BAD_CLOSE',
  ]),
  ['a close reason that is not UTF-8', [
    { opcode: 8, payload: closePayload(1000, Uint8Array.of(0xff)) },
  ], 'WS_INVALID_UTF8'],
  ['text that is not UTF-8', [{ payload: Uint8Array.of(0xc3, 0x28) }], 'WS_INVALID_UTF8'],
  ['text that ends within a character', [{ payload: Uint8Array.of(0xe2, 0x82) }], 'WS_INVALID_UTF8'],
  ['fragments that end within a character', [
    { fin: false, payload: Uint8Array.of(0xe2) },
    { opcode: 0, payload: Uint8Array.of(0x82) },
  ], 'WS_INVALID_UTF8'],
];

for (const [name, frames, code] of REFUSED) {
  test(`refused: ${name}`, () => {
    const closeCode = code === 'WS_INVALID_UTF8' ? 1007 : 1002;
    assert.equal(serverSees(...frames), [['refused', code, closeCode]]);
    assert.equal(clientSees(...frames), [['refused', code, closeCode]]);
  });
}

test('refused: a client frame without a mask, a server frame with one', () => {
  assert.equal(reader('server').feed(frame({})), [['refused', 'WS_NOT_MASKED', 1002]]);
  assert.equal(reader('client').feed(fromClient({})), [['refused', 'WS_MASKED', 1002]]);
});

for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
  test(`close code ${code} is taken`, () => {
    assert.equal(serverSees({ opcode: 8, payload: closePayload(code, 'bye') }), [['close', code, 'bye']]);
  });
}

test('an empty Close frame has no code', () => assert.equal(serverSees({ opcode: 8 }), [['close', 1005, '']]));

test('a wrong byte of a text is refused when it comes, in a later fragment and in the middle of a frame', () => {
  const { feed } = reader('server');
  feed(fromClient({ fin: false, payload: 'fine' }));
  const bytes = fromClient({ opcode: 0, fin: false, payload: Uint8Array.of(0x61, 0xf4, 0x90, 0x61, 0x61) });
  assert.equal(feed(bytes.subarray(0, bytes.length - 3)), []);
  assert.equal(feed(bytes.subarray(bytes.length - 3, bytes.length - 2)), [['refused', 'WS_INVALID_UTF8', 1007]]);
});

test('a bad frame is refused at its header, before any payload', () => {
  const big = fromClient({ opcode: 2, announce: 1n << 40n }).subarray(0, 10);
  assert.equal(reader('server').feed(big), [['refused', 'WS_MESSAGE_TOO_BIG', 1009]]);
  assert.equal(reader('server').feed(Uint8Array.of(0x83, 0x80)), [['refused', 'WS_RESERVED_OPCODE', 1002]]);
});

test('message limit: at the limit and just past it, in one frame and in fragments', () => {
  const limits = { message: 1000 };
  const sees = (...frames: FrameParts[]) => reader('server', limits).feed(Buffer.concat(frames.map(fromClient)));
  assert.is(sees({ opcode: 2, payload: Buffer.alloc(1000) })[0]![0], 'binary');
  assert.equal(sees({ opcode: 2, payload: Buffer.alloc(1001) }), [['refused', 'WS_MESSAGE_TOO_BIG', 1009]]);
  const first = { opcode: 2, fin: false, payload: Buffer.alloc(600) };
  assert.is(sees(first, { opcode: 0, payload: Buffer.alloc(400) })[0]![0], 'binary');
  assert.equal(sees(first, { opcode: 0, payload: Buffer.alloc(401) }), [['refused', 'WS_MESSAGE_TOO_BIG', 1009]]);
});

test('fragment limit: at the limit and just past it', () => {
  const sees = (count: number) =>
    reader('server', { fragments: 5 }).feed(Buffer.concat(
      Array.from({ length: count }, (_, i) => fromClient({ opcode: i ? 0 : 2, fin: i === count - 1, payload: 'x' })),
    ));
  assert.equal(sees(5), [['binary', '78'.repeat(5)]]);
  assert.equal(sees(6), [['refused', 'WS_TOO_MANY_FRAGMENTS', 1008]]);
});

test('control frame limit: so many at once, then no more', () => {
  const sees = (count: number) =>
    reader('server', { controlPerSecond: 20 }).feed(Buffer.concat(
      Array.from({ length: count }, () => fromClient({ opcode: 9 })),
    ));
  assert.is(sees(20).at(-1)![0], 'ping');
  assert.equal(sees(30).at(-1), ['refused', 'WS_CONTROL_FLOOD', 1008]);
});

test.run();

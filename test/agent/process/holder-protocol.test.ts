import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import {
  encode,
  FrameReader,
  type HostCommand,
  type HostEvent,
  MAX_PAYLOAD,
} from '../../../agent/process/holder/protocol.ts';

const MESSAGES: (HostCommand | HostEvent)[] = [
  { kind: 'hello', versions: [1] },
  {
    kind: 'start',
    launch: { file: 'sh', args: ['-c', '"\n'], cwd: '/é', env: { A: 'b' }, cols: 80, rows: 24 },
    meta: { name: 'é' },
  },
  { kind: 'describe', meta: {} },
  { kind: 'release' },
  { kind: 'input', client: 'page', received: 3, bytes: Buffer.from([0, 255, 27]) },
  { kind: 'resize', cols: 1, rows: 2 },
  { kind: 'repaint' },
  { kind: 'hangup' },
  {
    kind: 'welcome',
    version: 1,
    instance: 'i',
    pid: null,
    cols: 80,
    rows: 24,
    start: 5,
    end: 2 ** 40,
    sizes: [{ at: 7, cols: 1, rows: 2 }],
    input: { counts: [['page', 3, 2]], queue: [['page', 1]], hasDropped: false },
  },
  { kind: 'started', pid: 7 },
  { kind: 'failed', text: 'no' },
  { kind: 'output', bytes: Buffer.from('😀'.repeat(50)) },
  { kind: 'resized', cols: 3, rows: 4 },
  { kind: 'repainted', offset: 2 ** 40, bytes: Buffer.from('\x1b[H') },
  { kind: 'consumed', bytes: 9 },
  { kind: 'exit', code: 1, signal: 2, at: 9, repaint: Buffer.alloc(0) },
];

/** Bytes as arrays: a Buffer equals only its own kind. */
const plain = (message: object) =>
  Object.fromEntries(Object.entries(message).map(([k, v]) => [k, v instanceof Uint8Array ? [...v] : v]));

test('every message survives being cut at every byte', () => {
  const stream = Buffer.concat(MESSAGES.map(encode));
  for (let cut = 0; cut <= stream.length; cut++) {
    const got: object[] = [];
    const reader = new FrameReader<HostCommand | HostEvent>((message) => got.push(plain(message)));
    reader.push(stream.subarray(0, cut));
    reader.push(stream.subarray(cut));
    assert.equal(got, MESSAGES.map(plain));
  }
});

test('what is not a frame is refused', () => {
  assert.throws(() => new FrameReader(() => {}).push(Buffer.from('hello world')), /kind 104/);
  const long = Buffer.alloc(5);
  long[0] = 18;
  long.writeUInt32BE(MAX_PAYLOAD + 1, 1);
  assert.throws(() => new FrameReader(() => {}).push(long), /kind 18/);
});

test('a long frame costs its length, however many pieces it comes in', () => {
  const ms = (size: number) => {
    const frame = encode({ kind: 'line', key: 'message 1', bytes: Buffer.alloc(size, 7) });
    let got = 0;
    const reader = new FrameReader<HostCommand>((message) => got += message.kind === 'line' ? message.bytes.length : 0);
    const from = performance.now();
    for (let at = 0; at < frame.length; at += 64 * 1024) reader.push(frame.subarray(at, at + 64 * 1024));
    assert.is(got, size);
    return performance.now() - from;
  };
  const MIB = 1024 * 1024;
  ms(MIB);
  const [short, long] = [ms(4 * MIB), ms(64 * MIB)];
  assert.ok(long < 100 * short + 200, `4 MiB ${short} ms, 64 MiB ${long} ms`);
});

test('the length of the JSON before bytes is said in two bytes: a key that is longer is refused', () => {
  assert.throws(() => encode({ kind: 'line', key: 'k'.repeat(70_000), bytes: Buffer.alloc(0) }), /out of range/);
});

test.run();

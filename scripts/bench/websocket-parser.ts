/** Parser-only figures: masked binary frames in chunks of 64 KiB, as a socket gives them, to messages. */
import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { systemClock } from '../../core/clock.ts';
import { withDefaults } from '../../core/websocket/limits.ts';
import { MessageReader } from '../../core/websocket/message.ts';
import { FrameParser } from '../../core/websocket/parser.ts';
import { frames } from './websocket-load.ts';

const CHUNK = 64 << 10;
const TOTAL = 8 << 20;

/** ws exports its parser only by file. */
const Receiver = createRequire(import.meta.url)('ws').Receiver as new (options: object) => Writable;

function chunksOf(size: number): Buffer[] {
  const bytes = frames(size, Math.max(1, Math.floor(TOTAL / (size + 14))));
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) chunks.push(bytes.subarray(at, at + CHUNK));
  return chunks;
}

/** @param feed parses all chunks. They are unmasked in place, which the next round undoes. */
function rate(size: number, ms: number, feed: (chunks: Buffer[]) => void): number {
  const chunks = chunksOf(size);
  const payload = Math.floor(TOTAL / (size + 14)) * size;
  feed(chunks);
  feed(chunks);
  const started = performance.now();
  let rounds = 0;
  while (performance.now() - started < ms) {
    feed(chunks);
    rounds++;
  }
  return payload * rounds / (performance.now() - started) / 1000;
}

export function parserRates(ms: number): { size: number; ours: number; ws: number }[] {
  return [16, 64, 125, 1024, 16384, 262144].map((size) => {
    const ours = rate(size, ms, (chunks) => {
      const sink = { message() {}, ping() {}, pong() {}, close() {} };
      const parser = new FrameParser('server', new MessageReader(sink, withDefaults(), systemClock));
      for (const chunk of chunks) parser.push(chunk);
    });
    const ws = rate(size, ms, (chunks) => {
      const receiver = new Receiver({ isServer: true, maxPayload: 1 << 20, allowSynchronousEvents: true });
      receiver.on('message', () => {});
      for (const chunk of chunks) receiver.write(chunk);
    });
    return { size, ours, ws };
  });
}

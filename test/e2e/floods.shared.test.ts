/** A CLI that prints without end, and a page that does not read: memory stays bounded, and an interrupt works. */
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LIVE_CLOSE } from '../../core/api/live-close.ts';
import type { Message } from '../../core/api/messages.ts';
import { MAX_STREAM } from '../../agent/session/message-log.ts';
import { type Bench, liveClient, startBench } from '../support/harness/agent-server.ts';

let bench: Bench;
test.before(async () => {
  bench = await startBench();
});
test.after(() => bench?.close());

const idle = ({ state }: { state: string }) => state === 'idle';
const of = <K extends Message['kind']>(messages: Message[], kind: K) =>
  messages.filter((message): message is Extract<Message, { kind: K }> => message.kind === kind);

test('a million lines of noise do not keep an interrupt from working', async () => {
  const { id } = await bench.create('flood 1000000');
  await bench.until(id, ({ state, preview }) => state === 'running' && preview.includes('word'), 30_000);
  const started = Date.now();
  await bench.call('POST', `/api/agents/${id}/interrupt`, {});
  await bench.until(id, idle, 2000);
  assert.ok(Date.now() - started < 1000);
  assert.ok((await bench.messages(id)).length < 10);
});

test('a text of a million deltas: few changes go out, memory stays bounded, an interrupt in the middle works', async () => {
  const live = await bench.live();
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const { id } = await bench.create('deltas 1000000');
  live.send({ type: 'watch', agent: id });
  let most = 0;
  const watching = setInterval(() => most = Math.max(most, process.memoryUsage().heapUsed - before), 20);
  const started = Date.now();
  const text = async () => of(await bench.messages(id), 'text')[0]?.text ?? '';
  const streams = bench.until(id, ({ state, preview }) => state === 'running' && preview.includes('word'), 60_000);
  const changes = () => live.changes().filter(({ type }) => type === 'delta').length;
  await streams;
  const seconds = (Date.now() - started) / 1000;
  const whole = await text();
  assert.ok(whole === 'ab '.repeat(1_000_000).slice(0, MAX_STREAM), `${whole.length} characters`);
  assert.ok(changes() < seconds * 60, `${changes()} changes in ${seconds} s`);
  await bench.call('POST', `/api/agents/${id}/interrupt`, {});
  await bench.until(id, idle, 2000);
  const again = await bench.create('deltas 3000000');
  await bench.until(again.id, ({ preview }) => preview.includes('ab'), 30_000);
  const asked = Date.now();
  await bench.call('POST', `/api/agents/${again.id}/interrupt`, {});
  await bench.until(again.id, idle, 3000);
  const took = Date.now() - asked;
  clearInterval(watching);
  live.socket.terminate();
  console.log(
    `a million deltas in ${seconds.toFixed(1)} s: ${changes()} changes, heap +${
      (most / 2 ** 20).toFixed(0)
    } MiB at most; ` +
      `interrupted in ${took} ms`,
  );
  assert.ok(most < 200 * 2 ** 20, `${most} bytes`);
  assert.ok(took < 1000, `${took} ms`);
});

test('a reader that does not read is dropped with its own code; others go on', async () => {
  const slow = await liveClient(bench.url);
  const fast = await bench.live();
  const { id } = await bench.create('hello');
  slow.send({ type: 'watch', agent: id });
  fast.send({ type: 'watch', agent: id });
  await slow.wait(({ type }) => type === 'messages');
  slow.socket.pause();
  // Incompressible, so that permessage-deflate does not save the reader.
  const noise = () =>
    Array.from({ length: 40_000 }, () => String.fromCharCode(0x4e00 + Math.floor(Math.random() * 20_000))).join('');
  for (let i = 0; i < 120; i++) {
    await bench.call('POST', `/api/agents/${id}/message`, { text: noise() });
    if (!bench.server.live.clients) break;
    if (bench.server.live.clients === 1) break;
  }
  assert.is(bench.server.live.clients, 1);
  slow.socket.resume();
  assert.is((await slow.closed).code, LIVE_CLOSE.slow);
  assert.is(fast.socket.state, 'open');
  fast.socket.close();
});

test.run();

/** The tunnel over a line that is slow or loses packets. Alone: it holds times against a bound. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Connection, dial } from '../../core/websocket/mod.ts';
import { type NetworkHarness, networkHarness, pause } from '../support/harness/network-harness.ts';
import { until } from '../support/harness/tunnel-pair.ts';

let harness: NetworkHarness;
test.before(async () => void (harness = await networkHarness()));
test.after(() => harness?.close());

/** Sorted times of `count` keystrokes, ms. */
async function keystrokes(count: number): Promise<number[]> {
  const socket: Connection = await dial(`${harness.origin.replace('http', 'ws')}/api/ws`, {
    headers: { origin: harness.origin },
  });
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await new Promise<void>((resolve) => {
      socket.onmessage = () => resolve();
      socket.send(Buffer.from('k'));
    });
    times.push(performance.now() - started);
    await pause(30);
  }
  socket.terminate();
  return times.sort((a, b) => a - b);
}
const p95 = (times: number[]) => times[Math.floor(times.length * 0.95)]!;

test('at 1 Mbit/s a keystroke comes back within its round trip and 50 ms beside a 20 MiB download', async () => {
  harness.net.rate('1mbit');
  const idle = p95(await keystrokes(30));
  const abort = new AbortController();
  let got = 0;
  const started = Date.now();
  const bulk = fetch(`${harness.origin}/api/big?mb=20`, { signal: abort.signal }).then(async (response) => {
    for await (const chunk of response.body!) got += chunk.length;
  }).catch(() => {});
  await until(() => got > 50_000, 10_000);
  // Other programs of this machine can only make it worse: the best of three.
  let best = Infinity;
  for (let i = 0; i < 3 && best > idle + 50; i++) best = Math.min(best, p95(await keystrokes(40)));
  const rate = got / (Date.now() - started);
  abort.abort();
  await bulk;
  harness.net.rate(null);
  console.log(`keystroke p95 ${idle.toFixed(0)} ms idle, ${best.toFixed(0)} ms beside ${rate.toFixed(0)} kB/s`);
  assert.ok(best <= idle + 50, `${best} ms`);
  assert.ok(rate > 75, `${rate} kB/s of 125`);
});

test('with 5 % and 20 % of all packets lost everything arrives as it was sent', async () => {
  const digest = async (mb: number) => {
    const response = await fetch(`${harness.origin}/api/big?mb=${mb}`);
    return createHash('sha256').update(Buffer.from(await response.arrayBuffer())).digest('hex');
  };
  for (const [share, mb] of [[0.05, 2], [0.2, 0.25]] as const) {
    const want = await digest(mb);
    harness.net.loss(share);
    assert.is(await digest(mb), want);
    assert.is((await keystrokes(10)).length, 10);
    harness.net.loss(0);
  }
  assert.ok(await harness.connected());
});

test.run();

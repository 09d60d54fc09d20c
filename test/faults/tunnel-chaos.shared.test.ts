/** The tunnel through a TCP proxy that resets, ends, stalls, delays, splits and corrupts; and what is left behind: nothing. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handler } from '../../core/http/types.ts';
import { type Chaos, chaosProxy } from '../support/network/chaos-proxy.ts';
import { type RelayHarness, relayHarness, startMachine, type TestMachine } from '../support/harness/relay-harness.ts';
import { until } from '../support/harness/tunnel-pair.ts';

const BODY = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 255));
const DIGEST = createHash('sha256').update(BODY).digest('hex');

const site: Handler = async (req, res) => {
  if (req.url === '/echo') {
    const hash = createHash('sha256');
    for await (const chunk of req) hash.update(chunk as Buffer);
    res.writeHead(200);
    return void res.end(hash.digest('hex'));
  }
  res.writeHead(200, { 'content-length': BODY.length });
  for (let at = 0; at < BODY.length && !res.destroyed; at += 20_000) {
    if (!res.write(BODY.subarray(at, at + 20_000))) {
      await new Promise<void>((go) => {
        res.once('drain', go);
        res.once('close', go);
      });
    }
    if (req.url === '/slow') await new Promise((resolve) => setTimeout(resolve, 20));
  }
  res.end();
};

interface Line {
  harness: RelayHarness;
  proxy: Chaos;
  machine: TestMachine;
  origin: string;
}

/** Runs `check` behind a proxy and looks that no socket and no timer is left when all is closed. */
const behind = (check: (line: Line) => Promise<void>) => async () => {
  const before = resources();
  const harness = await relayHarness({ limits: { failures: 1e6 } });
  const proxy = await chaosProxy(() => harness.port);
  const machine = startMachine(`ws://127.0.0.1:${proxy.port}/tunnel`, { handler: site, random: () => 0 });
  await machine.reach('connected');
  try {
    await check({ harness, proxy, machine, origin: `http://127.0.0.1:${harness.port}` });
  } finally {
    await machine.tunnel.close(0);
    await proxy.close();
    await harness.close();
  }
  await until(() => resources() <= before, 3000);
};
const resources = () => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind)).length;

const get = async (origin: string, path = '/') => {
  const response = await fetch(origin + path);
  const body = Buffer.from(await response.arrayBuffer());
  return { status: response.status, whole: createHash('sha256').update(body).digest('hex') === DIGEST };
};
const connections = (machine: TestMachine) => machine.states.filter(({ kind }) => kind === 'connected').length;

for (const how of ['reset', 'finish'] as const) {
  test(
    `${how} at random moments: a cut answer is never whole or wrong, and the tunnel is back`,
    behind(async ({ proxy, machine, origin, harness }) => {
      // Tunnels this short are retried ever more slowly, so it is twice for each.
      for (let i = 1; i <= 2; i++) {
        const asked = ['/slow', '/slow', '/'].map((path) =>
          get(origin, path).then((got) => assert.ok(got.status === 502 || got.whole), () => {})
        );
        await new Promise((resolve) => setTimeout(resolve, 60 * i));
        proxy[how]();
        await Promise.all(asked);
        await until(() => connections(machine) === i + 1, 35_000);
        assert.ok((await get(origin)).whole);
      }
      assert.is(harness.machines.status().streams, 0);
    }),
  );
}

test(
  'one byte at a time: everything arrives as it was sent',
  behind(async ({ proxy, origin }) => {
    proxy.oneByte = true;
    const body = BODY.subarray(0, 30_000);
    const response = await fetch(`${origin}/echo`, { method: 'POST', body });
    assert.is(await response.text(), createHash('sha256').update(body).digest('hex'));
  }),
);

test(
  '200 ms of latency: many requests at a time take little longer than one',
  behind(async ({ proxy, origin }) => {
    proxy.latencyMs = 100;
    await get(origin);
    const started = Date.now();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${origin}/echo`, { method: 'POST', body: 'x' })),
    );
    assert.ok(all.every(({ status }) => status === 200));
    assert.ok(Date.now() - started < 2000);
  }),
);

test(
  'a stall of 3 s: everything waits and then goes on',
  behind(async ({ proxy, machine, origin }) => {
    const slow = get(origin, '/slow');
    await new Promise((resolve) => setTimeout(resolve, 50));
    proxy.stalled = true;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    proxy.stalled = false;
    assert.ok((await slow).whole);
    assert.is(connections(machine), 1);
  }),
);

test(
  'flipped bits: the tunnel ends, nothing wrong is delivered, a new one is made',
  behind(async ({ proxy, machine, origin, harness }) => {
    let seen = 0;
    let flip = 5000;
    // One bit of what the machine sends, after so many bytes.
    proxy.tamper = (chunk) => {
      const at = flip - seen;
      seen += chunk.length;
      if (at >= 0 && at < chunk.length) chunk[at]! ^= 4;
      return chunk;
    };
    await get(origin).then(({ status, whole }) => assert.ok(status === 502 || whole), () => {});
    await until(() => connections(machine) === 2, 15_000);
    assert.ok((await get(origin)).whole);
    // In the handshake of the next one.
    flip = seen + 20;
    harness.machines.current()!.session.close(4002, 'test');
    await until(() => connections(machine) === 3, 25_000);
    assert.ok((await get(origin)).whole);
  }),
);

test('a thousand random flips in records and handshakes: never a wrong byte', async () => {
  const { tunnelPair, ask, memoryTransport } = await import('../support/harness/tunnel-pair.ts');
  const { MemorySocket } = await import('../support/fakes/memory-pair.ts');
  let seed = 99;
  const below = (n: number) => Math.floor(((seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x80000000) * n);
  let ended = 0;
  for (let i = 0; i < 1000; i++) {
    const pair = await tunnelPair({ transport: memoryTransport, handler: site });
    const socket = (i % 2 ? pair.sockets.machine : pair.sockets.relay) as InstanceType<typeof MemorySocket>;
    const target = below(3);
    let count = 0;
    socket.tamper = (message) => {
      if (count++ === target) message[below(message.length)]! ^= 1 << below(8);
      return [message];
    };
    const body = BODY.subarray(0, 2000);
    const answer = await ask(pair.relay, { method: 'POST', target: '/echo', body });
    if (answer.reset === null) assert.is(answer.body.toString(), createHash('sha256').update(body).digest('hex'));
    else ended++;
    await pair.close();
  }
  assert.ok(ended > 500, `${ended} of 1000`);
});

test(
  'fifty connections that say nothing more and are dropped leave nothing',
  behind(async ({ proxy, harness, origin }) => {
    const { connect } = await import('node:net');
    const sockets = Array.from({ length: 50 }, () => connect(harness.port, '127.0.0.1').on('error', () => {}));
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const socket of sockets) socket.destroy();
    assert.is(proxy.connections, 1);
    assert.ok((await get(origin)).whole);
  }),
);

test.run();

/** How soon a key is seen, over a line with latency and while 20 MiB go through the same tunnel (checks N05, R10). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Product, startProduct } from '../support/harness/product.ts';
import { type PageViewer, pageViewer } from '../support/harness/terminal-page.ts';
import { slowLine } from '../support/network/terminal-delay.ts';

const RTT_MS = 200;
const KEYS = 50;

interface Bench {
  product: Product;
  view(): Promise<PageViewer>;
  close(): Promise<void>;
}

async function bench(delayMs: () => number): Promise<Bench> {
  const line = await slowLine(delayMs);
  const product = await startProduct({ relayUrl: (port) => line.to(port) });
  const headers = { cookie: await product.login(), origin: product.relayUrl };
  const viewers: PageViewer[] = [];
  return {
    product,
    async view() {
      const answer = await product.fetch('/api/terminals', {
        method: 'POST',
        body: JSON.stringify({ directory: product.directory }),
      });
      const { id } = await answer.json() as { id: string };
      const viewer = pageViewer(() => product.relayUrl.replace('http', 'ws'), id, { headers });
      viewers.push(viewer);
      viewer.type(`exec env PS1='$ ' /bin/sh\r`);
      await viewer.sees(/\$ $/);
      return viewer;
    },
    async close() {
      for (const viewer of viewers) viewer.close();
      await product.close();
      line.close();
    },
  };
}

/** Sorted times from a key to its echo, ms. */
async function echoes(viewer: PageViewer, keys: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < keys; i++) {
    const key = String.fromCharCode(97 + (i % 26));
    const started = performance.now();
    viewer.type(key);
    await viewer.sees(new RegExp(`${key}$`));
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b);
}
const p95 = (sorted: number[]) => sorted[Math.ceil(sorted.length * 0.95) - 1]!;

for (
  const [name, delay] of [
    [`${RTT_MS} ms`, () => RTT_MS / 2],
    [`${RTT_MS} ms ± 100 ms`, () => RTT_MS / 2 + (Math.random() - 0.5) * 100],
  ] as const
) {
  test(`over ${name} a key is echoed as on the idle line, within 50 ms, while 20 MiB go through`, async () => {
    const { product, view, close } = await bench(delay);
    try {
      writeFileSync(join(product.directory, 'big'), `${'x'.repeat(99)}\n`.repeat(20 * 1024 * 1024 / 100));
      const [typist, reader] = [await view(), await view()];
      typist.type('cat\r');
      await typist.sees(/cat\r\n$/);
      const idle = p95(await echoes(typist, KEYS));
      let isDone = false;
      const started = performance.now();
      reader.type('cat big; echo DO""NE\r');
      const transfer = reader.sees(/DONE\r\n\$ $/, 120_000).then(() => isDone = true);
      await reader.sees(/xxx\r\n/);
      const busy = p95(await echoes(typist, KEYS));
      assert.not.ok(isDone, 'the transfer went on for as long as keys were typed');
      await transfer;
      const seconds = (performance.now() - started) / 1000;
      console.log(
        `${name}: p95 ${idle.toFixed(0)} ms idle, ${busy.toFixed(0)} ms busy; 20 MiB in ${seconds.toFixed(0)} s`,
      );
      assert.ok(busy <= Math.max(idle, RTT_MS) + 50);
    } finally {
      await close();
    }
  });
}

test('Ctrl-C ends `yes` within 300 ms through the relay', async () => {
  const { view, close } = await bench(() => 0);
  try {
    const viewer = await view();
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      viewer.type('yes\r');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const started = performance.now();
      viewer.type('\x03');
      await viewer.sees(/\^C[^]*\$ $/);
      times.push(performance.now() - started);
      assert.ok(viewer.bytes().length > 1e6);
    }
    console.log(`Ctrl-C: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    assert.ok(times.sort((a, b) => a - b)[2]! < 300);
  } finally {
    await close();
  }
});

test.run();

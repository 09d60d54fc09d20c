/**
 * A terminal through relay and tunnel while the network breaks: what arrives is, byte by byte, what the program wrote, and
 * what was typed is typed once and in order (checks N01).
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createThrottledLink, CUTS as KINDS, type ThrottledLink } from '../support/network/throttled-link.ts';
import { type Product, startProduct } from '../support/harness/product.ts';
import { pageViewer } from '../support/harness/terminal-page.ts';

/** Cuts between browser and relay, and between relay and agent (whose pauses grow with each). */
const CUTS = 50;
const TUNNEL_CUTS = 2;
const LINES = 400;

let product: Product;
let tunnel: ThrottledLink;
let page: ThrottledLink;
let headers: Record<string, string>;

test.before(async () => {
  tunnel = await createThrottledLink();
  page = await createThrottledLink();
  product = await startProduct({ relayUrl: (port) => tunnel.to(port) });
  headers = { cookie: await product.login(), origin: product.relayUrl };
});
test.after(async () => {
  await product.close();
  tunnel.close();
  page.close();
});

const origin = () => page.to(product.relayPort).replace('/tunnel', '');
/** A page that was loaded by way of the cable. */
const throughCable = () => ({ ...headers, origin: origin().replace('ws:', 'http:') });

async function open(script: string) {
  const file = join(product.directory, `run-${Date.now()}.sh`);
  writeFileSync(file, script);
  const answer = await product.fetch('/api/terminals', {
    method: 'POST',
    body: JSON.stringify({ directory: product.directory, cols: 80, rows: 24 }),
  });
  assert.is(answer.status, 201);
  const { id } = await answer.json() as { id: string };
  const viewer = pageViewer(origin, id, { headers: throughCable() });
  return { id, viewer, start: () => viewer.type(`stty -echo; clear; exec sh ${file}\r`) };
}

/** What the program wrote after `BEGIN`, as the PTY gives it: with CR before LF. */
const asShown = (log: string) => readFileSync(log, 'utf8').replaceAll('\n', '\r\n');
const afterBegin = (bytes: Uint8Array) => {
  const text = new TextDecoder().decode(bytes);
  return text.slice(text.indexOf('BEGIN\r\n') + 'BEGIN\r\n'.length);
};

test(`${CUTS} cuts at random moments lose nothing, double nothing and keep the order`, async () => {
  const log = join(product.directory, 'pty.log');
  // Numbers without end while lines are read; all goes through one `tee`, so its file is what the PTY got.
  const { viewer, start } = await open(
    `echo BEGIN
    { (i=0; while [ ! -e ${product.directory}/stop ]; do i=$((i+1)); echo "number $i é😀"; [ $((i % 50)) = 0 ] && sleep 0.02; done) &
      while read -r line; do echo "got $line"; [ "$line" = last ] && break; done
      touch ${product.directory}/stop; wait; } | tee ${log}
    echo END`,
  );
  start();
  await viewer.sees(/number 1 /);
  let typed = 0;
  for (let cut = 0; cut < CUTS; cut++) {
    const lines = Math.ceil(LINES / CUTS);
    for (let i = 0; i < lines; i++) {
      viewer.type(`typed ${++typed}\r`);
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 40));
      if (i === Math.floor(lines / 2)) {
        (cut % (CUTS / TUNNEL_CUTS) === 7 ? tunnel : page).cut(KINDS[cut % KINDS.length]);
      }
    }
  }
  viewer.type('last\r');
  await viewer.sees(/END\r\n/, 90_000);
  const shown = afterBegin(viewer.bytes());
  assert.is(viewer.resets, 1, 'nothing had to be painted again');
  assert.is(shown.slice(0, shown.indexOf('END')), asShown(log));
  const got = [...shown.matchAll(/got typed (\d+)\r\n/g)].map((match) => Number(match[1]));
  assert.equal(got, Array.from({ length: typed }, (_, i) => i + 1));
  assert.ok(tunnel.cuts >= TUNNEL_CUTS && page.cuts >= CUTS - TUNNEL_CUTS);
  viewer.close();
});

test('a cut tunnel during `seq 1 200000`, and nothing is missing', async () => {
  const { viewer, start } = await open('echo BEGIN; seq 1 200000; echo END');
  start();
  await viewer.sees(/\n[345]\d{4}\r\n/);
  tunnel.cut();
  await viewer.sees(/END\r\n/, 60_000);
  const expected = `${Array.from({ length: 200_000 }, (_, i) => i + 1).join('\r\n')}\r\nEND\r\n`;
  const shown = afterBegin(viewer.bytes());
  assert.is(shown.length, expected.length);
  assert.ok(shown === expected);
  viewer.close();
});

test('the relay starts again in the middle, and nothing is missing', async () => {
  const file = join(product.directory, 'go');
  const { viewer, start } = await open(
    `echo BEGIN; seq 1 20000; while [ ! -e ${file} ]; do sleep 0.1; done; seq 20001 40000; echo END`,
  );
  start();
  await viewer.sees(/\n20000\r\n/);
  await product.relay!.kill('SIGKILL');
  writeFileSync(file, '');
  await product.startRelay();
  await viewer.sees(/END\r\n/, 60_000);
  assert.ok(existsSync(file));
  assert.is(
    afterBegin(viewer.bytes()),
    `${Array.from({ length: 40_000 }, (_, i) => i + 1).join('\r\n')}\r\nEND\r\n`,
  );
  viewer.close();
});

test.run();

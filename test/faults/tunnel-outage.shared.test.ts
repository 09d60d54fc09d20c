/** The tunnel over a line that is pulled out, and to a machine that sleeps. Mostly waits. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dial } from '../../core/websocket/mod.ts';
import { type NetworkHarness, networkHarness, openFiles, pause } from '../support/harness/network-harness.ts';
import { until } from '../support/harness/tunnel-pair.ts';

let harness: NetworkHarness;
test.before(async () => void (harness = await networkHarness()));
test.after(() => harness?.close());

test('the line is out for 60 s: streams fail clean, others are told at once, then the tunnel is back; nothing is left', async () => {
  await harness.isUp(10_000);
  const files = [openFiles(harness.relay), openFiles(harness.machine)];
  const ended: string[] = [];
  const events = await fetch(`${harness.origin}/api/sse`);
  const readAll = (async () => {
    for await (const _ of events.body!);
  })().then(() => ended.push('clean'), () => ended.push('broken'));
  const socket = await dial(`${harness.origin.replace('http', 'ws')}/api/ws`, { headers: { origin: harness.origin } });
  harness.net.link(false);
  const out = Date.now();
  const waiting = fetch(`${harness.origin}/api/small`).then((response) => response.status, () => 0);
  await readAll;
  assert.equal(ended, ['broken']);
  assert.ok(Date.now() - out < 32_000, `${Date.now() - out} ms until the relay took the machine for dead`);
  assert.is(await waiting, 502);
  assert.is((await socket.closed).code, 1006);
  const asked = Date.now();
  assert.is((await fetch(`${harness.origin}/api/small`)).status, 502);
  assert.ok(Date.now() - asked < 1000);
  await pause(60_000 - (Date.now() - out));
  harness.net.link(true);
  await harness.isUp(15_000);
  assert.is((await fetch(`${harness.origin}/api/small`)).status, 200);
  const open = await (await fetch(`${harness.origin}/api/open`)).text();
  assert.is(open, '0', 'the machine has closed the event stream');
  await pause(1500);
  assert.ok(
    openFiles(harness.relay) <= files[0]! + 2 && openFiles(harness.machine) <= files[1]! + 2,
    'no socket is left',
  );
});

test('the machine sleeps until the relay has given it up, and is back within 10 s of waking', async () => {
  await harness.isUp(30_000);
  harness.machine.child.kill('SIGSTOP');
  await until(() => harness.relay.output().split('machine disconnected').length === 3, 35_000);
  harness.machine.child.kill('SIGCONT');
  await harness.isUp(10_000);
  assert.is((await fetch(`${harness.origin}/api/small`)).status, 200);
});

test.run();

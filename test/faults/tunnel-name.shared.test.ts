/** The relay's name: it stops to resolve, and comes back with another address. Mostly waits. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type NetworkHarness, networkHarness, pause } from '../support/harness/network-harness.ts';
import { until } from '../support/harness/tunnel-pair.ts';

const NAME = 'relay.agent-monitor.test';

let harness: NetworkHarness;
test.before(async () => void (harness = await networkHarness(NAME)));
test.after(() => harness?.close());

test('the name has no address for 40 s, then another one: the tunnel is back within 10 s', async () => {
  await harness.isUp(10_000);
  harness.net.hosts('');
  const address = harness.net.move();
  await until(() => /no address is known|cannot be looked up/.test(harness.machine.output()), 10_000);
  const said = () => harness.machine.output().split('Cannot connect').length;
  const before = said();
  await pause(40_000);
  assert.not(await harness.connected());
  assert.is(said(), before, 'it is said once');
  harness.net.hosts(`${address} ${NAME}\n`);
  await harness.isUp(10_000);
  assert.is((await fetch(`${harness.origin}/api/small`)).status, 200);
});

test.run();

/** The relay's name: it stops to resolve, and comes back with another address. Mostly waits. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type NetworkLab, networkLab, pause } from '../support/network-lab.ts';
import { until } from '../support/tunnel-pair.ts';

const NAME = 'relay.agent-monitor.test';

let lab: NetworkLab;
test.before(async () => void (lab = await networkLab(NAME)));
test.after(() => lab?.close());

test('the name has no address for 40 s, then another one: the tunnel is back within 10 s', async () => {
  await lab.isUp(10_000);
  lab.net.hosts('');
  const address = lab.net.move();
  await until(() => /no address is known|cannot be looked up/.test(lab.machine.output()), 10_000);
  const said = () => lab.machine.output().split('Cannot connect').length;
  const before = said();
  await pause(40_000);
  assert.not(await lab.connected());
  assert.is(said(), before, 'it is said once');
  lab.net.hosts(`${address} ${NAME}\n`);
  await lab.isUp(10_000);
  assert.is((await fetch(`${lab.origin}/api/small`)).status, 200);
});

test.run();

/** Who is connected, since when, and what is told of a machine that is away. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Machines } from '../../relay/machines.ts';
import { handClock } from '../support/hand-clock.ts';
import { ask, tunnelPair, until } from '../support/tunnel-pair.ts';
import type { Handler } from '../../core/http/types.ts';

const fine: Handler = (_req, res) => {
  res.writeHead(200);
  res.end('fine');
};
const END = { code: 1006, reason: '', proven: false, established: true, local: false, slept: false };

test('without a machine there is nothing to tell', () => {
  const machines = new Machines(handClock());
  assert.is(machines.current(), null);
  assert.equal(machines.status(), {
    ...{ connected: false, since: null, lastSeenAt: null, name: '', version: '', address: '', rttMs: null, streams: 0 },
    ...{ streamsTotal: 0, bytesIn: 0, bytesOut: 0, tunnelsTotal: 0 },
  });
});

test('since when it is here, since when it is away, when it was last heard of', async () => {
  const clock = handClock(1_000_000);
  const machines = new Machines(clock);
  const pair = await tunnelPair({ clock, handler: fine });
  clock.advance(1000);
  const machine = machines.add(pair.relay, { name: 'laptop', version: '1' }, '192.0.2.1');
  const here = machines.status();
  assert.equal([here.connected, here.since, here.lastSeenAt, here.name], [true, 1_001_000, 1_000_000, 'laptop']);
  clock.advance(2000);
  machines.remove(machine, END);
  const away = machines.status();
  assert.equal([away.connected, away.since, away.lastSeenAt, away.name], [false, 1_003_000, 1_000_000, 'laptop']);
  await pair.close();
});

test('a machine that drains is away from then on', async () => {
  const clock = handClock(1_000_000);
  const machines = new Machines(clock);
  const pair = await tunnelPair({ clock, handler: fine });
  const machine = machines.add(pair.relay, { name: 'laptop', version: '1' }, '');
  clock.advance(500);
  pair.relay.draining = true;
  machines.draining(machine);
  clock.advance(500);
  assert.equal([machines.status().connected, machines.status().since], [false, 1_000_500]);
  machines.remove(machine, END);
  assert.is(machines.status().since, 1_000_500);
  await pair.close();
});

test('totals go on over several tunnels; the one that was replaced cannot remove its successor', async () => {
  const machines = new Machines();
  const changes: (string | undefined)[] = [];
  const stop = machines.onChange(() => changes.push(machines.current()?.name));
  const [one, two] = [await tunnelPair({ handler: fine }), await tunnelPair({ handler: fine })];
  const first = machines.add(one.relay, { name: 'one', version: '' }, '');
  await ask({ open: () => first.open() } as typeof one.relay);
  const second = machines.add(two.relay, { name: 'two', version: '' }, '');
  assert.is((await one.machineEnded).code, 4001);
  machines.remove(first, END);
  assert.is(machines.current(), second);
  await ask({ open: () => second.open() } as typeof two.relay);
  await until(() => machines.status().streams === 0);
  assert.equal([machines.status().streamsTotal, machines.status().tunnelsTotal], [2, 2]);
  assert.ok(machines.status().bytesIn > one.relay.bytesIn);
  stop();
  machines.remove(second, END);
  assert.equal(changes, ['one', 'two']);
  await Promise.all([one.close(), two.close()]);
});

test.run();

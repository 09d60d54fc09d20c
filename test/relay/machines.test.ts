/** Machines: which is connected, since when, and the status of a machine that is away. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Machines } from '../../relay/machines.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { ask, tunnelPair, until } from '../support/harness/tunnel-pair.ts';
import type { Handler } from '../../core/http/types.ts';

const fine: Handler = (_req, res) => {
  res.writeHead(200);
  res.end('fine');
};

test('without a machine the status is empty', () => {
  const machines = new Machines(fakeClock());
  assert.is(machines.current(), null);
  assert.equal(machines.status(), {
    ...{
      id: '',
      connected: false,
      since: null,
      lastSeenAt: null,
      name: '',
      version: '',
      address: '',
      rttMs: null,
      streams: 0,
    },
    ...{ streamsTotal: 0, bytesIn: 0, bytesOut: 0, tunnelsTotal: 0 },
  });
});

test('status has when the machine connected, when it went away and when it was last seen', async () => {
  const clock = fakeClock(1_000_000);
  const machines = new Machines(clock);
  const pair = await tunnelPair({ clock, handler: fine });
  clock.advance(1000);
  const machine = machines.add(pair.relay, { name: 'laptop', version: '1' }, '192.0.2.1');
  const connected = machines.status();
  assert.equal([connected.connected, connected.since, connected.lastSeenAt, connected.name], [
    true,
    1_001_000,
    1_000_000,
    'laptop',
  ]);
  clock.advance(2000);
  machines.remove(machine);
  const away = machines.status();
  assert.equal([away.connected, away.since, away.lastSeenAt, away.name], [false, 1_003_000, 1_000_000, 'laptop']);
  await pair.close();
});

test('a draining machine is away', async () => {
  const clock = fakeClock(1_000_000);
  const machines = new Machines(clock);
  const pair = await tunnelPair({ clock, handler: fine });
  const machine = machines.add(pair.relay, { name: 'laptop', version: '1' }, '');
  clock.advance(500);
  pair.relay.draining = true;
  machines.draining(machine);
  clock.advance(500);
  assert.equal([machines.status().connected, machines.status().since], [false, 1_000_500]);
  machines.remove(machine);
  assert.is(machines.status().since, 1_000_500);
  await pair.close();
});

test('of several machines the one that connected last and takes requests is that of plain addresses', async () => {
  const machines = new Machines();
  const pairs = await Promise.all(['first', 'second', 'third'].map(() => tunnelPair({ handler: fine })));
  const [first, second, third] = pairs.map((pair, i) =>
    machines.add(pair.relay, { id: `machine-${i}`, name: `lab ${i}`, version: '' }, '')
  );
  const drain = (machine: typeof first) => {
    machine!.session.draining = true;
    machines.draining(machine!);
  };
  try {
    assert.is(machines.current(), third);
    drain(second);
    assert.is(machines.current(), third, 'another one drains');
    drain(third);
    assert.is(machines.current(), first, 'the latest that takes requests, past one that drains');
    drain(first);
    assert.is(machines.current(), first, 'the last one answers for itself');
    assert.equal(machines.list().map(({ available }) => available), [false, false, false]);
    machines.remove(first!);
    assert.is(machines.current(), null, 'none that drains is chosen');
    assert.is(machines.find('machine-2'), third, 'their running requests go on');
  } finally {
    for (const pair of pairs) await pair.close();
  }
});

test('totals continue over several tunnels; a replaced machine cannot remove its successor', async () => {
  const machines = new Machines();
  const changes: (string | undefined)[] = [];
  const stop = machines.onChange(() => changes.push(machines.current()?.name));
  const [firstPair, secondPair] = [await tunnelPair({ handler: fine }), await tunnelPair({ handler: fine })];
  const first = machines.add(firstPair.relay, { name: 'one', version: '' }, '');
  await ask({ open: () => first.open() } as typeof firstPair.relay);
  const second = machines.add(secondPair.relay, { name: 'two', version: '' }, '');
  assert.is((await firstPair.machineEnded).code, 4001);
  machines.remove(first);
  assert.is(machines.current(), second);
  await ask({ open: () => second.open() } as typeof secondPair.relay);
  await until(() => machines.status().streams === 0);
  assert.equal([machines.status().streamsTotal, machines.status().tunnelsTotal], [2, 2]);
  assert.ok(machines.status().bytesIn > firstPair.relay.bytesIn);
  stop();
  machines.remove(second);
  assert.equal(changes, ['one', 'two']);
  await Promise.all([firstPair.close(), secondPair.close()]);
});

test.run();

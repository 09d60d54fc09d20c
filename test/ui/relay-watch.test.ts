import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ASK_EVERY, createRelayWatch } from '../../ui/relay-watch.ts';
import { settle, Timers } from '../support/ui-clock.ts';

class FakeEvents {
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  closed = false;
  close() {
    this.closed = true;
  }
  say(body: unknown) {
    this.onmessage?.({ data: typeof body === 'string' ? body : JSON.stringify(body) });
  }
}

function setup() {
  const timers = new Timers();
  const streams: FakeEvents[] = [];
  let answer: number | { tunnelConnected: boolean } = { tunnelConnected: true };
  let asked = 0;
  let lost = 0;
  let machineUp = 0;
  const watch = createRelayWatch({
    fetch: (() => {
      asked++;
      if (lost > 0) {
        lost--;
        return Promise.reject(new TypeError('a kept connection was closed'));
      }
      if (answer === 0) return Promise.reject(new TypeError('offline'));
      if (typeof answer === 'number') return Promise.resolve(new Response('{}', { status: answer }));
      return Promise.resolve(new Response(JSON.stringify(answer)));
    }) as typeof fetch,
    openEvents: () => streams[streams.push(new FakeEvents()) - 1]!,
    onMachineUp: () => machineUp++,
    now: timers.now,
    setTimeout: timers.setTimeout,
    clearTimeout: timers.clearTimeout,
  });
  const start = async () => {
    watch.start();
    await settle();
    await settle();
  };
  const pass = async (ms: number) => {
    timers.pass(ms);
    await settle();
    await settle();
  };
  return {
    timers,
    streams,
    watch,
    start,
    pass,
    set: (to: typeof answer) => answer = to,
    asked: () => asked,
    lose: (count: number) => lost = count,
    machineUp: () => machineUp,
  };
}

test('a server without a relay in front is asked once and has no such hop', async () => {
  const { watch, start, pass, set, asked, streams } = setup();
  set(404);
  await start();
  await pass(60_000);
  assert.is(watch.state.get().present, false);
  assert.is(asked(), 1);
  assert.is(streams.length, 0);
});

test('all well: one question, then the relay tells', async () => {
  const { watch, start, pass, asked, streams, timers } = setup();
  await start();
  await pass(60_000);
  assert.is(asked(), 1);
  streams[0]!.say({ tunnelConnected: false, uptime: 1 });
  assert.is(watch.state.get().machine, false);
  assert.is(watch.state.get().machineSince, timers.time);
});

test('a fresh page knows since when the machine is away, by its own clock', async () => {
  const { watch, start, set, timers } = setup();
  const now = timers.time + 3_600_000; // the relay's clock is an hour ahead
  const machine = { since: now - 60_000, lastSeenAt: now - 90_000 };
  set({ tunnelConnected: false, now, machine } as { tunnelConnected: boolean });
  await start();
  const { machineSince, machineSeenAt } = watch.state.get();
  assert.equal([machineSince, machineSeenAt], [timers.time - 60_000, timers.time - 90_000]);
});

test('the machine is back: told at once, whoever waits for it hears it', async () => {
  const { start, streams, machineUp } = setup();
  await start();
  streams[0]!.say({ tunnelConnected: false });
  streams[0]!.say({ tunnelConnected: true });
  assert.is(machineUp(), 1);
});

test('a relay that is away is asked again and again, and the outage has one beginning', async () => {
  const { watch, start, pass, set, asked, streams, timers } = setup();
  await start();
  set(0);
  streams[0]!.onerror!({});
  assert.ok(streams[0]!.closed);
  await pass(1000);
  assert.is(watch.state.get().reachable, false);
  const began = watch.state.get().since;
  await pass(ASK_EVERY);
  await pass(ASK_EVERY);
  assert.is(watch.state.get().since, began);
  assert.ok(asked() >= 4);
  set({ tunnelConnected: true });
  await pass(ASK_EVERY);
  assert.is(watch.state.get().reachable, true);
  assert.is(watch.state.get().seenAt, timers.time);
  assert.is(streams.length, 2);
});

test('events that are not understood change nothing', async () => {
  const { watch, start, streams } = setup();
  await start();
  const before = watch.state.get();
  streams[0]!.say('not json');
  streams[0]!.say({ tunnelConnected: 'perhaps' });
  assert.is(watch.state.get().machine, before.machine);
});

test('stopped: no timer, no stream', async () => {
  const { watch, start, set, streams, timers } = setup();
  set({ tunnelConnected: false });
  await start();
  watch.stop();
  assert.is(timers.pending, 0);
  assert.ok(streams[0]!.closed);
});

test('one question that gets lost is asked again at once; only then is the relay called away', async () => {
  const lab = setup();
  await lab.start();
  lab.timers.pass(10);
  const before = lab.asked();
  const seen: (boolean | null)[] = [];
  lab.watch.state.subscribe(() => seen.push(lab.watch.state.get().reachable));
  lab.lose(1);
  lab.watch.ask();
  await settle();
  await settle();
  assert.is(lab.asked(), before + 2);
  assert.ok(seen.every((reachable) => reachable === true), JSON.stringify(seen));
  lab.timers.pass(10);
  lab.lose(2);
  lab.watch.ask();
  await settle();
  await settle();
  assert.is(lab.watch.state.get().reachable, false);
  lab.watch.stop();
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ASK_EVERY, createRelayStatusWatcher } from '../../../ui/net/relay-status.ts';
import { settle, Timers } from '../../support/fakes/ui-clock.ts';

class FakeEvents {
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  closed = false;
  readonly named = new Map<string, (event: any) => void>();
  addEventListener(type: string, listener: (event: any) => void) {
    this.named.set(type, listener);
  }
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
  let questions = 0;
  let lost = 0;
  let machineUp = 0;
  const watch = createRelayStatusWatcher({
    fetch: (() => {
      questions++;
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
    onMachines() {},
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
    questions: () => questions,
    lose: (count: number) => lost = count,
    machineUp: () => machineUp,
  };
}

test('a server without a relay in front is asked once and has no such hop', async () => {
  const { watch, start, pass, set, questions, streams } = setup();
  set(404);
  await start();
  await pass(60_000);
  assert.is(watch.state.value.present, false);
  assert.is(questions(), 1);
  assert.is(streams.length, 0);
});

test('all well: one question, then the relay says so itself', async () => {
  const { watch, start, pass, questions, streams, timers } = setup();
  await start();
  await pass(60_000);
  assert.is(questions(), 1);
  streams[0]!.say({ tunnelConnected: false, uptime: 1 });
  assert.is(watch.state.value.machine, false);
  assert.is(watch.state.value.machineSince, timers.time);
});

test('a fresh page knows since when the machine is away, by its own clock', async () => {
  const { watch, start, set, timers } = setup();
  const now = timers.time + 3_600_000; // the relay's clock is an hour ahead
  const machine = { since: now - 60_000, lastSeenAt: now - 90_000 };
  set({ tunnelConnected: false, now, machine } as { tunnelConnected: boolean });
  await start();
  const { machineSince, machineSeenAt } = watch.state.value;
  assert.equal([machineSince, machineSeenAt], [timers.time - 60_000, timers.time - 90_000]);
});

test('an old machine is said as long as the relay says it', async () => {
  const { watch, start, streams } = setup();
  await start();
  assert.is(watch.state.value.versionWarning, '');
  streams[0]!.say({ tunnelConnected: true, versionWarning: 'The machine is old.' });
  assert.is(watch.state.value.versionWarning, 'The machine is old.');
  streams[0]!.say({ tunnelConnected: true }); // the public part says nothing about it
  assert.is(watch.state.value.versionWarning, 'The machine is old.');
  for (const said of [7, null, '']) streams[0]!.say({ tunnelConnected: true, versionWarning: said });
  assert.is(watch.state.value.versionWarning, '');
});

test('the machine is back: told at once, whoever waits for it hears it', async () => {
  const { start, streams, machineUp } = setup();
  await start();
  streams[0]!.say({ tunnelConnected: false });
  streams[0]!.say({ tunnelConnected: true });
  assert.is(machineUp(), 1);
});

test('a relay that is away is asked again and again, and the outage has one beginning', async () => {
  const { watch, start, pass, set, questions, streams, timers } = setup();
  await start();
  set(0);
  streams[0]!.onerror!({});
  assert.ok(streams[0]!.closed);
  await pass(1000);
  assert.is(watch.state.value.reachable, false);
  const began = watch.state.value.since;
  await pass(ASK_EVERY);
  await pass(ASK_EVERY);
  assert.is(watch.state.value.since, began);
  assert.ok(questions() >= 4);
  set({ tunnelConnected: true });
  await pass(ASK_EVERY);
  assert.is(watch.state.value.reachable, true);
  assert.is(watch.state.value.seenAt, timers.time);
  assert.is(streams.length, 2);
});

test('events that are not understood change nothing', async () => {
  const { watch, start, streams } = setup();
  await start();
  const before = watch.state.value;
  streams[0]!.say('not json');
  streams[0]!.say({ tunnelConnected: 'perhaps' });
  assert.is(watch.state.value.machine, before.machine);
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
  const harness = setup();
  await harness.start();
  harness.timers.pass(10);
  const before = harness.questions();
  const seen: (boolean | null)[] = [];
  harness.watch.state.subscribe(() => seen.push(harness.watch.state.value.reachable));
  harness.lose(1);
  harness.watch.ask();
  await settle();
  await settle();
  assert.is(harness.questions(), before + 2);
  assert.ok(seen.every((reachable) => reachable === true), JSON.stringify(seen));
  harness.timers.pass(10);
  harness.lose(2);
  harness.watch.ask();
  await settle();
  await settle();
  assert.is(harness.watch.state.value.reachable, false);
  harness.watch.stop();
});

test.run();

/** The marker of a CLI that outlives the server: behind what it speaks of on disk, acknowledged last, and never ahead of either. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfoStore } from '../../../agent/session/agent-info-store.ts';
import type { MessageLog } from '../../../agent/session/message-log.ts';
import { RunMarker } from '../../../agent/session/run-marker.ts';
import { firstMarker, parseRunRecord, type RunRecord } from '../../../agent/session/run-record.ts';
import type { HeldSession } from '../../../agent/provider/provider.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { fakeAgents } from '../../support/fakes/fake-agents.ts';

const MIB = 1024 * 1024;
const CLI = { running: true, pid: 1, version: '', seenAt: null };
const USAGE = {
  ...{ costUsd: 1, inputTokens: 2, outputTokens: 3, cacheReadTokens: 4, cacheWriteTokens: 5 },
  ...{ contextTokens: 6, contextWindow: 7, turns: 8 },
};
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

async function setUp() {
  const clock = fakeClock();
  const steps: string[] = [];
  const info = {
    ...await fakeAgents(clock.now, () => {}).create({ directory: '/p' }, 'test'),
    usage: USAGE,
    cli: CLI,
    flags: {},
  };
  const world = { offset: 0, state: { line: 0 }, saved: null as RunRecord | null, refuses: '' };
  const step = (name: string) => {
    steps.push(name);
    return world.refuses === name ? Promise.reject(new Error(name)) : Promise.resolve();
  };
  const held: HeldSession = {
    id: 'holder',
    isTurning: false,
    running: Promise.resolve(),
    get offset() {
      return world.offset;
    },
    snapshot: () => world.state,
    ack: (offset) => void steps.push(`ack ${offset}`),
    detach() {},
  };
  const store = {
    info,
    update: ({ run }: { run: RunRecord }) => void (world.saved = run),
    save: () => step('record'),
  } as unknown as AgentInfoStore;
  const streams = [{ id: 'm', text: 3, inputText: 0, output: 0 }];
  const log = { streamLengths: () => streams, checkpoint: () => step('messages') } as unknown as MessageLog;
  const marker = new RunMarker({
    held,
    stateVersion: 3,
    store,
    clock,
    log: () => log,
    settled: () => step('pictures'),
  });
  return { clock, steps, world, marker, info };
}

test('messages first, then the record, then the holder', async () => {
  const { clock, steps, world, marker, info } = await setUp();
  marker.touch();
  assert.is(clock.pending, 0, 'nothing has come');
  world.offset = 10;
  for (let i = 0; i < 3; i++) marker.touch();
  clock.advance(1999);
  await settle();
  assert.equal(steps, []);
  clock.advance(1);
  await settle();
  assert.equal(steps, ['pictures', 'messages', 'record', 'ack 10']);
  const { state, stateReason, stateText, stateSince, usage } = info;
  assert.equal(world.saved, {
    holder: 'holder',
    offset: 10,
    state: { line: 0 },
    stateVersion: 3,
    info: { state, stateReason, stateText, stateSince, usage },
    streams: [{ id: 'm', text: 3, inputText: 0, output: 0 }],
  });
  assert.equal(parseRunRecord(JSON.parse(JSON.stringify(world.saved)), info), world.saved);
  marker.touch();
  await marker.mark();
  assert.is(steps.length, 4, 'nothing has come since');
});

test('it is of one moment, whatever comes while it is written', async () => {
  const { steps, world, marker } = await setUp();
  world.offset = 10;
  const marking = marker.mark();
  await Promise.resolve();
  world.state.line = 7;
  world.offset = 20;
  await marking;
  assert.equal([world.saved!.offset, world.saved!.state, steps.at(-1)], [10, { line: 0 }, 'ack 10']);
});

test('much output is not waited with', async () => {
  const { steps, world, marker } = await setUp();
  world.offset = 4 * MIB - 1;
  marker.touch();
  await settle();
  assert.equal(steps, []);
  world.offset = 4 * MIB;
  for (let i = 0; i < 3; i++) marker.touch();
  await settle();
  assert.is(steps.at(-1), `ack ${4 * MIB}`);
  assert.is(steps.filter((name) => name === 'record').length, 1);
});

for (const refuses of ['pictures', 'messages', 'record']) {
  test(`${refuses} that cannot be written: nothing is acknowledged until they can`, async () => {
    const { clock, steps, world, marker } = await setUp();
    world.offset = 10;
    world.refuses = refuses;
    marker.touch();
    clock.advance(2000);
    await settle();
    assert.not(steps.some((name) => name.startsWith('ack')));
    world.refuses = '';
    marker.touch();
    clock.advance(2000);
    await settle();
    assert.is(steps.at(-1), 'ack 10');
  });
}

test('after its end nothing is written, not even what was begun', async () => {
  const { clock, steps, world, marker } = await setUp();
  world.offset = 10;
  const marking = marker.mark();
  await Promise.resolve();
  marker.close();
  await marking;
  assert.is(world.saved, null);
  assert.not(steps.includes('record'));
  world.offset = 20;
  marker.touch();
  assert.is(clock.pending, 0);
});

test('the first marker is at the beginning', async () => {
  const { info } = await setUp();
  const { holder, offset, state, streams } = firstMarker('holder', info);
  assert.equal([holder, offset, state, streams], ['holder', 0, null, []]);
});

test.run();

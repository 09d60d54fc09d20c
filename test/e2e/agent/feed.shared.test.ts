/** The live feed of a running server. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomUUID } from 'node:crypto';
import { dial } from '../../../core/websocket/mod.ts';
import type { LiveChange, LiveMessage } from '../../../core/api/live.ts';
import type { Message } from '../../../core/api/messages.ts';
import { LIVE_CLOSE } from '../../../core/api/live-close.ts';
import { type Bench, startBench } from '../../support/harness/agent-server.ts';

let bench: Bench;
test.before(async () => {
  bench = await startBench();
});
test.after(() => bench?.close());

const isIdle = (id: string) => (message: LiveMessage) =>
  message.type === 'event' && message.change.type === 'agent.patch' && message.change.id === id &&
  message.change.patch.state === 'idle';

/** What a dashboard makes of the changes; applying one twice must change nothing. */
function apply(messages: Map<string, Message>, change: LiveChange): void {
  if (change.type === 'message') messages.set(change.message.id, structuredClone(change.message));
  if (change.type === 'message.patch') Object.assign(messages.get(change.id) ?? {}, structuredClone(change.patch));
  if (change.type === 'delta') {
    const message = messages.get(change.id) as Record<string, string> | undefined;
    if (!message) return;
    const old = message[change.field]!;
    assert.ok(change.offset <= old.length, `gap: ${change.offset} > ${old.length}`);
    message[change.field] = old.slice(0, change.offset) + change.text + old.slice(change.offset + change.text.length);
  }
}

test('a first visit gets the snapshot, a watched agent its messages, and then only changes', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, ({ state }) => state === 'idle');
  const client = await bench.live();
  const snapshot = await client.wait(({ type }) => type === 'snapshot');
  assert.ok(snapshot.type === 'snapshot' && snapshot.snapshot.agents.some((agent) => agent.id === id));
  client.send({ type: 'watch', agent: id });
  const page = await client.wait(({ type }) => type === 'messages');
  assert.ok(page.type === 'messages' && page.messages.at(-1)!.kind === 'turn' && page.more === false);
  const from = client.seen.length;
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'long 50 10' });
  await client.wait(isIdle(id));
  assert.ok(client.seen.slice(from).every((message) => message.type === 'event'));
  assert.not(client.changes().some(({ type }) => type === 'agent'));
  client.socket.close();
});

test('the changes give exactly the messages that a fresh reader is given, also when each is applied twice', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, ({ state }) => state === 'idle');
  const client = await bench.live({ watch: [{ agent: id }] });
  const page = await client.wait(({ type }) => type === 'messages');
  const messages = new Map<string, Message>(
    (page as Extract<LiveMessage, { type: 'messages' }>).messages.map((m) => [m.id, m]),
  );
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'size 20000 37 1' });
  await client.wait(isIdle(id));
  for (const change of client.changes()) {
    apply(messages, change);
    apply(messages, change);
  }
  assert.equal([...messages.values()], await bench.messages(id));
  const deltas = client.changes().filter(({ type }) => type === 'delta');
  assert.ok(deltas.length < 100, `${deltas.length} deltas: they are told together`);
  client.socket.close();
});

test('numbers only grow; whoever was away gets exactly what was missed', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, ({ state }) => state === 'idle');
  const whole = await bench.live({ watch: [{ agent: id }] });
  const cut = await bench.live({ watch: [{ agent: id }] });
  const welcome = cut.seen[0] as Extract<LiveMessage, { type: 'welcome' }>;
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'long 60 10' });
  await cut.wait((message) => message.type === 'event' && message.change.type === 'delta');
  cut.socket.terminate();
  const events = (client: { seen: LiveMessage[] }) =>
    client.seen.filter((m): m is Extract<LiveMessage, { type: 'event' }> => m.type === 'event');
  const last = events(cut).at(-1)!.seq;
  await whole.wait(isIdle(id));
  const back = await bench.live({ epoch: welcome.epoch, last, watch: [{ agent: id }] });
  await back.wait(isIdle(id));
  assert.is((back.seen[0] as typeof welcome).resumed, true);
  assert.not(back.seen.some(({ type }) => type === 'snapshot'));
  const missed = events(back).map(({ seq }) => seq);
  // An agent of another test may have said something between the two hellos.
  const since = events(whole).map(({ seq }) => seq).filter((seq) => seq > welcome.seq);
  assert.equal(
    [...events(cut).map(({ seq }) => seq), ...missed],
    since.slice(0, events(cut).length + missed.length),
  );
  for (const client of [whole, back]) client.socket.close();
});

test('another epoch or a number from the future gets a snapshot, never a silent gap', async () => {
  for (const hello of [{ epoch: randomUUID(), last: 1 }, { epoch: '', last: 0 }]) {
    const client = await bench.live(hello);
    assert.is((client.seen[0] as Extract<LiveMessage, { type: 'welcome' }>).resumed, false);
    await client.wait(({ type }) => type === 'snapshot');
    client.socket.close();
  }
  const first = await bench.live();
  const { epoch, seq } = first.seen[0] as Extract<LiveMessage, { type: 'welcome' }>;
  const future = await bench.live({ epoch, last: seq + 1000 });
  await future.wait(({ type }) => type === 'snapshot');
  for (const client of [first, future]) client.socket.close();
});

test('a ping is answered with the number up to which everything has been sent', async () => {
  const client = await bench.live();
  client.send({ type: 'ping', t: 42 });
  const pong = await client.wait(({ type }) => type === 'pong');
  assert.ok(pong.type === 'pong' && pong.t === 42 && pong.seq! >= (client.seen[0] as { seq: number }).seq);
  client.socket.close();
});

/**
 * Types of what is answered to an address and to what is said after it, until the answer to a ping. Events are no answers: agents
 * emit them whenever they like, the one of the test also after it is idle.
 */
async function answersTo(query: string, said: object[]): Promise<string[]> {
  const socket = await dial(`${bench.url.replace('http', 'ws')}/api/live${query}`, { headers: { origin: bench.url } });
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    socket.onmessage = (data) => {
      const { type } = JSON.parse(String(data)) as LiveMessage;
      if (type !== 'event') seen.push(type);
      if (type === 'pong') resolve();
    };
    for (const command of [...said, { type: 'ping', t: 1 }]) socket.send(JSON.stringify(command));
  });
  socket.close();
  return seen;
}

test('a hello in the address is answered without being said, once; what cannot be read there is not said', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, ({ state }) => state === 'idle');
  const hello = { type: 'hello', watch: [{ agent: id }] };
  const queryOf = (text: string) => `?hello=${encodeURIComponent(text)}`;
  const early = queryOf(JSON.stringify(hello));
  const greeting = ['welcome', 'snapshot', 'messages'];
  assert.equal(await answersTo(early, []), [...greeting, 'pong']);
  assert.equal(await answersTo(early, [hello]), [...greeting, 'pong']);
  assert.equal(await answersTo(early, [hello, hello]), [...greeting, ...greeting, 'pong']);
  for (const text of ['', '{', '[]', '{"type":"ping","t":1}', '{"type":"hello","watch":1}']) {
    assert.equal(await answersTo(queryOf(text), []), ['pong'], text);
    assert.equal(await answersTo(queryOf(text), [hello]), [...greeting, 'pong'], text);
  }
});

test('nonsense is answered with an error and nothing breaks', async () => {
  const client = await bench.live();
  const bad = [
    '{',
    '[]',
    '{}',
    '{"type":"x"}',
    '{"type":"watch"}',
    '{"type":"watch","agent":"__proto__"}',
    '{"type":"watch","agent":5}',
    '{"type":"hello","watch":5}',
    '{"__proto__":{"type":"ping"}}',
  ];
  for (const text of bad) client.socket.send(text);
  client.send({ type: 'ping', t: 1 });
  await client.wait(({ type }) => type === 'pong');
  assert.is(client.seen.filter(({ type }) => type === 'error').length, bad.length);
  assert.is(({} as { type?: string }).type, undefined);
  client.socket.close();
});

test('one client cannot watch without bound', async () => {
  const client = await bench.live();
  for (let i = 0; i < 1000; i++) client.socket.send(JSON.stringify({ type: 'watch', agent: randomUUID() }));
  client.send({ type: 'ping', t: 1 });
  await client.wait(({ type }) => type === 'pong');
  assert.ok(client.seen.filter(({ type }) => type === 'error').length >= 1000);
  client.socket.close();
});

test('going down is told with its own code', async () => {
  const own = await startBench();
  const client = await own.live();
  await own.close();
  assert.is((await client.closed).code, LIVE_CLOSE.restart);
});

test.run();

/** A first snapshot in parts: what is in the first, what follows, what never goes missing. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { countAgents } from '../../../core/api/agent-order.ts';
import type { AgentInfo } from '../../../core/api/agents.ts';
import type { LiveCommand, LiveMessage } from '../../../core/api/live.ts';
import { createHttpServer } from '../../../core/http/server.ts';
import { Router } from '../../../core/http/router.ts';
import { silentLog } from '../../../core/log.ts';
import { dial } from '../../../core/websocket/mod.ts';
import { EventLog } from '../../../agent/live/event-log.ts';
import { LiveFeed } from '../../../agent/live/feed.ts';
import { apply, EMPTY } from '../../../ui/state/store.ts';
import { agent } from '../../support/fakes/ui-data.ts';

const COUNT = 700;

/** Agents of every state; every 70th waits for a person, every 50th is archived. */
function manyAgents(): AgentInfo[] {
  const states = ['idle', 'running', 'stopped', 'error', 'idle'] as const;
  return Array.from({ length: COUNT }, (_, i) =>
    agent({
      id: `agent-${i}`,
      state: i % 70 === 69 ? 'waiting_input' : states[i % 5]!,
      activeAt: i,
      ...(i % 50 === 0 ? { archivedAt: 1 } : {}),
    }));
}

/** Says these, each after the answer of the one before. @returns the messages, without the welcome */
async function talk(agents: AgentInfo[], events: EventLog, steps: readonly (LiveCommand | (() => void))[]) {
  const sources = {
    machine: () => null,
    snapshot: () => ({ agents, terminals: [], templates: [], tasks: [], warnings: [] }),
    has: () => true,
    page: () => ({ messages: [], more: false }),
  };
  const feed = new LiveFeed({ events, sources: sources as never });
  const router = new Router().get('/api/live', (req, res) => feed.serve(req, res));
  const server = createHttpServer({ log: silentLog, handler: router.handle });
  const { port } = await server.listen(0, '127.0.0.1');
  const socket = await dial(`ws://127.0.0.1:${port}/api/live`, {});
  const seen: LiveMessage[] = [];
  let onPong = () => {};
  socket.onmessage = (data) => {
    const message = JSON.parse(String(data)) as LiveMessage;
    if (message.type === 'pong') onPong();
    else if (message.type !== 'welcome') seen.push(message);
  };
  for (const step of steps) {
    if (typeof step === 'function') step();
    else socket.send(JSON.stringify(step));
    const answered = new Promise<void>((resolve) => onPong = resolve);
    socket.send('{"type":"ping","t":1}');
    await answered;
  }
  socket.close();
  feed.close();
  await server.close(0);
  return seen;
}

const hello = (more: object = {}): LiveCommand => ({ type: 'hello', first: 60, ...more });
const idsOf = (list: readonly AgentInfo[]) => list.map(({ id }) => id).sort();

test('the first part has all who wait for a person, and with the rest of the counts every filter is right', async () => {
  const agents = manyAgents();
  const [snapshot] = await talk(agents, new EventLog(), [hello()]);
  assert.is(snapshot?.type, 'snapshot');
  if (snapshot?.type !== 'snapshot') return;
  const first = snapshot.snapshot.agents;
  assert.is(first.length, 60);
  assert.is(countAgents(first).waiting, countAgents(agents).waiting);
  const [known, rest, all] = [countAgents(first), snapshot.rest!, countAgents(agents)];
  for (const name of Object.keys(all) as (keyof typeof all)[]) assert.is(known[name] + rest[name], all[name], name);
  assert.is(first.some(({ archivedAt }) => archivedAt), false, 'what is archived is behind');
});

test('more than sixty that wait are all in the first part; one that is watched too', async () => {
  const agents = manyAgents().map((info, i) => i < 100 ? { ...info, state: 'waiting_input' as const } : info);
  const idle = agents.findLast(({ state, archivedAt }) => state === 'idle' && archivedAt)!.id;
  const [snapshot] = await talk(agents, new EventLog(), [hello({ watch: [{ agent: idle }] })]);
  const ids = snapshot?.type === 'snapshot' ? snapshot.snapshot.agents.map(({ id }) => id) : [];
  for (const { id, state } of agents) if (state === 'waiting_input') assert.ok(ids.includes(id), id);
  assert.ok(ids.includes(idle));
});

test('the rest comes in bounded parts until nothing is left: a page has then what a whole snapshot has', async () => {
  const agents = manyAgents();
  const events = new EventLog();
  const change = () => {
    // Of one that the page does not have yet, of one that goes before its turn, and of a new one.
    Object.assign(agents[1]!, { name: 'Renamed' });
    events.publish({ type: 'agent.patch', id: 'agent-1', patch: { name: 'Renamed' } });
    const [gone] = agents.splice(2, 1);
    events.publish({ type: 'agent.removed', id: gone!.id });
    const added = agent({ id: 'added' });
    agents.push(added);
    events.publish({ type: 'agent', agent: added });
  };
  const rest: LiveCommand = { type: 'rest' };
  const seen = await talk(agents, events, [hello(), change, rest, rest, rest]);
  const parts = seen.filter((message) => message.type === 'agents');
  assert.equal(parts.map(({ agents }) => agents.length), [250, 250, COUNT - 60 - 500 - 1]);
  assert.equal(parts.map(({ rest }) => rest !== undefined), [true, true, false]);
  const state = seen.reduce(apply, { ...EMPTY, promisedEpoch: events.epoch });
  assert.is(state.rest, null);
  assert.equal(idsOf(Object.values(state.agents)), idsOf(agents));
  assert.is(state.agents['agent-1']!.name, 'Renamed');
});

test('who does not ask for a first part, or has few agents, gets everything at once; asking for more is harmless', async () => {
  for (const [count, first] of [[COUNT, undefined], [60, 60], [COUNT, 0]] as const) {
    const agents = manyAgents().slice(0, count);
    const [snapshot, more] = await talk(agents, new EventLog(), [
      { type: 'hello', ...(first === undefined ? {} : { first }) },
      { type: 'rest' },
    ]);
    assert.is(snapshot?.type === 'snapshot' && snapshot.snapshot.agents.length, count);
    assert.is(snapshot?.type === 'snapshot' && snapshot.rest, undefined);
    assert.equal(more?.type === 'agents' && more.agents, []);
  }
});

test.run();

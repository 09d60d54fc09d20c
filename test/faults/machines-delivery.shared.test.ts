/**
 * Exactly once with several machines at one relay: each has a conversation of its own, its tunnel is cut again and again, and
 * so are the browser's requests and its network. Every message and every decision is carried out one time, on the machine
 * that it was sent to. FLEET_ROUNDS: how many for each machine (20; 300 when asked).
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { type FleetMachine, startFleet, type TestFleet } from '../support/harness/fleet.ts';
import { until } from '../support/harness/product.ts';
import { StubbornClient } from '../support/harness/stubborn-client.ts';
import { createThrottledLink, CUTS, type ThrottledLink } from '../support/network/throttled-link.ts';

const ROUNDS = Number(process.env.FLEET_ROUNDS ?? 20);
const SEED = Number(process.env.SEED ?? 20261129);
const NAMES = ['desk', 'lab', 'cloud'];
/** Of each machine's tunnel, spread over its rounds; it is back after 1 s, 5 s, 10 s, 20 s. */
const TUNNEL_CUTS = ROUNDS >= 100 ? 4 : 2;
/** In every so many rounds all connections of the browser are cut at once. */
const PAGE_CUT_EVERY = 4;
/** The longest outage of a tunnel, and more, ms. */
const WAIT_MS = 60_000;

interface Lane {
  machine: FleetMachine;
  cable: ThrottledLink;
  client: StubbornClient;
  agent: string;
  /** What was sent to it: messages, and decisions by the id of the request. */
  texts: string[];
  decisions: Map<string, string>;
  attempts: number;
}

let fleet: TestFleet;
let page: ThrottledLink;
const cables = new Map<string, ThrottledLink>();
const logOf = (name: string) => join(tmpdir(), `fake-claude-${process.pid}-${name}.jsonl`);
test.before(async () => {
  for (const name of NAMES) cables.set(name, await createThrottledLink());
  page = await createThrottledLink();
  fleet = await startFleet(NAMES, {
    env: (name) => ({
      ...{ CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent', TERMINAL: 'off' },
      FAKE_CLAUDE_LOG: logOf(name),
    }),
    relayUrl: (name, port) => cables.get(name)!.to(port),
  });
});
test.after(async () => {
  await fleet?.close();
  for (const link of [page, ...cables.values()]) link?.close();
  for (const name of NAMES) rmSync(logOf(name), { force: true });
});

/** An agent on the machine, and a browser that reaches it through the network that is cut. */
async function laneOf(machine: FleetMachine): Promise<Lane> {
  const origin = page.to(fleet.product.relayPort).replace('ws:', 'http:').replace('/tunnel', '');
  const client = new StubbornClient(fleet.product, { prefix: `/m/${machine.id}`, origin, waitMs: WAIT_MS });
  const body = { directory: machine.directory, prompt: 'hello', flags: { worktree: false } };
  const { id } = await client.post('/api/agents', body) as AgentInfo;
  await until('the agent is idle', async () => (await client.info(id)).state === 'idle', WAIT_MS);
  const cable = cables.get(machine.name)!;
  return { machine, cable, client, agent: id, texts: [], decisions: new Map(), attempts: 0 };
}

/** Sends one message and answers the request that it leads to. */
async function exchange(lane: Lane, round: number, random: () => number): Promise<void> {
  const { client, agent, machine } = lane;
  const text = `bash true ${machine.name} ${round}`;
  lane.texts.push(text);
  lane.attempts += await client.stubbornly(random, `/api/agents/${agent}/message`, { text, clientId: randomUUID() });
  const request = await until('the request', async () => {
    const { pending } = await client.info(agent);
    return pending[0] && !lane.decisions.has(pending[0]) ? pending[0] : null;
  }, WAIT_MS);
  const decision = random() < 0.5 ? 'allow' : 'deny';
  lane.decisions.set(request, decision);
  const body = { decision, clientId: randomUUID() };
  lane.attempts += await client.stubbornly(random, `/api/agents/${agent}/permissions/${request}`, body);
}

async function runLane(lane: Lane, random: () => number): Promise<void> {
  const cutEvery = Math.floor(ROUNDS / (TUNNEL_CUTS + 1));
  for (let round = 0; round < ROUNDS; round++) {
    const how = CUTS[Math.floor(random() * CUTS.length)]!;
    // `kill` is for connections that stay: a browser's may be over before `ss` has found it.
    const howPage = CUTS.filter((cut) => cut !== 'kill')[Math.floor(random() * 3)]!;
    const cutsTunnel = round % cutEvery === 0 && round > 0 && round / cutEvery <= TUNNEL_CUTS;
    if (cutsTunnel) setTimeout(() => lane.cable.cut(how), random() * 60);
    if (round % PAGE_CUT_EVERY === 0) setTimeout(() => page.cut(howPage), random() * 60);
    await exchange(lane, round, random);
  }
  await until('the agent is idle', async () => (await lane.client.info(lane.agent)).state === 'idle', WAIT_MS);
}

/** What the machine's CLI got is what was sent to this machine, each once, in its order. */
async function checkLane({ machine, client, agent, texts, decisions }: Lane): Promise<void> {
  const input = readFileSync(logOf(machine.name), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const said = input.filter(({ type }) => type === 'user').map(({ message }) => message.content);
  assert.equal(said, ['hello', ...texts], machine.name);
  const answers = input.filter(({ type }) => type === 'control_response').map(({ response }) => response);
  assert.equal(answers.map(({ request_id }) => request_id), [...decisions.keys()], machine.name);
  for (const { request_id, response } of answers) assert.is(response.behavior, decisions.get(request_id));
  const all = await client.history(agent);
  assert.equal(all.map(({ seq }) => seq), all.map((_, i) => i + 1));
  const requests = all.filter((message): message is RequestMessage => message.kind === 'request');
  assert.is(requests.length, ROUNDS);
  assert.ok(requests.every(({ status }) => status === 'answered'));
}

test(`${ROUNDS} messages and ${ROUNDS} decisions for each of three machines, all cut (seed ${SEED})`, async () => {
  const lanes: Lane[] = [];
  for (const machine of fleet.machines) lanes.push(await laneOf(machine));
  await Promise.all(lanes.map((lane, i) => runLane(lane, seeded(SEED + i))));
  for (const lane of lanes) await checkLane(lane);
  const attempts = lanes.reduce((sum, lane) => sum + lane.attempts, 0);
  const cuts = lanes.map(({ cable }) => cable.cuts);
  console.log(
    `${attempts} attempts for ${6 * ROUNDS} commands; tunnels cut ${cuts.join(' + ')} times, browsers ${page.cuts}`,
  );
  assert.ok(attempts > 6 * ROUNDS);
  assert.equal(cuts, NAMES.map(() => TUNNEL_CUTS));
  assert.ok((await fleet.list()).every(({ connected }) => connected));
});

test.run();

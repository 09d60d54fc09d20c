/**
 * Exactly once, through the relay and the sealed tunnel: the request or the tunnel is cut at a random moment, the client tries
 * again with the same id, and the CLI gets each message and each decision one time, the right one.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, RequestMessage } from '../../core/api/messages.ts';
import { FAKE_CLAUDE, liveClient } from '../support/harness/agent-server.ts';
import { createThrottledLink, type Cut, CUTS, type ThrottledLink } from '../support/network/throttled-link.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { StubbornClient } from '../support/harness/stubborn-client.ts';
import { seeded } from '../support/fakes/seeded.ts';

const ROUNDS = 300;
/** In these rounds the tunnel itself is cut; it is back after 1 s, then 5 s, then 10 s. */
const TUNNEL_CUTS = { message: [60, 200], decision: [130] };
const SEED = Number(process.env.SEED ?? 20260131);

let product: Product;
let cable: ThrottledLink;
/** Between a dashboard and the relay. */
let page: ThrottledLink;
let log: string;
let client: StubbornClient;
test.before(async () => {
  cable = await createThrottledLink();
  page = await createThrottledLink();
  log = join(tmpdir(), `fake-claude-${randomUUID()}.jsonl`);
  product = await startProduct({
    relayUrl: (port) => cable.to(port),
    agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent', TERMINAL: 'off', FAKE_CLAUDE_LOG: log },
  });
  client = new StubbornClient(product);
  mkdirSync(join(product.directory, 'project'));
});
test.after(async () => {
  await product?.close();
  cable?.close();
  page?.close();
  rmSync(log, { force: true });
});

test(`${ROUNDS} messages and ${ROUNDS} decisions, each cut at a random moment (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  const agent = await client.post('/api/agents', {
    directory: join(product.directory, 'project'),
    prompt: 'hello',
  }) as AgentInfo;
  await until('the agent is idle', async () => (await client.info(agent.id)).state === 'idle');
  const wanted = new Map<string, string>();
  const texts: string[] = [];
  let attempts = 0;

  for (let round = 0; round < ROUNDS; round++) {
    const text = `bash true ${round}`;
    texts.push(text);
    if (TUNNEL_CUTS.message.includes(round)) setTimeout(() => cable.cut(CUTS[round % CUTS.length]), random() * 40);
    attempts += await client.stubbornly(random, `/api/agents/${agent.id}/message`, { text, clientId: randomUUID() });
    const request = await until('the request', async () => {
      const { pending } = await client.info(agent.id);
      return pending[0] && !wanted.has(pending[0]) ? pending[0] : null;
    });
    const decision = random() < 0.5 ? 'allow' : 'deny';
    wanted.set(request, decision);
    if (TUNNEL_CUTS.decision.includes(round)) setTimeout(() => cable.cut(CUTS[round % CUTS.length]), random() * 40);
    attempts += await client.stubbornly(random, `/api/agents/${agent.id}/permissions/${request}`, {
      decision,
      clientId: randomUUID(),
    });
  }
  await until('the agent is idle', async () => (await client.info(agent.id)).state === 'idle');

  const input = readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const answers = input.filter(({ type }) => type === 'control_response').map(({ response }) => response);
  assert.is(answers.length, ROUNDS);
  for (const { request_id, response } of answers) assert.is(response.behavior, wanted.get(request_id));
  assert.is(new Set(answers.map(({ request_id }) => request_id)).size, ROUNDS);
  const said = input.filter(({ type }) => type === 'user').map(({ message }) => message.content);
  assert.equal(said, ['hello', ...texts]);
  console.log(`${attempts} attempts for ${2 * ROUNDS} commands, ${cable.cuts} tunnels cut`);
  assert.ok(attempts > 2.2 * ROUNDS && cable.cuts === 3);

  const all = await client.history(agent.id);
  assert.equal(all.map(({ seq }) => seq), all.map((_, i) => i + 1));
  const requests = all.filter((message): message is RequestMessage => message.kind === 'request');
  assert.ok(requests.every(({ status }) => status === 'answered'));
});

test('a dashboard that is cut 50 times, in every way, sees the same as one that is not', async () => {
  const random = seeded(SEED + 1);
  const agent = await client.post('/api/agents', {
    directory: join(product.directory, 'project'),
    prompt: 'hello',
  }) as AgentInfo;
  await until('the agent is idle', async () => (await client.info(agent.id)).state === 'idle');
  const shown = new Map<string, Message>();
  let cursor: { epoch?: string; last?: number } = {};
  const origin = page.to(product.relayPort).replace('ws:', 'http:').replace('/tunnel', '');
  const visit = async (ms: number, how: Cut) => {
    const live = await liveClient(origin, { ...cursor, watch: [{ agent: agent.id }] }, {
      cookie: await client.cookie(),
    });
    await new Promise((resolve) => setTimeout(resolve, ms));
    page.cut(how);
    await live.closed;
    for (const message of live.seen) {
      if (message.type === 'welcome') {
        cursor = { epoch: message.epoch, last: message.resumed ? cursor.last! : message.seq };
      }
      if (message.type === 'messages') { for (const entry of message.messages) shown.set(entry.id, entry); }
      if (message.type === 'event') {
        show(shown, message.change);
        cursor.last = message.seq;
      }
    }
  };
  await visit(200, 'end');
  await client.post(`/api/agents/${agent.id}/message`, { text: 'size 50000 17 2' });
  for (let i = 0; i < 50; i++) await visit(random() * 120, CUTS[i % CUTS.length]!);
  await until('the agent is idle', async () => (await client.info(agent.id)).state === 'idle');
  await visit(300, 'destroy');
  assert.equal([...shown.values()].sort((a, b) => a.seq - b.seq), await client.history(agent.id));
});

/** Applies a change as a dashboard does. */
function show(shown: Map<string, Message>, change: any): void {
  if (change.type === 'message') shown.set(change.message.id, structuredClone(change.message));
  if (change.type === 'message.patch') Object.assign(shown.get(change.id)!, change.patch);
  if (change.type === 'delta') {
    const message = shown.get(change.id) as any;
    const old: string = message[change.field];
    assert.ok(change.offset <= old.length, `a gap of ${change.offset - old.length}`);
    message[change.field] = old.slice(0, change.offset) + change.text + old.slice(change.offset + change.text.length);
  }
}

test.run();

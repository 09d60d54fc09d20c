/**
 * Exactly once with an agent of the protocol, through the relay and the sealed tunnel: as in delivery.test.ts, requests and the
 * tunnel are cut at random moments, and the agent gets each prompt and each answer one time, the right one.
 *
 *   ACP_ROUNDS   how many; 20 by default, 100 for the whole of it
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { RequestMessage } from '../../core/api/messages.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { FAKE_ACP } from '../support/harness/acp-session.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';
import { StubbornClient } from '../support/harness/stubborn-client.ts';
import { createThrottledLink, CUTS, type ThrottledLink } from '../support/network/throttled-link.ts';

const ROUNDS = Number(process.env.ACP_ROUNDS ?? 20);
const SEED = Number(process.env.SEED ?? 20260131);
/** The last turn may have waited for a tunnel that was cut. */
const IDLE_MS = 60_000;
/** In these rounds the tunnel itself is cut. */
const TUNNEL_CUTS = { message: Math.floor(ROUNDS / 4), decision: Math.floor(ROUNDS / 2) };

let product: Product;
let cable: ThrottledLink;
let client: StubbornClient;
test.before(async () => {
  cable = await createThrottledLink();
  product = await startProduct({
    relayUrl: (port) => cable.to(port),
    agentEnv: { CLAUDE_BIN: '/nonexistent', CODEX_BIN: '/nonexistent', TERMINAL: 'off' },
  });
  client = new StubbornClient(product);
  mkdirSync(join(product.directory, 'project'));
});
test.after(async () => {
  await product?.close();
  cable?.close();
});

const log = () => join(product.directory, 'acp.jsonl');

/** What the agent read: prompts in their order, and its requests with the options that were chosen. */
function read() {
  const lines = readFileSync(log(), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  return {
    prompts: lines.filter(({ method }) => method === 'session/prompt').map(({ params }) => params.prompt[0].text),
    answers: lines.filter(({ method, result }) => !method && result?.outcome)
      .map(({ id, result }) => [id, result.outcome.optionId] as [string, string]),
  };
}

test(`${ROUNDS} prompts and ${ROUNDS} decisions, each cut at a random moment (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  const acpAgents = [{ id: 'fake', name: 'Fake', command: FAKE_ACP, args: [], env: { ACP_LOG: log() } }];
  await client.post('/api/settings', { acpAgents }, 'PUT');
  const agent = await client.post('/api/agents', {
    provider: 'fake',
    directory: join(product.directory, 'project'),
    prompt: 'hello',
  }) as AgentInfo;
  let last = '';
  const isIdle = () =>
    until(() => `the agent is idle: ${last}`, async () => {
      const info = await client.info(agent.id);
      last = JSON.stringify(info);
      return info.state === 'idle';
    }, IDLE_MS);
  await isIdle();
  const texts: string[] = [];
  const wanted: string[] = [];
  const seen = new Set<string>();
  let attempts = 0;
  for (let round = 0; round < ROUNDS; round++) {
    texts.push(`ask ${round}`);
    if (round === TUNNEL_CUTS.message) setTimeout(() => cable.cut(CUTS[0]), random() * 40);
    const path = `/api/agents/${agent.id}`;
    attempts += await client.stubbornly(random, `${path}/message`, { text: texts.at(-1), clientId: randomUUID() });
    const request = await until('the request', async () => {
      const { pending } = await client.info(agent.id);
      return pending[0] && !seen.has(pending[0]) ? pending[0] : null;
    });
    seen.add(request);
    const [decision, option] = ([['allow', 'once'], ['deny', 'no'], ['option:always', 'always']] as const)[
      Math.floor(random() * 3)
    ]!;
    wanted.push(option);
    if (round === TUNNEL_CUTS.decision) setTimeout(() => cable.cut(CUTS[1]), random() * 40);
    attempts += await client.stubbornly(random, `${path}/permissions/${request}`, { decision, clientId: randomUUID() });
  }
  await isIdle();

  const { prompts, answers } = read();
  assert.equal(prompts, ['hello', ...texts]);
  assert.equal(answers.map(([, option]) => option), wanted);
  assert.is(new Set(answers.map(([id]) => id)).size, ROUNDS);
  console.log(`${attempts} attempts for ${2 * ROUNDS} commands, ${cable.cuts} tunnels cut`);
  assert.ok(attempts > 2.2 * ROUNDS && cable.cuts === 2);
  const all = await client.history(agent.id);
  assert.equal(all.map(({ seq }) => seq), all.map((_, i) => i + 1));
  const requests = all.filter((message): message is RequestMessage => message.kind === 'request');
  assert.ok(requests.every(({ status }) => status === 'answered'));
});

test.run();

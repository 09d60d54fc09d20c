/** What many agents and several dashboards cost. Prints its figures. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { FAKE_CLAUDE, type LiveClient, liveClient } from '../support/harness/agent-server.ts';
import { createThrottledLink, type ThrottledLink } from '../support/network/throttled-link.ts';
import {
  plainEnv,
  type Product,
  type Program,
  ROOT,
  startProduct,
  startProgram,
  until,
} from '../support/harness/product.ts';

const PROBE = `--import file://${join(ROOT, 'test/support/harness/loop-probe.mjs')}`;
/** How long the event loop may be held up, ms. */
const P99_MS = 50;
const STALL_MS = 200;

let product: Product;
/** A process that does nothing: what it is held up is the machine's doing, not ours. */
let idler: Program;
let cable: ThrottledLink;
test.before(async () => {
  cable = await createThrottledLink();
  product = await startProduct({
    relayUrl: (port) => cable.to(port),
    agentEnv: {
      CLAUDE_BIN: FAKE_CLAUDE,
      CODEX_BIN: '/nonexistent',
      TERMINAL: 'off',
      NODE_OPTIONS: PROBE,
    },
  });
  mkdirSync(join(product.directory, 'project'));
  idler = startProgram(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], plainEnv({ NODE_OPTIONS: PROBE }));
});
test.after(async () => {
  await idler?.kill();
  await product?.close();
  cable?.close();
});

async function api(method: string, path: string, body?: unknown) {
  const response = await fetch(product.localUrl + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return await response.json() as any;
}
const create = (prompt: string): Promise<AgentInfo> =>
  api('POST', '/api/agents', { directory: join(product.directory, 'project'), prompt });
const say = (id: string, text: string) => api('POST', `/api/agents/${id}/message`, { text });
const turns = (id: string, count: number) =>
  until(`turn ${count}`, async () => (await api('GET', `/api/agents/${id}`)).usage.turns >= count, 60_000);

async function dashboard(agents: string[]): Promise<LiveClient> {
  return await liveClient(product.relayUrl, { watch: agents.map((agent) => ({ agent })) }, {
    cookie: await product.login(),
  });
}

interface Loop {
  p50: number;
  p99: number;
  max: number;
  cpu: number;
  rssMiB: number;
}

/** What the probe in this process has measured since it was asked last. */
async function loop(program: Program = product.agent!): Promise<Loop> {
  const count = () => program.output().split('LOOP ').length;
  const before = count();
  process.kill(program.child.pid!, 'SIGUSR2');
  await until('the probe', () => count() > before);
  return JSON.parse(program.output().split('LOOP ').at(-1)!.split('\n')[0]!);
}

test('a 20 KB answer to 3 dashboards costs what it weighs, not a multiple of the history', async () => {
  const { id } = await create('hello');
  await turns(id, 1);
  for (let turn = 2; turn <= 66; turn++) {
    await say(id, 'hello again');
    await turns(id, turn);
  }
  assert.ok((await api('GET', `/api/agents/${id}`)).lastSeq > 190);
  const dashboards = await Promise.all([1, 2, 3].map(() => dashboard([id])));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const before = cable.bytes;
  await say(id, 'size 20000 20 5');
  await turns(id, 67);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const cost = cable.bytes - before;
  console.log(`20,000 characters to 3 dashboards in 1,000 deltas: ${cost} bytes on the tunnel`);
  assert.ok(cost < 3 * 40 * 1024 + 20 * 1024, `${cost}`);
  for (const { socket } of dashboards) socket.close();
});

/**
 * The machine may be busy with other things, so the best of a few measurements counts: what the server itself does is in
 * every one of them.
 */
async function best(measure: () => Promise<number>, limit: number): Promise<void> {
  const seen: number[] = [];
  while (seen.length < 3) {
    seen.push(await measure());
    if (seen.at(-1)! < limit) return;
  }
  assert.unreachable(`not below ${limit} ms: ${seen}`);
}

test('20 agents stream at once and the event loop stays free', async () => {
  const agents: string[] = [];
  for (let i = 0; i < 20; i++) {
    const { id } = await create('hello');
    agents.push(id);
    await turns(id, 1);
  }
  const viewer = await dashboard(agents);
  let turn = 1;
  await best(async () => {
    turn++;
    await loop();
    await loop(idler);
    await Promise.all(agents.map((id) => say(id, 'size 30000 80 20')));
    await new Promise((resolve) => setTimeout(resolve, 6000));
    const [seen, idle] = await Promise.all([loop(), loop(idler)]);
    await Promise.all(agents.map((id) => turns(id, turn)));
    console.log(
      `20 agents x 50 deltas/s: event loop p50 ${seen.p50} ms, p99 ${seen.p99} ms, max ${seen.max} ms ` +
        `(a process that does nothing: ${idle.p99}, ${idle.max}); CPU ${seen.cpu}, RSS ${seen.rssMiB} MiB`,
    );
    return seen.p99;
  }, P99_MS);
  assert.ok(viewer.changes().some(({ type }) => type === 'delta'));
  viewer.socket.close();
});

test('a line of 64 MiB holds the event loop for less than 200 ms', async () => {
  const { id } = await create('hello');
  await turns(id, 1);
  let turn = 1;
  await best(async () => {
    await loop();
    await say(id, 'bigline 64');
    await turns(id, ++turn);
    const seen = await loop();
    console.log(`a 64 MiB line: event loop max ${seen.max} ms, RSS ${seen.rssMiB} MiB`);
    return seen.max;
  }, STALL_MS);
});

test.run();

/** The agent server is killed with -9, again and again: what was acknowledged is there, what ran goes on or is ended, nothing is run twice. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { killAll } from '../support/harness/kill-all.ts';
import { plainEnv, type Product, ROOT, startProduct, startProgram, until } from '../support/harness/product.ts';
import { seeded } from '../support/fakes/seeded.ts';

let product: Product;
let project: string;
test.before(async () => {
  product = await startProduct({
    withRelay: false,
    agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent', TERMINAL: 'off' },
  });
  project = join(product.directory, 'project');
  mkdirSync(project);
});
test.after(() => product?.close());

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(product.localUrl + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, body: await response.json() as any };
}
const create = async (prompt: string) =>
  (await call('POST', '/api/agents', { directory: project, prompt })).body as AgentInfo;
const info = async (id: string) => (await call('GET', `/api/agents/${id}`)).body as AgentInfo;
const messages = async (id: string) =>
  (await call('GET', `/api/agents/${id}/messages?limit=1000`)).body.messages as Message[];
async function fits(id: string, check: (info: AgentInfo) => boolean): Promise<AgentInfo> {
  await until(`agent ${id}`, async () => check(await info(id)), 15_000);
  return await info(id);
}

/** Living processes of this product's fake CLIs and of what they started. */
function living(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
      const state = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '')[0];
      return environ.includes(`AGENT_MONITOR_DATA=${product.dataDir}\0`) && state !== 'Z';
    } catch {
      return false;
    }
  });
}

test('kill -9 of all with agents at work, asking, stubborn and idle: after the start all is put right', async () => {
  const asking = await create('bash touch never.txt');
  const stubborn = await create('stubborn');
  const streaming = await create('long 5000 20');
  const idle = await create('hello');
  await fits(asking.id, ({ pending }) => pending.length === 1);
  await fits(stubborn.id, ({ state }) => state === 'running');
  await fits(streaming.id, ({ preview }) => preview.includes('word'));
  await fits(idle.id, ({ state }) => state === 'idle');
  await until('three children of the stubborn one', () => living().length >= 11);
  const request = (await info(asking.id)).pending[0]!;

  await killAll(product);
  await product.startAgent();

  assert.equal(living(), []);
  for (const agent of [asking, stubborn, streaming, idle]) {
    const now = await info(agent.id);
    assert.equal([now.state, now.stateReason], agent === idle ? ['idle', 'reaped'] : ['stopped', 'interrupted']);
    assert.is(now.resumable, true);
    assert.is(now.cli.running, false);
    assert.equal(now.pending, []);
  }
  const card = (await messages(asking.id)).find(({ id }) => id === request) as Extract<Message, { kind: 'request' }>;
  assert.is(card.status, 'expired');
  const late = await call('POST', `/api/agents/${asking.id}/permissions/${request}`, { decision: 'allow' });
  assert.is(late.status, 410);
  assert.not(existsSync(join(project, 'never.txt')));
  const text = (await messages(streaming.id)).find(({ kind }) => kind === 'text') as Extract<Message, { kind: 'text' }>;
  assert.is(text.done, true);

  await call('POST', `/api/agents/${idle.id}/message`, { text: 'and again' });
  const resumed = await fits(idle.id, ({ state }) => state === 'idle');
  assert.is(resumed.sessionId, (await info(idle.id)).sessionId);
  const said = (await messages(idle.id)).filter(({ kind }) => kind === 'text') as Extract<Message, { kind: 'text' }>[];
  assert.is(said.at(-1)!.text, 'You said: and again');
});

test('kill -9 of all right behind the 200 of a decision: the record has that decision, and that the agent ended first', async () => {
  const { id } = await create('bash sleep 30 && touch late.txt');
  const { pending } = await fits(id, ({ pending }) => pending.length === 1);
  const path = `/api/agents/${id}/permissions/${pending[0]}`;
  const body = { decision: 'allow', clientId: randomUUID() };
  // It takes the decision and does not get to confirm it.
  process.kill((await info(id)).cli.pid!, 'SIGSTOP');
  assert.is((await call('POST', path, body)).status, 200);
  await killAll(product);
  await product.startAgent();
  const message = (await messages(id)).find((message) => message.id === pending[0]);
  const { status, decision } = message as Extract<Message, { kind: 'request' }>;
  assert.equal([status, decision?.decision, decision?.clientId], ['expired', 'allow', body.clientId]);
  const again = await call('POST', path, body);
  assert.equal([again.status, again.body.code], [410, 'request_gone']);
  assert.match(again.body.error, 'before the agent acted on the decision');
});

test('a process with the number of a CLI that is gone is not touched', async () => {
  const { id } = await create('hello');
  await fits(id, ({ state }) => state === 'idle');
  const path = join(product.dataDir, 'agents', id, 'agent.json');
  // The end of a turn is shown before it is on disk: killed between the two, the agent counts as interrupted.
  await until('the end of the turn on disk', () => JSON.parse(readFileSync(path, 'utf8')).info.state === 'idle');
  await killAll(product);
  const record = JSON.parse(readFileSync(path, 'utf8'));
  // As if the number had been given to this very test since.
  writeFileSync(path, JSON.stringify({ ...record, process: { ...record.process, pid: process.pid, mark: 'x' } }));
  await product.startAgent();
  assert.is((await info(id)).stateReason, 'reaped');
});

test('12 kills at random moments: every message that was acknowledged is there, once', async () => {
  const { id } = await create('hello');
  await fits(id, ({ state }) => state === 'idle');
  const acknowledged: string[] = [];
  const random = seeded(4711);
  for (let round = 0; round < 12; round++) {
    const sending = (async () => {
      for (let i = 0; i < 50; i++) {
        const clientId = randomUUID();
        const { status } = await call('POST', `/api/agents/${id}/message`, { text: `${round}.${i}`, clientId });
        if (status === 200) acknowledged.push(clientId);
      }
    })().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20 + random() * 150));
    await product.agent!.kill('SIGKILL');
    await sending;
    await product.startAgent();
  }
  const all: Message[] = [];
  for (;;) {
    const page = (await call('GET', `/api/agents/${id}/messages?after=${all.at(-1)?.seq ?? 0}&limit=1000`)).body
      .messages as Message[];
    if (!page.length) break;
    all.push(...page);
  }
  assert.equal(all.map(({ seq }) => seq), all.map((_, i) => i + 1));
  const ids = all.map((message) => message.id);
  assert.is(new Set(ids).size, ids.length);
  assert.ok(acknowledged.length > 12, `${acknowledged.length} acknowledged`);
  for (const clientId of acknowledged) assert.ok(ids.includes(clientId), `${clientId} is lost`);
  const { machine } = (await call('GET', '/api/health')).body;
  assert.ok(machine);
});

test('a second server on the same data folder refuses and names the pid', async () => {
  const second = startProgram(
    process.execPath,
    ['--import', 'tsx', 'agent/main.ts'],
    plainEnv({ PORT: '0', DATA_DIR: product.dataDir }),
    ROOT,
  );
  await new Promise((resolve) => second.child.once('exit', resolve));
  assert.is(second.child.exitCode, 1);
  assert.match(second.output(), `pid ${product.agent!.child.pid}`);
});

test('SIGTERM leaves the CLI that is at work, says so, and ends the others', async () => {
  const { id } = await create('long 5000 20');
  const idle = await create('hello');
  await fits(id, ({ preview }) => preview.includes('word'));
  await fits(idle.id, ({ state }) => state === 'idle');
  await product.agent!.kill('SIGTERM');
  assert.is(product.agent!.child.exitCode, 0);
  assert.match(product.agent!.output(), '1 agent goes on without the server');
  await until('a holder and its CLI are left', () => living().length === 2);
  assert.not(existsSync(join(product.dataDir, 'lock')));
  await product.startAgent();
  assert.equal([(await info(id)).state, (await info(idle.id)).stateReason], ['running', 'reaped']);
  assert.not((await messages(id)).some((message) => message.kind === 'notice' && message.code === 'interrupted'));
  await call('POST', `/api/agents/${id}/stop`);
  await until('nothing is left', () => living().length === 0);
});

test('a wrong setting stops the start with a sentence that names it', async () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ PORT: 'x' }, /PORT/],
    [{ RELAY_URL: 'wss://example.org' }, /RELAY_TOKEN/],
    [{ HOST: '0.0.0.0' }, /DASHBOARD_PASSWORD/],
    [{ SMTP_HOST: 'a', SMTP_FROM: 'b', SMTP_PORT: '99999' }, /SMTP_PORT/],
    [{ SLACK_WEBHOOK_URL: 'nonsense' }, /SLACK_WEBHOOK_URL/],
  ];
  for (const [env, pattern] of wrong) {
    const program = startProgram(
      process.execPath,
      ['--import', 'tsx', 'agent/main.ts'],
      plainEnv({ PORT: '0', DATA_DIR: join(product.directory, 'other'), ...env }),
      ROOT,
    );
    await new Promise((resolve) => program.child.once('exit', resolve));
    assert.is(program.child.exitCode, 1);
    assert.match(program.output(), pattern);
    assert.is(program.output().trim().split('\n').length, 1);
  }
});

test.run();

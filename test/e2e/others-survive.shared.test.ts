/** Codex and the agents of the Agent Client Protocol outlive the server as Claude Code does (agents-survive.shared.test.ts). */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message, MessagePage } from '../../core/api/messages.ts';
import { holderDirectory, readRecords } from '../../agent/process/holder/records.ts';
import { isSameProcess } from '../../agent/process/identity.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { FAKE_ACP } from '../support/harness/acp-session.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';

const KILLS = Number(process.env.KILLS ?? 4);
const RESTARTS = Number(process.env.RESTARTS ?? 2);
const SEED = Number(process.env.SEED ?? 20261130);
const WAIT_MS = 30_000;
const FAKE_CODEX = fileURLToPath(new URL('../support/fakes/fake-codex.mjs', import.meta.url));

interface Kind {
  provider: string;
  ask(round: number): string;
  /** Its input, line by line. */
  log(): string;
  /** What a message says to it. */
  textOf(line: any): string | null;
}

let product: Product;
let project: string;
const logOf = (name: string) => join(project, `${name}.jsonl`);
const KINDS: Kind[] = [{
  provider: 'codex',
  ask: (round) => `run echo ${round}`,
  log: () => logOf('codex'),
  textOf: ({ method, params }) => method === 'turn/start' || method === 'turn/steer' ? params.input[0].text : null,
}, {
  provider: 'fake',
  ask: (round) => `ask ${round}`,
  log: () => logOf('acp'),
  textOf: ({ method, params }) => method === 'session/prompt' ? params.prompt[0].text : null,
}];

test.before(async () => {
  const directory = join(process.env.TMPDIR ?? '/tmp', `others-${randomUUID()}`);
  project = join(directory, 'project');
  mkdirSync(project, { recursive: true });
  const env = { CLAUDE_BIN: '/nonexistent', CODEX_BIN: FAKE_CODEX, FAKE_CODEX_LOG: logOf('codex'), TERMINAL: 'off' };
  product = await startProduct({ withRelay: false, agentEnv: env });
  const acpEnv = { ACP_LOG: logOf('acp'), ACP_SCRIPT: JSON.stringify({ unique: true }) };
  const acpAgents = [{ id: 'fake', name: 'Fake', command: FAKE_ACP, args: [], env: acpEnv }];
  assert.is((await call('PUT', '/api/settings', { acpAgents })).status, 200);
});
test.after(() => product?.close());

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(product.localUrl + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, body: await response.json() as AgentInfo & MessagePage };
}
async function create(provider: string, prompt: string): Promise<AgentInfo> {
  const { status, body } = await call('POST', '/api/agents', {
    ...{ provider, prompt, directory: project, flags: { worktree: false } },
  });
  assert.is(status, 201, JSON.stringify(body));
  return body;
}
const info = async (id: string) => (await call('GET', `/api/agents/${id}`)).body as AgentInfo;
const messages = async (id: string) =>
  (await call('GET', `/api/agents/${id}/messages?limit=1000`)).body.messages as Message[];
async function send(id: string, text: string, clientId: string = randomUUID()): Promise<string> {
  const { status, body } = await call('POST', `/api/agents/${id}/message`, { text, clientId });
  assert.is(status, 200, JSON.stringify(body));
  return clientId;
}
async function fits(id: string, check: (info: AgentInfo) => boolean): Promise<AgentInfo> {
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    const now = await info(id);
    if (check(now)) return now;
    await pause(30);
  }
  const seen = JSON.stringify([await info(id), (await messages(id)).slice(-4)]);
  throw new Error(`not seen: ${check}\n${seen}\n${product.agent!.output().slice(-3000)}`);
}
const isIdle = ({ state, queue }: AgentInfo) => state === 'idle' && !queue.length;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const records = () => readRecords(holderDirectory(product.dataDir));
async function restart(signal: NodeJS.Signals): Promise<void> {
  await product.agent!.kill(signal);
  await product.startAgent();
}
const input = ({ log }: Kind): any[] =>
  existsSync(log()) ? readFileSync(log(), 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
const textsOf = (kind: Kind) => input(kind).flatMap((line) => kind.textOf(line) ?? []);
/** Seq without a gap, ids without a double, and no word of an end. */
function assertWhole(all: Message[]): void {
  assert.equal(all.map(({ seq }) => seq), all.map((_, i) => i + 1));
  assert.is(new Set(all.map(({ id }) => id)).size, all.length);
  const notices = all.flatMap((message) => message.kind === 'notice' && message.level !== 'info' ? [message] : []);
  assert.equal(notices, []);
}
const count = (all: Message[], kind: Message['kind']) => all.filter((message) => message.kind === kind).length;

for (const kind of KINDS) {
  test(`${kind.provider}: turns that stream, ask and answer go on through kills and restarts`, async () => {
    const random = seeded(SEED);
    const writer = await create(kind.provider, 'size 3000 10');
    const asker = await create(kind.provider, 'hi');
    await fits(asker.id, isIdle);
    const rounds = [...Array(KILLS).fill('SIGKILL'), ...Array(RESTARTS).fill('SIGTERM')] as NodeJS.Signals[];
    const answersBefore = input(kind).filter(({ method }) => !method).length;
    for (const [i, signal] of rounds.entries()) {
      if (i > 0) await send(writer.id, `size ${3000 + 20 * i} 10`);
      await send(asker.id, kind.ask(i));
      const pending = (await fits(asker.id, (now) => now.pending.length === 1)).pending[0]!;
      const clientId = randomUUID();
      const decide = () =>
        call('POST', `/api/agents/${asker.id}/permissions/${pending}`, { decision: 'allow', clientId });
      // Every second time the request waits for a person while there is no server; else its answer is on the way.
      if (i % 2) assert.is((await decide()).status, 200);
      await pause(random() * 150);
      await restart(signal);
      if (i % 2 === 0) {
        const now = await info(asker.id);
        assert.equal([now.pending, now.state], [[pending], 'waiting_input'], 'the request is open');
        assert.is((await decide()).status, 200);
      }
      await fits(asker.id, isIdle);
      await fits(writer.id, isIdle);
    }
    const [written, asked] = [await messages(writer.id), await messages(asker.id)];
    for (const all of [written, asked]) assertWhole(all);
    const lengths = written.flatMap((message) => message.kind === 'text' ? [message.text.length] : []);
    assert.equal(lengths, rounds.map((_, i) => 3000 + 20 * i));
    assert.equal([count(written, 'turn'), count(asked, 'turn')], [rounds.length, rounds.length + 1]);
    const requests = asked.flatMap((message) => message.kind === 'request' ? [message.status] : []);
    assert.equal(requests, rounds.map(() => 'answered'));
    const answers = input(kind).filter(({ method }) => !method).length - answersBefore;
    assert.is(answers, rounds.length, 'each decision was delivered once');
    assert.is(new Set(textsOf(kind)).size, textsOf(kind).length, 'each message was given once');
    const ids = input(kind).filter(({ method, id }) => method && id !== undefined).map(({ id }) => id);
    const bytes = lengths.reduce((total, length) => total + length, 0);
    console.log(
      `${kind.provider}: ${rounds.length} ends of the server, ${2 * rounds.length + 1} turns, ${bytes} characters, ` +
        `${answers} decisions, ${ids.length} requests of ours`,
    );
    for (const { id } of [writer, asker]) await call('DELETE', `/api/agents/${id}`);
  });

  test(`${kind.provider}: messages that were acknowledged right before a kill are answered, once`, async () => {
    const { id } = await create(kind.provider, 'hi');
    await fits(id, isIdle);
    for (let round = 0; round < 3; round++) {
      await send(id, 'size 400 10');
      const texts = ['a', 'b'].map((name) => `${kind.provider} ${round} ${name}`);
      const ids = [];
      for (const text of texts) ids.push(await send(id, text));
      // One is given to the turn that runs, or waits within the provider.
      if (round > 0) await call('POST', `/api/agents/${id}/messages/${ids[0]}/now`, {});
      await pause(round * 20);
      await restart('SIGKILL');
      await fits(id, isIdle);
      assert.equal(textsOf(kind).filter((text) => texts.includes(text)), texts);
    }
    assertWhole(await messages(id));
    await call('DELETE', `/api/agents/${id}`);
  });

  test(`${kind.provider}: a message whose arrival at the holder no server has seen is answered, once`, async () => {
    const { id } = await create(kind.provider, 'hi');
    await fits(id, isIdle);
    const holder = records().find(({ meta }) => meta.agentId === id)!;
    // All of it is in the holder's socket; or only a part, which is no message.
    for (const [round, text] of ['arrived', `in part ${'€'.repeat(190_000)}`].entries()) {
      process.kill(holder.pid, 'SIGSTOP');
      try {
        await send(id, text);
        await pause(50);
        await product.agent!.kill('SIGKILL');
      } finally {
        process.kill(holder.pid, 'SIGCONT');
      }
      await until('it has read what there is', () => round > 0 || textsOf(kind).includes(text));
      await product.startAgent();
      await fits(id, isIdle);
      const beginning = text.slice(0, 10);
      assert.is(textsOf(kind).filter((other) => other.startsWith(beginning)).length, 1);
      await send(id, `behind ${round}`);
      await fits(id, (now) => isIdle(now) && textsOf(kind).includes(`behind ${round}`));
    }
    assertWhole(await messages(id));
    await call('DELETE', `/api/agents/${id}`);
  });

  test(`${kind.provider}: a CLI that ends while no server runs, and a holder that is killed, are said`, async () => {
    const [first, second] = [
      await create(kind.provider, 'size 90000 10'),
      await create(kind.provider, 'size 90000 10'),
    ];
    for (const { id } of [first, second]) await fits(id, ({ preview }) => preview.includes('abc'));
    const record = records().find(({ meta }) => meta.agentId === second.id)!;
    process.kill(record.pid, 'SIGKILL');
    const killed = await fits(second.id, ({ cli }) => !cli.running);
    assert.is(killed.state, 'error');
    assert.match(killed.stateText, 'The process that holds');
    await until('its CLI ends', () => !isSameProcess(record.child!));
    const { pid } = (await info(first.id)).cli;
    await product.agent!.kill('SIGKILL');
    process.kill(pid!, 'SIGKILL');
    await pause(300);
    await product.startAgent();
    assert.is((await fits(first.id, ({ cli }) => !cli.running)).state, 'error');
    await until('no holder is left', () => !records().some(({ meta }) => meta.agentId === first.id));
  });

  test(`${kind.provider}: stop and deletion leave no holder`, async () => {
    const [stopped, deleted] = [await create(kind.provider, 'size 90000 10'), await create(kind.provider, 'hi')];
    await fits(stopped.id, ({ preview }) => preview.includes('abc'));
    await fits(deleted.id, isIdle);
    const all = records();
    await call('POST', `/api/agents/${stopped.id}/stop`);
    await call('DELETE', `/api/agents/${deleted.id}`);
    await until('all are gone', () => all.every(({ child }) => !isSameProcess(child!)) && !records().length);
    assert.match((await info(stopped.id)).stateReason, 'stopped_by_user');
  });
}

test.run();

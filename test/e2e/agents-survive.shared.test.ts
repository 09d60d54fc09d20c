/** Agents outlive the server: killed or stopped at random moments, no turn is cut, nothing is lost, doubled, or answered twice. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { Message } from '../../core/api/messages.ts';
import { holderDirectory, readRecords } from '../../agent/process/holder/records.ts';
import { isSameProcess } from '../../agent/process/identity.ts';
import { FAKE_CLAUDE } from '../support/harness/agent-server.ts';
import { type Product, startProduct, until } from '../support/harness/product.ts';

const KILLS = Number(process.env.KILLS ?? 4);
const RESTARTS = Number(process.env.RESTARTS ?? 2);
const WAIT_MS = 30_000;

let product: Product;
let project: string;
let log: string;
test.before(async () => {
  const directory = join(process.env.TMPDIR ?? '/tmp', `survive-${randomUUID()}`);
  mkdirSync(directory);
  log = join(directory, 'stdin.jsonl');
  product = await startProduct({
    withRelay: false,
    agentEnv: { CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent', TERMINAL: 'off', FAKE_CLAUDE_LOG: log },
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
  (await call('POST', '/api/agents', { directory: project, prompt, flags: { worktree: false } })).body as AgentInfo;
const info = async (id: string) => (await call('GET', `/api/agents/${id}`)).body as AgentInfo;
const messages = async (id: string) =>
  (await call('GET', `/api/agents/${id}/messages?limit=1000`)).body.messages as Message[];
const send = async (id: string, text: string) => {
  const { status, body } = await call('POST', `/api/agents/${id}/message`, { text, clientId: randomUUID() });
  assert.is(status, 200, JSON.stringify(body));
};
async function fits(id: string, check: (info: AgentInfo) => boolean): Promise<AgentInfo> {
  const seen = async () => JSON.stringify([await info(id), (await messages(id)).slice(-4)]);
  const end = Date.now() + WAIT_MS;
  while (Date.now() < end) {
    const now = await info(id);
    if (check(now)) return now;
    await pause(30);
  }
  throw new Error(`not seen: ${check}\n${await seen()}\n${product.agent!.output().slice(-3000)}`);
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const records = () => readRecords(holderDirectory(product.dataDir));
const linesOf = (path: string) => existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];

async function restart(signal: NodeJS.Signals): Promise<void> {
  await product.agent!.kill(signal);
  await product.startAgent();
}
/** Texts of the messages that CLIs were given, in order. */
const inputs = () =>
  linesOf(log).map((line) => JSON.parse(line)).filter(({ type }) => type === 'user').map(({ message: { content } }) =>
    typeof content === 'string' ? content : content[0].text
  );
/** Seq without a gap, ids without a double, and no word of an end. */
function assertWhole(all: Message[]): void {
  assert.equal(all.map(({ seq }) => seq), all.map((_, i) => i + 1));
  assert.is(new Set(all.map(({ id }) => id)).size, all.length);
  const notices = all.filter((message) => message.kind === 'notice');
  assert.equal(notices.map((notice) => JSON.stringify(notice)), []);
}

test('turns that stream, ask and answer go on through kills and restarts', async () => {
  const writer = await create('size 4000 20 1');
  const asker = await create('hello');
  await fits(asker.id, ({ state }) => state === 'idle');
  const rounds = [...Array(KILLS).fill('SIGKILL'), ...Array(RESTARTS).fill('SIGTERM')] as NodeJS.Signals[];
  const done = join(project, 'done.txt');
  for (const [i, signal] of rounds.entries()) {
    if (i > 0) await send(writer.id, `size ${4000 + i} 20 1`);
    await send(asker.id, `bash echo round-${i} >> done.txt`);
    // Every second time the request waits for a person while there is no server; else its answer is on the way.
    const pending = (await fits(asker.id, ({ pending }) => pending.length === 1)).pending[0]!;
    const decide = () =>
      call('POST', `/api/agents/${asker.id}/permissions/${pending}`, { decision: 'allow', clientId: pending });
    if (i % 2) assert.is((await decide()).status, 200);
    await pause(Math.random() * 150);
    await restart(signal);
    if (i % 2 === 0) {
      assert.equal((await info(asker.id)).pending, [pending], 'the request is open');
      assert.is((await info(asker.id)).state, 'waiting_input');
      assert.is((await decide()).status, 200);
    }
    await fits(asker.id, ({ state }) => state === 'idle');
    await fits(writer.id, ({ state }) => state === 'idle');
  }
  assert.equal(linesOf(done), rounds.map((_, i) => `round-${i}`), 'each command ran once');
  const [written, asked] = [await messages(writer.id), await messages(asker.id)];
  for (const all of [written, asked]) assertWhole(all);
  const texts = written.flatMap((message) => message.kind === 'text' ? [message.text.length] : []);
  assert.equal(texts, rounds.map((_, i) => 4000 + i));
  const turns = (all: Message[]) => all.filter(({ kind }) => kind === 'turn').length;
  assert.equal([turns(written), turns(asked)], [rounds.length, rounds.length + 1]);
  assert.equal([(await info(writer.id)).usage.turns, (await info(asker.id)).usage.turns], [
    rounds.length,
    rounds.length + 1,
  ]);
  const requests = asked.flatMap((message) => message.kind === 'request' ? [message.status] : []);
  assert.equal(requests, rounds.map(() => 'answered'));
  const answers = linesOf(log).map((line) => JSON.parse(line)).filter(({ type }) => type === 'control_response');
  assert.is(answers.length, rounds.length, 'each decision was delivered once');
  const bytes = texts.reduce((total, length) => total + length, 0);
  console.log(
    `${rounds.length} ends of the server: ${
      turns(written) + turns(asked)
    } turns, ${bytes} characters, ${answers.length} decisions`,
  );
});

test('messages that were acknowledged right before a kill are answered, once', async () => {
  const { id } = await create('hello');
  await fits(id, ({ state }) => state === 'idle');
  const sent: string[] = [];
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 3; i++) {
      const text = `number ${round}.${i}`;
      await send(id, text);
      sent.push(text);
    }
    await restart('SIGKILL');
    await fits(id, ({ state, queue }) => state === 'idle' && !queue.length);
  }
  const all = await messages(id);
  assertWhole(all);
  const answered = all.flatMap((message) => message.kind === 'text' ? [message.text] : []).join('\n');
  for (const text of sent) assert.is(answered.split(text).length, 2, `${text} in ${answered}`);
});

test('two messages that wait behind a turn are each given to the CLI once, wherever the kill comes', async () => {
  const { id } = await create('hello');
  await fits(id, ({ state }) => state === 'idle');
  for (let round = 0; round < 3; round++) {
    await send(id, 'size 300 10 40');
    const texts = [`first ${round}`, `second ${round}`];
    for (const text of texts) await send(id, text);
    await fits(id, ({ queue }) => queue.length === 2);
    // In the turn; when the first is handed over; when it is begun with.
    if (round === 1) await fits(id, ({ queue }) => queue.length < 2 || queue[0]!.handed === true);
    if (round === 2) await fits(id, ({ queue }) => queue.length < 2);
    await restart('SIGKILL');
    await fits(id, ({ state, queue }) => state === 'idle' && !queue.length);
    assert.equal(inputs().filter((text) => texts.includes(text)), texts);
  }
  assertWhole(await messages(id));
});

test('a message of which the holder had only a part when the server was killed is given once', async () => {
  const { id } = await create('stalled 8000');
  await fits(id, ({ preview }) => preview.includes('nothing'));
  const bytes = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), randomBytes(4_000_000)]);
  const images = [{ mediaType: 'image/png', data: bytes.toString('base64') }];
  const texts = ['large one', 'large two'];
  for (const text of texts) {
    const clientId = randomUUID();
    await call('POST', `/api/agents/${id}/message`, { text, clientId, images });
    await call('POST', `/api/agents/${id}/messages/${clientId}/now`, {});
  }
  await fits(id, ({ queue }) => queue.length === 2 && queue.every(({ handed }) => handed));
  await pause(1500); // The queue as it is shown is on disk.
  await restart('SIGKILL');
  await fits(id, ({ state, queue }) => state === 'idle' && !queue.length);
  assert.equal(inputs().filter((text) => texts.includes(text)), texts);
  await send(id, 'after it');
  await fits(id, ({ state, preview }) => state === 'idle' && preview.includes('after it'));
});

test('what a CLI says beside its output takes the place of no message', async () => {
  const { id } = await create('complain of the weather');
  const says = async (code: string) => (await messages(id)).some((message) => codeOf(message) === code);
  await until('it is shown', () => says('stderr'));
  await send(id, 'retry 9000');
  await until('it waits', () => says('api_retry'));
  await pause(3000); // The last that it said is on disk.
  await restart('SIGKILL');
  await pause(1500); // What it said on stderr is said once more to the next server.
  const codes = (await messages(id)).map(codeOf).filter(Boolean);
  assert.equal(codes, ['stderr', 'api_retry', 'stderr']);
  await fits(id, ({ state }) => state === 'idle');
});
const codeOf = (message: Message) => message.kind === 'notice' ? message.code : '';

test('an agent that ends while no server runs is on the record as one that ended', async () => {
  const { id } = await create('hello');
  await fits(id, ({ state }) => state === 'idle');
  await send(id, 'bash sleep 1');
  await fits(id, ({ pending }) => pending.length === 1);
  const { pid } = (await info(id)).cli;
  await product.agent!.kill('SIGKILL');
  process.kill(pid!, 'SIGKILL');
  await pause(300);
  await product.startAgent();
  const now = await fits(id, ({ cli }) => !cli.running);
  assert.equal([now.state, now.pending], ['error', []]);
  await until('no holder of it is left', () => !records().some(({ meta }) => meta.agentId === id));
});

test('a holder that is killed takes its CLI along, and that is said', async () => {
  const { id } = await create('long 5000 20');
  await fits(id, ({ preview }) => preview.includes('word'));
  const record = records().find(({ meta }) => meta.agentId === id)!;
  process.kill(record.pid, 'SIGKILL');
  const now = await fits(id, ({ cli }) => !cli.running);
  assert.is(now.state, 'error');
  assert.match(now.stateText, 'The process that holds Claude Code has ended');
  await until('the CLI ends', () => !isSameProcess(record.child!));
});

test('stop, deletion and the end of an idle agent leave no holder', async () => {
  const [stopped, deleted, idle] = [await create('long 5000 20'), await create('long 5000 20'), await create('hello')];
  await fits(stopped.id, ({ preview }) => preview.includes('word'));
  await fits(deleted.id, ({ preview }) => preview.includes('word'));
  await fits(idle.id, ({ state }) => state === 'idle');
  const all = records();
  await call('POST', `/api/agents/${stopped.id}/stop`);
  await call('DELETE', `/api/agents/${deleted.id}`);
  await restart('SIGTERM');
  assert.match((await info(stopped.id)).stateReason, 'stopped_by_user');
  assert.is((await info(idle.id)).state, 'idle');
  await until(
    'all are gone',
    () => all.every(({ process: holder, child }) => !isSameProcess(holder!) && !isSameProcess(child!)),
  );
  assert.equal(records(), []);
});

test('the figure of a holder at rest', async () => {
  const { id } = await create('hello');
  await fits(id, ({ state }) => state === 'idle');
  const { pid } = records().find(({ meta }) => meta.agentId === id)!;
  const memory = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
  console.log(`a CLI's holder takes ${Math.round(memory / 1024)} MiB`);
  assert.ok(memory < 100 * 1024);
});

test.run();

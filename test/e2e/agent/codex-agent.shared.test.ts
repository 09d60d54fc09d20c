/** Codex as an agent of the whole server: over HTTP, with its state, its journal and its import from disk. */
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message } from '../../../core/api/messages.ts';
import { type Bench, startBench } from '../../support/harness/agent-server.ts';

const FIRST = randomUUID();
const SECOND = randomUUID();

let bench: Bench;
test.before(async () => {
  process.env.FAKE_CODEX_LOG = '/dev/null'; // a process an agent, each with ids of its own
  bench = await startBench({
    CODEX_BIN: fileURLToPath(new URL('../../support/fakes/fake-codex.mjs', import.meta.url)),
  });
});
test.after(() => bench.close());

const create = (prompt: string, more = {}) => bench.create(prompt, { provider: 'codex', ...more });
const texts = (messages: Message[]) => messages.flatMap((message) => message.kind === 'text' ? [message.text] : []);

test('a prompt becomes a turn; the agent is idle afterwards, with tokens and no price', async () => {
  const { id } = await create('hello');
  const info = await bench.until(id, ({ state }) => state === 'idle');
  assert.equal([info.provider, info.demo, info.stateReason, info.model], ['codex', true, 'done', 'fake-1']);
  assert.equal([info.usage.costUsd, info.usage.inputTokens, info.usage.contextWindow], [null, 60, 1000]);
  const messages = await bench.messages(id);
  assert.equal(messages.map(({ kind }) => kind).filter((kind) => kind !== 'notice'), [
    'user',
    'thinking',
    'text',
    'turn',
  ]);
  assert.equal(texts(messages), ['You said: hello']);
});

test('a command waits for a decision; it is answered once', async () => {
  const { id } = await create('run touch x');
  const request = await bench.request(id);
  assert.equal([(await bench.info(id)).state, request.title], ['waiting_input', 'touch x']);
  assert.is((await bench.decide(id, request.id, 'allow', { clientId: FIRST })).status, 200);
  assert.is((await bench.decide(id, request.id, 'allow', { clientId: FIRST })).body.duplicate, true);
  assert.is((await bench.decide(id, request.id, 'deny', { clientId: SECOND })).status, 409);
  await bench.until(id, ({ state }) => state === 'idle');
  const answered = (await bench.messages(id)).find((message) => message.kind === 'request')!;
  assert.is(answered.kind === 'request' && answered.status, 'answered');
  assert.equal(texts(await bench.messages(id)), ['decision "accept"']);
});

test('a message to a running turn is queued and shown; an interrupt is no error', async () => {
  const { id } = await create('slow');
  await bench.until(id, ({ preview }) => preview.includes('long answer'));
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'late one', clientId: FIRST });
  await bench.until(id, ({ queue }) => queue.length === 1);
  await bench.call('POST', `/api/agents/${id}/interrupt`);
  await bench.until(id, ({ state, queue }) => state === 'idle' && queue.length === 0);
  assert.ok(texts(await bench.messages(id)).includes('You said: late one'));
});

test('a crash is told with its words; the next message goes on in the same thread', async () => {
  const { id } = await create('crash');
  const info = await bench.until(id, ({ state }) => state === 'error');
  assert.match(info.stateText, /Codex ended with exit code 3.*panicked/);
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'hello again' });
  const after = await bench.until(id, ({ state }) => state === 'idle');
  assert.is(after.sessionId, info.sessionId);
});

test('an agent that was stopped before its first message begins with it', async () => {
  const { id } = await create('');
  await bench.until(id, ({ state }) => state === 'idle');
  await bench.call('POST', `/api/agents/${id}/stop`);
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'hello at last' });
  await bench.until(id, ({ state, stateReason }) => state === 'idle' && stateReason === 'done');
  assert.equal(texts(await bench.messages(id)), ['You said: hello at last']);
});

test('stop ends it; nothing is left of the process when the server closes', async () => {
  const { id } = await create('slow');
  const { cli } = await bench.until(id, ({ state }) => state === 'running');
  await bench.call('POST', `/api/agents/${id}/stop`);
  const info = await bench.info(id);
  assert.equal([info.state, info.stateReason], ['stopped', 'stopped_by_user']);
  await bench.server.close();
  assert.throws(() => process.kill(cli.pid!, 0));
  await bench.restart();
});

test('a session on disk is listed and imported with its past', async () => {
  const { body } = await bench.call('GET', '/api/sessions?provider=codex');
  assert.equal(body.sessions.map((entry: { id: string; title: string }) => [entry.id, entry.title]), [[
    'disk-thread',
    'first',
  ]]);
  const { id } = await bench.create('', { provider: 'codex', flags: { resume: 'disk-thread' } });
  await bench.until(id, ({ state }) => state === 'idle');
  assert.equal(texts(await bench.messages(id)), ['said long ago']);
  assert.is((await bench.call('GET', '/api/sessions?provider=codex')).body.sessions[0].agentId, id);
});

test.run();

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CodexProvider, createCodex } from '../../agent/provider/codex/codex.ts';
import { openRequest } from '../../agent/provider/codex/requests.ts';
import { isSameProcess } from '../../agent/process/identity.ts';
import { familyOf, killProcessTree } from '../../agent/process/process-tree.ts';
import type { OpenOptions, ProviderSession } from '../../agent/provider/provider.ts';
import { silentLog } from '../../core/log.ts';
import { fakeClock } from '../support/fakes/fake-clock.ts';
import { record, type Recorder } from '../support/fakes/provider-recorder.ts';

const BIN = fileURLToPath(new URL('../support/fakes/fake-codex.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'codex-test-'));
const providers: CodexProvider[] = [];

function codex(env: Record<string, string> = {}, bin = BIN): CodexProvider {
  const provider = createCodex({ bin, env: { PATH: process.env.PATH, ...env }, log: silentLog });
  providers.push(provider);
  return provider;
}

function open(provider: CodexProvider, more: Partial<OpenOptions> = {}): { session: ProviderSession; seen: Recorder } {
  const seen = record(8000);
  const options = {
    agentId: 'a',
    cwd: directory,
    resume: null,
    fork: false,
    flags: {},
    model: '',
    mode: 'default',
    effort: '',
    ...more,
  };
  return { session: provider.open(options as OpenOptions, seen.emit), seen };
}

const message = (text: string, id = text) => ({ id, text, images: [] });
const texts = (seen: Recorder) => seen.of('text.end').filter((event) => !event.thinking).map((event) => event.text);

test.after.each(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.close()));
});
test.after(() => rmSync(directory, { recursive: true, force: true }));

test('a line that is nested too deep is told to its agent alone, and the turn goes on', async () => {
  const provider = codex();
  const { session, seen } = open(provider);
  const other = open(provider, { agentId: 'b' });
  other.session.send(message('hello', 'm1'));
  await other.seen.type('turn.end');
  session.send(message('too deep', 'm2'));
  await seen.type('turn.end');
  const unreadable = (of: Recorder) => of.of('notice').filter(({ code }) => code === 'garbage');
  assert.is(unreadable(seen).length, 1);
  assert.match(unreadable(seen)[0]!.text, /^Codex wrote something unexpected: .*item\/completed/);
  assert.is(unreadable(other.seen).length, 0);
});

test('a session says who it is, then a message becomes a turn with thinking, streamed text and usage', async () => {
  const { session, seen } = open(codex());
  session.send(message('hello', 'm1'));
  await seen.type('turn.end');
  const ready = await seen.type('ready');
  assert.is(ready.version, '9.9.9');
  assert.equal(ready.capabilities?.models, [{ value: 'fake-1', label: 'Fake 1', efforts: ['low'] }]);
  assert.is((await seen.type('session')).model, 'fake-1');
  assert.equal(seen.of('message.status'), [{ type: 'message.status', id: 'm1', status: 'sent' }]);
  assert.equal(
    seen.of('text.delta').filter((e) => e.id.startsWith('msg')).map((e) => e.text).join(''),
    'You said: hello',
  );
  assert.equal(texts(seen), ['You said: hello']);
  assert.equal((await seen.type('usage')).usage, {
    costUsd: null,
    inputTokens: 60,
    outputTokens: 50,
    cacheReadTokens: 40,
    cacheWriteTokens: 0,
    contextTokens: 150,
    contextWindow: 1000,
  });
  assert.is((await seen.type('turn.end')).outcome, 'done');
});

for (
  const [decision, wire, status] of [
    ['allow', '"accept"', 'done'],
    ['session', '"acceptForSession"', 'done'],
    ['rule:0', '{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["touch x"]}}', 'done'],
    ['deny', '"decline"', 'denied'],
    ['no such choice', '"decline"', 'denied'],
  ] as const
) {
  test(`a command is asked for; "${decision}" answers ${wire}`, async () => {
    const { session, seen } = open(codex());
    session.send(message('run touch x'));
    const { request } = await seen.type('request');
    assert.equal([request.request, request.tool, request.title, request.input.command], [
      'permission',
      'Bash',
      'touch x',
      'touch x',
    ]);
    assert.equal(request.choices.map((choice) => choice.id), ['allow', 'rule:0', 'session', 'deny', 'cancel']);
    assert.is(request.toolId, (await seen.type('tool.start')).id);
    assert.ok(session.decide(request.requestId, { decision, clientId: 'c' }));
    assert.not.ok(session.decide(request.requestId, { decision, clientId: 'c' }), 'answered once');
    await seen.type('request.resolved');
    await seen.type('turn.end');
    assert.is(seen.of('tool.end')[0]!.status, status);
    assert.equal(texts(seen), [`decision ${wire}`]);
  });
}

test('"cancel" interrupts the turn', async () => {
  const { session, seen } = open(codex());
  session.send(message('run touch x'));
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'cancel', clientId: 'c' });
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
});

test('a reason of a refusal is said to the running turn', async () => {
  const { session, seen } = open(codex());
  session.send(message('run touch x'));
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'deny', clientId: 'c', message: 'late: use mkdir' });
  assert.is((await seen.type('turn.end')).outcome, 'done');
});

test('a file change is asked for with its diff', async () => {
  const { session, seen } = open(codex());
  session.send(message('patch'));
  const { request } = await seen.type('request');
  assert.is(request.tool, 'Edit');
  assert.equal(request.diffs, [{
    path: `${directory}/a.txt`,
    kind: 'update',
    hunks: [{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 2, lines: [' one', '+two'] }],
  }]);
  session.decide(request.requestId, { decision: 'allow', clientId: 'c' });
  assert.equal((await seen.type('tool.end')).result.diffs, request.diffs);
});

test('a question is a form; its answers arrive by question', async () => {
  const { session, seen } = open(codex());
  session.send(message('ask'));
  const { request } = await seen.type('request');
  assert.is(request.request, 'question');
  assert.equal(request.questions[0]!.options, [{ label: 'Red', description: '' }]);
  session.decide(request.requestId, { decision: 'answer', clientId: 'c', answers: { q1: ['Red'] } });
  await seen.type('turn.end');
  assert.equal(texts(seen), ['answers {"q1":{"answers":["Red"]}}']);
});

test('a question need not be answered', async () => {
  const { session, seen } = open(codex());
  session.send(message('ask'));
  const { request } = await seen.type('request');
  assert.equal(request.choices.map(({ id, label }) => [id, label]), [['deny', 'Skip']]);
  session.decide(request.requestId, { decision: 'deny', clientId: 'c' });
  await seen.type('turn.end');
  assert.equal(texts(seen), ['answers {"q1":{"answers":[]}}']);
});

test('the form of an MCP server is sent with the types of its schema, or declined', () => {
  const requestedSchema = {
    properties: { name: { type: 'string' }, age: { type: 'integer' }, ok: { type: 'boolean' } },
  };
  const form = openRequest('r', 'mcpServer/elicitation/request', { serverName: 's', requestedSchema }, () => [])!;
  assert.equal(form.request.choices.map(({ id, tone }) => [id, tone]), [['deny', 'deny']]);
  const answers = { name: ['Ann'], age: ['42'], ok: ['true'] };
  assert.equal(form.answer({ decision: 'answer', clientId: 'c', answers }), {
    action: 'accept',
    content: { name: 'Ann', age: 42, ok: true },
    _meta: null,
  });
  assert.equal(form.answer({ decision: 'deny', clientId: 'c' }), { action: 'decline', content: null, _meta: null });
});

test('an interrupt closes what is open and cancels the request', async () => {
  const { session, seen } = open(codex());
  session.send(message('run touch x'));
  const { request } = await seen.type('request');
  session.interrupt();
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
  assert.is((await seen.type('tool.end')).status, 'cancelled');
  assert.is((await seen.type('request.cancelled')).requestId, request.requestId);
  assert.not.ok(session.decide(request.requestId, { decision: 'allow', clientId: 'c' }));
});

test('an interrupt in the text keeps what was said', async () => {
  const { session, seen } = open(codex());
  session.send(message('slow'));
  await seen.type('text.delta');
  session.interrupt();
  await seen.type('turn.end');
  assert.equal(texts(seen), ['a long answer that never ends']);
});

test('an interrupt right after a message reaches the turn that begins', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  session.send(message('slow'));
  session.interrupt();
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
});

test('an interrupt while the thread is opening takes back what waits for it, and nothing else', async () => {
  const { session, seen } = open(codex());
  session.send(message('slow', 'm1'));
  session.send(message('slow', 'm2'));
  session.interrupt();
  await seen.type('ready');
  session.send(message('hello', 'm3'));
  assert.is((await seen.type('turn.end')).outcome, 'done');
  assert.equal(seen.of('message.status').map((event) => `${event.id} ${event.status}`), [
    'm1 cancelled',
    'm2 cancelled',
    'm3 sent',
  ]);
});

test('a refused turn fails its message alone: the one that waits behind it, and later ones, begin turns', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  session.send(message('refuse', 'm1'));
  session.send(message('hello', 'm2'));
  await seen.type('turn.end');
  session.send(message('refuse', 'm3'));
  session.interrupt();
  await seen.wait((event): event is never => event.type === 'message.status' && event.id === 'm3');
  session.send(message('again', 'm4'));
  await seen.type('turn.end', seen.events.length);
  assert.equal(seen.of('message.status').map((event) => [event.id, event.status, event.error]), [
    ['m2', 'queued', undefined],
    ['m1', 'failed', 'refused'],
    ['m2', 'sent', undefined],
    ['m3', 'failed', 'refused'],
    ['m4', 'sent', undefined],
  ]);
  assert.equal(seen.of('turn.end').map((event) => event.outcome), ['done', 'done']);
});

test('an interrupt without a turn does nothing', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  session.interrupt();
  session.send(message('hello'));
  assert.is((await seen.type('turn.end')).outcome, 'done');
});

test('a message to a running turn steers it; one that it did not take up becomes the next turn', async () => {
  const { session, seen } = open(codex());
  session.send(message('slow'));
  await seen.type('text.delta');
  session.send(message('now', 'm2'));
  session.send(message('late one', 'm3'));
  await seen.wait((event): event is never =>
    event.type === 'message.status' && event.id === 'm2' && event.status === 'sent'
  );
  session.interrupt();
  await seen.wait((event): event is never => event.type === 'text.end' && event.text === 'You said: late one');
  const of = (id: string) => seen.of('message.status').filter((event) => event.id === id).map((event) => event.status);
  assert.equal([of('m2'), of('m3')], [['queued', 'sent'], ['queued', 'sent']]);
});

test('a command is a turn of its own, never text for the model; behind a running turn it is the next', async () => {
  const { session, seen } = open(codex());
  session.send(message('slow'));
  await seen.type('text.delta');
  session.send(message('/compact', 'c1'));
  session.send(message('/review the tests', 'c2'));
  session.interrupt();
  await seen.wait((event): event is never =>
    event.type === 'message.status' && event.id === 'c2' && event.status === 'sent'
  );
  await seen.wait((event): event is never => event.type === 'text.end' && event.text.startsWith('Reviewed'));
  const of = (id: string) => seen.of('message.status').filter((event) => event.id === id).map((event) => event.status);
  assert.equal([of('c1'), of('c2')], [['queued', 'sent'], ['queued', 'queued', 'sent']]);
  assert.ok(seen.of('notice').some(({ code }) => code === 'compacted'));
  assert.ok(texts(seen).includes('Reviewed {"type":"custom","instructions":"the tests"}'));
  assert.not(texts(seen).some((text) => text.includes('/compact') || text.includes('/review')));
  assert.equal((await seen.type('ready')).capabilities!.commands.map(({ name }) => name), ['compact', 'review']);
});

for (const text of ['missed', 'late and last']) {
  test(`a message on its way to a turn as that ends is given once (${text})`, async () => {
    const { session, seen } = open(codex());
    session.send(message('slow'));
    await seen.type('text.delta');
    session.send(message(text, 'm2'));
    session.send(message('hello', 'm3'));
    await seen.wait((event): event is never =>
      event.type === 'message.status' && event.id === 'm3' && event.status === 'sent'
    );
    await seen.wait((event): event is never => event.type === 'text.end' && event.text === `You said: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(texts(seen).filter((entry) => entry.includes(text)), [`You said: ${text}`]);
    assert.equal(seen.of('message.status').filter(({ status }) => status === 'sent').map(({ id }) => id), [
      'slow',
      'm2',
      'm3',
    ]);
  });
}

test('a broken stream that is retried shows its answer once', async () => {
  const { session, seen } = open(codex());
  session.send(message('retry'));
  await seen.type('turn.end');
  const starts = seen.of('text.start');
  assert.is(starts.length, 1);
  assert.is(seen.of('text.delta').map((event) => event.text).join(''), 'The answer is 42.');
  assert.equal(texts(seen), ['The answer is 42.']);
  const notice = await seen.type('notice');
  assert.equal([notice.code, notice.passing, notice.text], [
    'api_retry',
    true,
    'Reconnecting... 1/2: stream disconnected',
  ]);
});

test('a flood of output leaves the event loop free and can be interrupted within a second', async () => {
  const provider = codex();
  const seen = record(20_000);
  let lines = 0;
  const session = provider.open(
    { agentId: 'a', cwd: directory, resume: null, fork: false, flags: {}, model: '', mode: 'default', effort: '' },
    (event) => event.type === 'tool.output.delta' ? void lines++ : seen.emit(event),
  );
  await seen.type('ready');
  const delay = monitorEventLoopDelay({ resolution: 5 });
  session.send(message('flood'));
  await seen.type('tool.start');
  delay.enable();
  const heap = process.memoryUsage().heapUsed;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const grown = process.memoryUsage().heapUsed - heap;
  const asked = performance.now();
  session.interrupt();
  await seen.type('turn.end');
  const took = performance.now() - asked;
  delay.disable();
  assert.ok(lines > 20_000, `${lines} lines`);
  assert.ok(took < 1000, `interrupted after ${took} ms`);
  assert.ok(delay.percentile(99) < 200e6, `event loop p99 ${delay.percentile(99) / 1e6} ms`);
  assert.ok(grown < 128 * 1024 * 1024, `heap grew by ${grown} bytes`);
});

test('a failed turn says why', async () => {
  const { session, seen } = open(codex());
  session.send(message('fail'));
  const end = await seen.type('turn.end');
  assert.equal([end.outcome, end.text], ['error', 'boom']);
});

test('unknown notifications, items and requests and a line that is no JSON break nothing', async () => {
  const { session, seen } = open(codex());
  session.send(message('unknown'));
  await seen.type('turn.end');
  assert.equal(texts(seen), ['still here']);
});

test('resume and fork open the same and another thread; an unknown one says so', async () => {
  const provider = codex();
  const first = open(provider, { resume: 'thread-9' });
  assert.is((await first.seen.type('ready')).sessionId, 'thread-9');
  const fork = open(provider, { resume: 'thread-9', fork: true });
  assert.is((await fork.seen.type('ready')).sessionId, 'thread-9-fork');
  const unknown = open(provider, { resume: 'unknown' });
  const exit = await unknown.seen.type('exit');
  assert.equal([exit.expected, exit.sessionLost], [false, true]);
  assert.is(exit.text, 'no rollout found for thread id unknown');
});

test('two sessions share one process and do not see each other', async () => {
  const provider = codex();
  const a = open(provider);
  const b = open(provider);
  a.session.send(message('for a'));
  b.session.send(message('for b'));
  await Promise.all([a.seen.type('turn.end'), b.seen.type('turn.end')]);
  assert.equal([texts(a.seen), texts(b.seen)], [['You said: for a'], ['You said: for b']]);
  assert.is(a.session.pid, b.session.pid);
});

test('a crash ends every session with a sentence, the next message starts a new process', async () => {
  const provider = codex();
  const a = open(provider);
  const b = open(provider);
  await Promise.all([a.seen.type('ready'), b.seen.type('ready')]);
  const pid = a.session.pid;
  a.session.send(message('crash'));
  for (const { seen } of [a, b]) {
    const exit = await seen.type('exit');
    assert.equal([exit.expected, exit.code], [false, 3]);
    assert.match(exit.text, /exit code 3.*panicked/);
  }
  const again = open(provider, { resume: 'thread-1' });
  await again.seen.type('ready');
  assert.is.not(again.session.pid, pid);
});

test('a session that is opened as the process ends is served by a new one', async () => {
  const provider = codex();
  const next = record(8000);
  const options = {
    agentId: 'a',
    cwd: directory,
    resume: 'thread-1',
    fork: false,
    flags: {},
    model: '',
    mode: 'default',
    effort: '',
  };
  const session = provider.open({ ...options, resume: null } as OpenOptions, (event) => {
    if (event.type === 'exit') provider.open(options as OpenOptions, next.emit);
  });
  session.send(message('crash'));
  assert.is((await next.type('ready')).sessionId, 'thread-1');
  assert.equal(next.of('exit'), []);
});

test('a process that hangs in its handshake is given up: the next session gets a new one', async () => {
  const clock = fakeClock();
  const env = { PATH: process.env.PATH, FAKE_CODEX_HUNG: '1' };
  const provider = createCodex({ bin: BIN, env, log: silentLog, clock });
  const first = open(provider);
  const identity = first.session.identity!;
  clock.advance(60_000);
  assert.match((await first.seen.type('exit')).text, 'did not answer initialize within 60 s');
  env.FAKE_CODEX_HUNG = '';
  const second = open(provider);
  await second.seen.type('ready');
  assert.is.not(second.session.pid, identity.pid);
  second.session.send(message('hello'));
  await second.seen.type('turn.end');
  await provider.close();
  assert.not.ok(isSameProcess(identity));
});

test('without a login the session ends with what to do', async () => {
  const { seen } = open(codex({ FAKE_CODEX_LOGIN: 'none' }), { resume: 'thread-9' });
  const exit = await seen.type('exit');
  assert.equal([exit.expected, exit.sessionLost], [false, false]);
  assert.match(exit.text, 'Run `codex login`');
});

test('a missing program ends the session with what to do, and probe says the same', async () => {
  const provider = codex({}, join(directory, 'nowhere'));
  const exit = await open(provider).seen.type('exit');
  assert.match(exit.text, /Codex was not found.*CODEX_BIN/);
  const probe = await provider.probe();
  assert.is(probe.available, false);
  assert.match(probe.text, 'CODEX_BIN');
});

test('probe tells the version and whether it is the demo', async () => {
  assert.equal(await codex().probe(), { available: true, version: '0.0.0-demo', demo: true, text: '' });
});

test('a program that is not Codex is told, not waited for', async () => {
  const exit = await open(codex({}, '/bin/true')).seen.type('exit');
  assert.is(exit.expected, false);
  assert.match(exit.text, 'Codex ended by itself');
  assert.is((await codex({}, '/bin/true').probe()).available, false);
});

test("what a subagent says and asks belongs to the tool that started it; its turns are not the session's", async () => {
  const { session, seen } = open(codex());
  session.send(message('agent'));
  const { request } = await seen.type('request');
  const tool = await seen.type('tool.start');
  assert.is(tool.tool, 'Agent');
  session.decide(request.requestId, { decision: 'allow', clientId: 'c' });
  await seen.type('turn.end');
  assert.equal(seen.of('text.end').map((event) => [event.text, event.parent]), [['the subagent speaks', tool.id]]);
  assert.equal([seen.of('turn.start').length, seen.of('turn.end').length], [1, 1]);
});

test('a session that is stopped while it opens says so and leaves no thread behind', async () => {
  const provider = codex();
  const { session, seen } = open(provider);
  await session.stop();
  assert.equal(seen.events.map((event) => event.type), ['exit']);
  assert.is((await seen.type('exit')).expected, true);
  session.send(message('hello'));
  assert.not.ok(session.decide('x', { decision: 'allow', clientId: 'c' }));
  const other = open(provider);
  other.session.send(message('hello'));
  assert.is((await other.seen.type('turn.end')).outcome, 'done');
  assert.is(seen.events.length, 1);
});

test('stop ends the session alone; the process serves the others', async () => {
  const provider = codex();
  const a = open(provider);
  const b = open(provider);
  a.session.send(message('slow'));
  await a.seen.type('text.delta');
  await b.seen.type('ready');
  await a.session.stop();
  assert.is((await a.seen.type('exit')).expected, true);
  assert.is(a.seen.events.at(-1)!.type, 'exit');
  b.session.send(message('hello'));
  assert.is((await b.seen.type('turn.end')).outcome, 'done');
});

test('a hung process with children that ignore signals is gone within 7 s of stop', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  const identity = session.identity!;
  session.send(message('hang'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  const family = await familyOf(identity);
  assert.ok(family.length > 3, `${family.length} processes`);
  const started = performance.now();
  await session.stop();
  assert.ok(performance.now() - started < 7000, `${performance.now() - started} ms`);
  assert.not.ok(isSameProcess(identity));
  // Of this process alone: other tests have such children at the same time.
  assert.equal(family.filter(isSameProcess), []);
  assert.equal(await familyOf(identity), []);
});

test('what is on record of a session finds its process after a crash of this server', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  const onRecord = JSON.parse(JSON.stringify(session.identity));
  assert.ok((await killProcessTree(onRecord)).length >= 1);
  assert.is((await seen.type('exit')).expected, false);
});

test('messages that wait for the thread can be cancelled', async () => {
  const { session, seen } = open(codex());
  session.send(message('hello', 'm1'));
  session.send(message('never', 'm2'));
  session.cancelQueued('m2');
  await seen.type('turn.end');
  assert.equal(seen.of('message.status').map((event) => `${event.id} ${event.status}`), ['m2 cancelled', 'm1 sent']);
});

test('a message that a running turn was given cannot be cancelled, which is said', async () => {
  const { session, seen } = open(codex());
  session.send(message('slow'));
  await seen.type('text.delta');
  session.send(message('late one', 'm2'));
  session.cancelQueued('m2');
  assert.match((await seen.type('notice')).text, 'too late to cancel');
  session.interrupt();
  await seen.wait((event): event is never => event.type === 'text.end' && event.text === 'You said: late one');
});

test('flags that Codex does not have are named once', async () => {
  const { seen } = open(codex(), { flags: { maxBudgetUsd: 1, allowedTools: ['Bash'] } });
  const notice = await seen.type('notice');
  assert.is(notice.text, 'Codex has no setting for the budget, allowed tools: ignored.');
});

test('threads on disk are listed without a session', async () => {
  const threads = await codex().listThreads(10);
  assert.equal(threads.map((thread) => thread.id), ['disk-thread']);
});

test.run();

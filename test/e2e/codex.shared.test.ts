/** Turns of Codex by the provider: what is asked, streamed, interrupted and refused, with the scripted Codex. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openRequest } from '../../agent/provider/codex/requests.ts';
import { record, type Recorder } from '../support/fakes/provider-recorder.ts';
import { codexBench, codexMessage, finalTexts } from '../support/harness/codex-bench.ts';

/** How long 100,000 lines may take, ms. */
const FLOOD_MS = 20_000;

const { directory, codex, open } = codexBench();

test('a line that is nested too deep is told to its agent alone, and the turn goes on', async () => {
  const provider = codex();
  const { session, seen } = open(provider);
  const other = open(provider, { agentId: 'b' });
  other.session.send(codexMessage('hello', 'm1'));
  await other.seen.type('turn.end');
  session.send(codexMessage('too deep', 'm2'));
  await seen.type('turn.end');
  const unreadable = (of: Recorder) => of.of('notice').filter(({ code }) => code === 'garbage');
  assert.is(unreadable(seen).length, 1);
  assert.match(unreadable(seen)[0]!.text, /^Codex wrote something unexpected: .*item\/completed/);
  assert.is(unreadable(other.seen).length, 0);
});

test('a session says who it is, then a message becomes a turn with thinking, streamed text and usage', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('hello', 'm1'));
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
  assert.equal(finalTexts(seen), ['You said: hello']);
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
    session.send(codexMessage('run touch x'));
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
    assert.equal(finalTexts(seen), [`decision ${wire}`]);
  });
}

test('"cancel" interrupts the turn', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('run touch x'));
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'cancel', clientId: 'c' });
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
});

test('a reason of a refusal is said to the running turn', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('run touch x'));
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'deny', clientId: 'c', message: 'late: use mkdir' });
  assert.is((await seen.type('turn.end')).outcome, 'done');
});

test('a file change is asked for with its diff', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('patch'));
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
  session.send(codexMessage('ask'));
  const { request } = await seen.type('request');
  assert.is(request.request, 'question');
  assert.equal(request.questions[0]!.options, [{ label: 'Red', description: '' }]);
  session.decide(request.requestId, { decision: 'answer', clientId: 'c', answers: { q1: ['Red'] } });
  await seen.type('turn.end');
  assert.equal(finalTexts(seen), ['answers {"q1":{"answers":["Red"]}}']);
});

test('a question need not be answered', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('ask'));
  const { request } = await seen.type('request');
  assert.equal(request.choices.map(({ id, label }) => [id, label]), [['deny', 'Skip']]);
  session.decide(request.requestId, { decision: 'deny', clientId: 'c' });
  await seen.type('turn.end');
  assert.equal(finalTexts(seen), ['answers {"q1":{"answers":[]}}']);
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
  session.send(codexMessage('run touch x'));
  const { request } = await seen.type('request');
  session.interrupt();
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
  assert.is((await seen.type('tool.end')).status, 'cancelled');
  assert.is((await seen.type('request.cancelled')).requestId, request.requestId);
  assert.not.ok(session.decide(request.requestId, { decision: 'allow', clientId: 'c' }));
});

test('an interrupt in the text keeps what was said', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('slow'));
  await seen.type('text.delta');
  session.interrupt();
  await seen.type('turn.end');
  assert.equal(finalTexts(seen), ['a long answer that never ends']);
});

test('an interrupt right after a message reaches the turn that begins', async () => {
  const { session, seen } = open(codex());
  await seen.type('ready');
  session.send(codexMessage('slow'));
  session.interrupt();
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
});

test('an interrupt while the thread is opening takes back what waits for it, and nothing else', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('slow', 'm1'));
  session.send(codexMessage('slow', 'm2'));
  session.interrupt();
  await seen.type('ready');
  session.send(codexMessage('hello', 'm3'));
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
  session.send(codexMessage('refuse', 'm1'));
  session.send(codexMessage('hello', 'm2'));
  await seen.type('turn.end');
  session.send(codexMessage('refuse', 'm3'));
  session.interrupt();
  await seen.wait((event): event is never => event.type === 'message.status' && event.id === 'm3');
  session.send(codexMessage('again', 'm4'));
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
  session.send(codexMessage('hello'));
  assert.is((await seen.type('turn.end')).outcome, 'done');
});

test('a message to a running turn steers it; one that it did not take up becomes the next turn', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('slow'));
  await seen.type('text.delta');
  session.send(codexMessage('now', 'm2'));
  session.send(codexMessage('late one', 'm3'));
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
  session.send(codexMessage('slow'));
  await seen.type('text.delta');
  session.send(codexMessage('/compact', 'c1'));
  session.send(codexMessage('/review the tests', 'c2'));
  session.interrupt();
  await seen.wait((event): event is never =>
    event.type === 'message.status' && event.id === 'c2' && event.status === 'sent'
  );
  await seen.wait((event): event is never => event.type === 'text.end' && event.text.startsWith('Reviewed'));
  const of = (id: string) => seen.of('message.status').filter((event) => event.id === id).map((event) => event.status);
  assert.equal([of('c1'), of('c2')], [['queued', 'sent'], ['queued', 'queued', 'sent']]);
  assert.ok(seen.of('notice').some(({ code }) => code === 'compacted'));
  assert.ok(finalTexts(seen).includes('Reviewed {"type":"custom","instructions":"the tests"}'));
  assert.not(finalTexts(seen).some((text) => text.includes('/compact') || text.includes('/review')));
  assert.equal((await seen.type('ready')).capabilities!.commands.map(({ name }) => name), ['compact', 'review']);
});

for (const text of ['missed', 'late and last']) {
  test(`a message on its way to a turn as that ends is given once (${text})`, async () => {
    const { session, seen } = open(codex());
    session.send(codexMessage('slow'));
    await seen.type('text.delta');
    session.send(codexMessage(text, 'm2'));
    session.send(codexMessage('hello', 'm3'));
    await seen.wait((event): event is never =>
      event.type === 'message.status' && event.id === 'm3' && event.status === 'sent'
    );
    await seen.wait((event): event is never => event.type === 'text.end' && event.text === `You said: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(finalTexts(seen).filter((entry) => entry.includes(text)), [`You said: ${text}`]);
    assert.equal(seen.of('message.status').filter(({ status }) => status === 'sent').map(({ id }) => id), [
      'slow',
      'm2',
      'm3',
    ]);
  });
}

test('a broken stream that is retried shows its answer once', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('retry'));
  await seen.type('turn.end');
  const starts = seen.of('text.start');
  assert.is(starts.length, 1);
  assert.is(seen.of('text.delta').map((event) => event.text).join(''), 'The answer is 42.');
  assert.equal(finalTexts(seen), ['The answer is 42.']);
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
  session.send(codexMessage('flood'));
  await seen.type('tool.start');
  delay.enable();
  const heap = process.memoryUsage().heapUsed;
  for (const end = performance.now() + FLOOD_MS; lines <= 100_000;) {
    assert.ok(performance.now() < end, `${lines} lines`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const grown = process.memoryUsage().heapUsed - heap;
  const asked = performance.now();
  session.interrupt();
  await seen.type('turn.end');
  const took = performance.now() - asked;
  delay.disable();
  assert.ok(took < 1000, `interrupted after ${took} ms`);
  assert.ok(delay.percentile(99) < 200e6, `event loop p99 ${delay.percentile(99) / 1e6} ms`);
  assert.ok(grown < 128 * 1024 * 1024, `heap grew by ${grown} bytes`);
});

test('a failed turn says why', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('fail'));
  const end = await seen.type('turn.end');
  assert.equal([end.outcome, end.text], ['error', 'boom']);
});

test('unknown notifications, items and requests and a line that is no JSON break nothing', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('unknown'));
  await seen.type('turn.end');
  assert.equal(finalTexts(seen), ['still here']);
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

test("what a subagent says and asks belongs to the tool that started it; its turns are not the session's", async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('agent'));
  const { request } = await seen.type('request');
  const tool = await seen.type('tool.start');
  assert.is(tool.tool, 'Agent');
  session.decide(request.requestId, { decision: 'allow', clientId: 'c' });
  await seen.type('turn.end');
  assert.equal(seen.of('text.end').map((event) => [event.text, event.parent]), [['the subagent speaks', tool.id]]);
  assert.equal([seen.of('turn.start').length, seen.of('turn.end').length], [1, 1]);
});

test('messages that wait for the thread can be cancelled', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('hello', 'm1'));
  session.send(codexMessage('never', 'm2'));
  session.cancelQueued('m2');
  await seen.type('turn.end');
  assert.equal(seen.of('message.status').map((event) => `${event.id} ${event.status}`), ['m2 cancelled', 'm1 sent']);
});

test('a message that a running turn was given cannot be cancelled, which is said', async () => {
  const { session, seen } = open(codex());
  session.send(codexMessage('slow'));
  await seen.type('text.delta');
  session.send(codexMessage('late one', 'm2'));
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

test.run();

/** A session through the API of a running server, with the scripted fake CLI. */
import { Buffer } from 'node:buffer';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message, UserMessage } from '../../../core/api/messages.ts';
import { type Bench, startBench } from '../../support/harness/agent-server.ts';

let bench: Bench;
test.before(async () => {
  bench = await startBench();
});
test.after(() => bench?.close());

const idle = ({ state }: { state: string }) => state === 'idle';
const of = <K extends Message['kind']>(messages: Message[], kind: K) =>
  messages.filter((message): message is Extract<Message, { kind: K }> => message.kind === kind);

test('a prompt is answered; messages are numbered without gaps; usage and state are told', async () => {
  const { id } = await bench.create('hello there');
  const info = await bench.until(id, idle);
  const messages = await bench.messages(id);
  assert.equal(messages.map(({ seq }) => seq), messages.map((_, i) => i + 1));
  assert.is(of(messages, 'user')[0]!.status, 'sent');
  assert.is(of(messages, 'text')[0]!.text, 'You said: hello there');
  assert.is(of(messages, 'turn')[0]!.outcome, 'done');
  assert.ok(info.usage.costUsd! > 0);
  assert.is(info.usage.contextWindow, 200_000);
  assert.is(info.cli.version, '9.9.9');
  assert.is(info.name, 'hello there');
});

test('the page gets an agent without its messages, a script with them', async () => {
  const { id } = await bench.create('hello there');
  await bench.until(id, idle);
  const ask = (query: string) => bench.call('GET', `/api/agents/${id}${query}`);
  const all = (await ask('')).body;
  assert.ok(all.messages.length > 1);
  const { messages, ...without } = all;
  const lean = (await ask('?messages=0')).body;
  assert.not.ok('messages' in lean);
  assert.equal(Object.keys(lean).sort(), Object.keys(without).sort());
  assert.equal((await ask('?messages=1')).body.messages, messages);
  assert.is((await ask('?messages=none')).status, 400);
});

test('a permission is asked, allowed once, and the answer is seen by the CLI', async () => {
  const { id } = await bench.create('bash touch made.txt && echo hi');
  const request = await bench.request(id);
  assert.is((await bench.info(id)).state, 'waiting_input');
  assert.is((await bench.info(id)).stateReason, 'permission');
  const decided = await bench.decide(id, request.id, 'allow');
  assert.is(decided.status, 200);
  await bench.until(id, idle);
  assert.ok(existsSync(join(bench.project, 'made.txt')));
  const after = (await bench.messages(id)).find((message) => message.id === request.id)!;
  assert.is((after as typeof request).status, 'answered');
  const tool = of(await bench.messages(id), 'tool')[0]!;
  assert.is(tool.result!.text, 'hi\n');
  assert.is(tool.inputText, '');
});

test('the first decision wins; the same one again is harmless; another one is told who was first', async () => {
  const { id } = await bench.create('bash true');
  const request = await bench.request(id);
  const clientId = randomUUID();
  const answers = await Promise.all([
    bench.decide(id, request.id, 'allow', { clientId }),
    bench.decide(id, request.id, 'deny', { clientId: randomUUID() }),
    bench.decide(id, request.id, 'allow', { clientId }),
  ]);
  assert.equal(answers.map(({ status }) => status), [200, 409, 200]);
  assert.is(answers[1]!.body.code, 'already_decided');
  assert.is(answers[1]!.body.decision.decision, 'allow');
  assert.ok(answers[1]!.body.decision.at > 0);
  assert.is(answers[2]!.body.duplicate, true);
  await bench.until(id, idle);
});

test('a decision that the request does not offer, or for one that is gone or unknown, changes nothing', async () => {
  const { id } = await bench.create('bash true');
  const request = await bench.request(id);
  assert.is((await bench.decide(id, request.id, 'rule:7')).status, 400);
  assert.is((await bench.decide(id, request.id, 'answer', { answers: { q0: ['x'] } })).status, 400);
  assert.is((await bench.decide(id, randomUUID(), 'allow')).status, 404);
  await bench.call('POST', `/api/agents/${id}/interrupt`, {});
  await bench.until(id, idle);
  const late = await bench.decide(id, request.id, 'allow');
  assert.is(late.status, 410);
  assert.is(late.body.code, 'request_gone');
});

test('a denial gives its reason to the model', async () => {
  const { id } = await bench.create('bash true');
  const request = await bench.request(id);
  await bench.decide(id, request.id, 'deny', { message: 'because I say so' });
  await bench.until(id, idle);
  const tool = of(await bench.messages(id), 'tool')[0]!;
  assert.is(tool.status, 'denied');
  assert.match(tool.result!.text, 'because I say so');
});

test('questions and plans are answered by their own cards', async () => {
  const asked = await bench.create('ask');
  const question = await bench.request(asked.id);
  assert.is(question.request, 'question');
  assert.is((await bench.decide(asked.id, question.id, 'answer', { answers: {} })).status, 400);
  await bench.decide(asked.id, question.id, 'answer', { answers: { q0: ['Blue'] } });
  await bench.until(asked.id, idle);
  assert.match(of(await bench.messages(asked.id), 'tool')[0]!.result!.text, 'Blue');

  const planned = await bench.create('plan', { flags: { permissionMode: 'plan' } });
  const plan = await bench.request(planned.id);
  assert.is(plan.plan, '# Plan\n1. do it');
  await bench.decide(planned.id, plan.id, 'allow', { mode: 'acceptEdits' });
  await bench.until(planned.id, idle);
});

test('a message with the same client id is delivered once', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, idle);
  const clientId = randomUUID();
  const send = () => bench.call('POST', `/api/agents/${id}/message`, { text: 'just once', clientId });
  const answers = await Promise.all([send(), send(), send()]);
  assert.equal(answers.map(({ body }) => body.duplicate).sort(), [false, true, true]);
  await bench.until(id, (info) => info.usage.turns === 2 && idle(info));
  assert.is((await send()).body.duplicate, true);
  const said = of(await bench.messages(id), 'text').filter(({ text }) => text === 'You said: just once');
  assert.is(said.length, 1);
});

test('creating with the same client id makes one agent', async () => {
  const clientId = randomUUID();
  const [a, b] = await Promise.all([bench.create('hello', { clientId }), bench.create('hello', { clientId })]);
  assert.is(a.id, b.id);
  await bench.until(a.id, idle);
  assert.is((await bench.create('hello', { clientId })).id, a.id);
});

test('messages behind a running turn are queued, shown, and can be cancelled', async () => {
  const { id } = await bench.create('long 40 20');
  await bench.until(id, ({ state }) => state === 'running');
  const [first, second] = [randomUUID(), randomUUID()];
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'second', clientId: first });
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'third', clientId: second });
  const queued = await bench.until(id, ({ queue }) => queue.length === 2);
  assert.equal(queued.queue.map(({ text }) => text), ['second', 'third']);
  assert.is((await bench.call('DELETE', `/api/agents/${id}/messages/${second}`)).status, 200);
  await bench.until(id, (info) => info.queue.length === 0 && idle(info));
  const users = of(await bench.messages(id), 'user').map(({ text, status }) => `${text} ${status}`);
  assert.equal(users, ['long 40 20 sent', 'second sent', 'third cancelled']);
  assert.is((await bench.call('DELETE', `/api/agents/${id}/messages/${first}`)).status, 409);
});

test('interrupt ends the turn and not the session', async () => {
  const { id } = await bench.create('long 1000 50');
  await bench.until(id, ({ state, preview }) => state === 'running' && preview.includes('word'));
  await bench.call('POST', `/api/agents/${id}/interrupt`, {});
  const info = await bench.until(id, idle, 1500);
  assert.is(info.stateReason, 'interrupted_by_user');
  assert.is(info.cli.running, true);
  const text = of(await bench.messages(id), 'text')[0]!;
  assert.is(text.done, true);
});

test('stop ends the process; the next message resumes the same session', async () => {
  const { id } = await bench.create('hello');
  const before = await bench.until(id, idle);
  const stopped = await bench.call('POST', `/api/agents/${id}/stop`, {});
  assert.is(stopped.body.state, 'stopped');
  assert.is(stopped.body.stateReason, 'stopped_by_user');
  assert.is(stopped.body.status, 'stopped');
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'again' });
  const after = await bench.until(id, (info) => idle(info) && info.lastSeq > before.lastSeq);
  assert.is(after.sessionId, before.sessionId);
});

test('an API error is the state of the agent until the next turn', async () => {
  const { id } = await bench.create('error 401');
  const info = await bench.until(id, ({ state }) => state === 'error');
  assert.match(info.stateText, '/login');
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'hello' });
  await bench.until(id, idle);
});

for (
  const [prompt, pattern] of [['exit 1', /exit code 1\. It said: this is why/], ['exit 127', /127/], [
    'killed',
    /SIGKILL/,
  ]] as const
) {
  test(`the CLI ends with "${prompt}": the state and the words are right within 2 s`, async () => {
    const { id } = await bench.create(prompt);
    const info = await bench.until(id, ({ state }) => state === 'error', 4000);
    assert.match(info.stateText, pattern);
    assert.is(info.cli.running, false);
    const notice = of(await bench.messages(id), 'notice').at(-1)!;
    assert.is(notice.code, 'exit');
  });
}

test('a CLI that ignores everything is ended with all that it started, within 7 s', async () => {
  const { id } = await bench.create('stubborn');
  const { cli } = await bench.until(id, ({ state }) => state === 'running');
  const children = () => processes().filter(({ group, parent }) => group === cli.pid || parent === cli.pid);
  while (children().length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  const family = children().map(({ pid }) => pid);
  const started = Date.now();
  await bench.call('POST', `/api/agents/${id}/stop`, {});
  assert.ok(Date.now() - started < 7000, `${Date.now() - started} ms`);
  assert.equal(processes().filter(({ pid }) => family.includes(pid)), []);
  assert.is((await bench.info(id)).stateReason, 'stopped_by_user');
});

test('a folder that is not there, or a program that cannot run, is told in words', async () => {
  const missing = await bench.call('POST', '/api/agents', { directory: join(bench.directory, 'nowhere') });
  assert.ok(missing.status >= 400 && missing.status < 500);
  assert.match(missing.body.error, 'nowhere');
  const codex = await bench.create('hello', { provider: 'codex' });
  const info = await bench.until(codex.id, ({ state }) => state === 'error');
  assert.match(info.stateText, /Install it with|CODEX_BIN/);
  assert.is(of(await bench.messages(codex.id), 'user')[0]!.status, 'failed');
});

test('unknown events, garbage and a long line change nothing', async () => {
  const odd = await bench.create('unknown');
  await bench.until(odd.id, idle);
  assert.is(of(await bench.messages(odd.id), 'text').at(-1)!.text, 'still here');
  const big = await bench.create('bigline 64');
  await bench.until(big.id, idle, 20_000);
  assert.is(of(await bench.messages(big.id), 'text').at(-1)!.text, 'after the big line');
});

test('text that came byte by byte is whole', async () => {
  const text = 'é中😀 end';
  const { id } = await bench.create(`bytes ${text}`);
  await bench.until(id, idle);
  assert.is(of(await bench.messages(id), 'text')[0]!.text, text);
});

test('todos, subagents, diffs and retries have their own form', async () => {
  const { id } = await bench.create('todo');
  await bench.until(id, idle);
  assert.equal(of(await bench.messages(id), 'todos')[0]!.todos, [{ text: 'A', status: 'in_progress' }]);
  const sub = await bench.create('sub');
  await bench.until(sub.id, idle);
  assert.is(of(await bench.messages(sub.id), 'text').find(({ parent }) => parent)!.text, 'inside');
  const edit = await bench.create('edit');
  await bench.until(edit.id, idle);
  assert.equal(of(await bench.messages(edit.id), 'tool')[0]!.result!.diffs![0]!.hunks[0]!.lines, ['-a', '+b']);
  const retry = await bench.create('retry');
  await bench.until(retry.id, idle);
  assert.is(of(await bench.messages(retry.id), 'notice').find(({ code }) => code === 'api_retry')!.passing, true);
});

test('the CLI’s environment has nothing of the server’s own', async () => {
  process.env.RELAY_TOKEN_FOR_TEST = '1';
  process.env.SMTP_PASS = 'secret-pass';
  const { id } = await bench.create('env');
  await bench.until(id, idle);
  delete process.env.SMTP_PASS;
  const env = JSON.parse(of(await bench.messages(id), 'text')[0]!.text) as Record<string, string>;
  assert.equal(
    Object.keys(env).filter((name) =>
      /^(RELAY|SMTP|TWILIO|SLACK)_|^(DATA_DIR|DASHBOARD_PASSWORD|CLAUDE_BIN)$/.test(name)
    ),
    [],
  );
  assert.ok(env.PATH);
});

test('hostile values arrive byte for byte as values, and nothing of them is run', async () => {
  const nasty = 'a$(touch canary1)`touch canary2`;touch canary3"\'\n😀';
  const flags = { model: nasty, allowedTools: [`Bash(${nasty})`], addDirs: [nasty] };
  const { id } = await bench.create('argv', { flags, name: nasty });
  await bench.until(id, idle);
  const argv = JSON.parse(of(await bench.messages(id), 'text')[0]!.text) as string[];
  assert.ok(argv.includes(`--model=${nasty}`));
  assert.ok(argv.includes(`--allowedTools=Bash(${nasty})`));
  assert.ok(argv.includes(`--add-dir=${nasty}`));
  assert.not(readdirSync(bench.project).some((name) => name.startsWith('canary')));
  const said = `${nasty} as a prompt`;
  await bench.call('POST', `/api/agents/${id}/message`, { text: said });
  await bench.until(id, (info) => idle(info) && info.usage.turns === 2);
  assert.is(of(await bench.messages(id), 'text').at(-1)!.text, `You said: ${said}`);
});

test('flags are checked; a value that begins with "-" is refused', async () => {
  const bad = [
    { model: '--dangerously-skip-permissions' },
    { allowedTools: ['-p'] },
    { resume: '-x' },
    { addDirs: ['--help'] },
    { mcpConfig: '-' },
    { permissionMode: 'yolo' },
    { maxBudgetUsd: -1 },
    { chrome: 'yes' },
    { model: 'a\0b' },
  ];
  for (const flags of bad) {
    const { status, body } = await bench.call('POST', '/api/agents', { directory: bench.project, flags });
    assert.is(status, 400, JSON.stringify(flags));
    assert.is(body.code, 'bad_request');
    assert.match(body.error, Object.keys(flags)[0]!);
  }
});

test('an image goes to the CLI and leaves its size on the record', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, idle);
  const data = Buffer.from('\x89PNG\r\n\x1a\nnot really a picture', 'latin1').toString('base64');
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'look', images: [{ mediaType: 'image/png', data }] });
  await bench.until(id, (info) => idle(info) && info.usage.turns === 2);
  const messages = await bench.messages(id);
  assert.is(of(messages, 'text').at(-1)!.text, 'I see 1 image. look');
  assert.equal((of(messages, 'user').at(-1) as UserMessage).images[0]!.mediaType, 'image/png');
});

test('history pages backwards', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, idle);
  const all = await bench.messages(id);
  const page = await bench.call('GET', `/api/agents/${id}/messages?before=${all.at(-1)!.seq}&limit=2`);
  assert.equal(page.body.messages.map(({ seq }: Message) => seq), all.slice(-3, -1).map(({ seq }) => seq));
  assert.is(page.body.more, true);
  const after = await bench.call('GET', `/api/agents/${id}/messages?after=1`);
  assert.equal(after.body.messages.map(({ seq }: Message) => seq), all.slice(1).map(({ seq }) => seq));
  assert.is((await bench.call('GET', `/api/agents/${id}/messages?after=x`)).status, 400);
});

test('rename, mode, model, effort; unknown ones are refused', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, idle);
  assert.is((await bench.call('PUT', `/api/agents/${id}/rename`, { name: 'New' })).body.name, 'New');
  await bench.call('PUT', `/api/agents/${id}/mode`, { mode: 'acceptEdits' });
  await bench.until(id, ({ mode }) => mode === 'acceptEdits');
  assert.is((await bench.call('PUT', `/api/agents/${id}/model`, { model: 'opus' })).body.model, 'opus');
  assert.is((await bench.call('PUT', `/api/agents/${id}/effort`, { effort: 'high' })).body.effort, 'high');
  assert.is((await bench.call('PUT', `/api/agents/${id}/mode`, { mode: 'x' })).status, 400);
  assert.is((await bench.call('PUT', `/api/agents/${id}/rename`, { name: ' ' })).status, 400);
});

test('stop-all stops all, delete removes everything of an agent', async () => {
  const own = await startBench(); // not the thirty agents of the other tests
  try {
    const agents = [await own.create('hello'), await own.create('hello'), await own.create('long 1000 20')];
    const { id } = agents[0]!;
    await own.until(id, idle);
    await own.call('POST', '/api/agents/actions/stop-all', {});
    const { body } = await own.call('GET', '/api/agents');
    assert.equal(body.map((info: { cli: { running: boolean } }) => info.cli.running), [false, false, false]);
    assert.is((await own.call('DELETE', `/api/agents/${id}`)).status, 200);
    assert.is((await own.call('GET', `/api/agents/${id}`)).status, 404);
    assert.not(existsSync(join(own.dataDir, 'agents', id)));
  } finally {
    await own.close();
  }
});

test('logs have neither prompts nor control characters', () => {
  const all = bench.lines.join('\n');
  assert.not.match(all, 'hello there');
  assert.ok(bench.lines.length > 0);
  // deno-lint-ignore no-control-regex
  assert.ok(bench.lines.every((line) => !/[\x00-\x1f\x7f]/.test(line)));
});

test('files are closed to others', () => {
  const id = readdirSync(join(bench.dataDir, 'agents'))[0]!;
  const { mode } = statSync(join(bench.dataDir, 'agents', id, 'journal.jsonl'));
  assert.is(mode & 0o777, 0o600);
  assert.is(statSync(bench.dataDir).mode & 0o777, 0o700);
  assert.match(readFileSync(join(bench.dataDir, 'agents', id, 'agent.json'), 'utf8'), '"version": 1');
});

function processes(): { pid: number; parent: number; group: number }[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const [state, parent, group] = readFileSync(`/proc/${name}/stat`, 'latin1').replace(/^.*\) /, '').split(' ');
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
    } catch {
      return [];
    }
  });
}

test.run();

/** The real Claude Code (`npm run test:clis`), driven by the provider, against a stub of its API. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createClaude } from '../../agent/provider/claude/claude.ts';
import type { ProviderEvent } from '../../agent/provider/provider.ts';
import { CLAUDE_BIN, type ClaudeHarness, claudeHarness } from '../support/harness/claude-harness.ts';
import { record } from '../support/fakes/provider-recorder.ts';

const bash = (command: string) => ({ tool: { name: 'Bash', input: { command, description: 'a command' } } });
/** Claude refuses a bare `sleep`. */
const FOREVER = 'node -e "setInterval(() => {}, 54321)"';
const COUNT = 'i=0; while :; do i=$((i+1)); echo $i >> counted.txt; sleep 0.2; done';
const LONG = 'A long streamed answer. '.repeat(40);
const SCENARIO = {
  rules: [
    {
      match: 'use bash',
      steps: [{ text: 'I run a command.', ...bash('touch made.txt && echo done') }, {
        text: 'The command step is over.',
      }],
    },
    {
      match: 'count on',
      steps: [
        { tool: { name: 'Bash', input: { command: COUNT, description: 'counts', run_in_background: true } } },
        { text: 'It counts.' },
      ],
    },
    { match: 'sleep', steps: [bash(FOREVER), { text: 'slept' }] },
    {
      match: 'ask me',
      steps: [{
        tool: {
          name: 'AskUserQuestion',
          input: {
            questions: [{
              question: 'Which colour?',
              header: 'Colour',
              multiSelect: false,
              options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cold' }],
            }],
          },
        },
      }, { text: 'Thanks.' }],
    },
    {
      match: 'plan',
      steps: [
        {
          tool: {
            name: 'Write',
            input: { file_path: '{{re:(/[^ "\\\\]+/plans/[^ "\\\\]+\\.md)}}', content: '# Plan\n1. do it\n' },
          },
        },
        { tool: { name: 'ExitPlanMode', input: {} } },
        { text: 'The plan step is over.' },
      ],
    },
    {
      match: 'edit',
      steps: [{
        tool: {
          name: 'Write',
          input: { file_path: '{{re:working directory: (/[^ \\\\"]+)}}/a.txt', content: 'one\ntwo\n' },
        },
      }, { text: 'written' }],
    },
    { match: 'long', steps: [{ text: LONG, chunk: 12, delayMs: 60 }] },
    { match: 'think', steps: [{ thinking: 'Let me think.', text: 'Thought.' }] },
    {
      match: 'unauthorized',
      steps: [{ error: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' } }],
    },
    {
      match: 'limited',
      steps: [{
        error: {
          status: 429,
          type: 'rate_limit_error',
          message: 'Slow down',
          times: 1,
          headers: { 'retry-after': '1' },
        },
        text: 'recovered',
      }],
    },
    { match: 'broken', steps: [{ error: { status: 500, type: 'api_error', message: 'boom' } }] },
  ],
  default: { text: 'Stub answer.' },
};
const RULES_FILE = '.claude/settings.local.json';

let harness: ClaudeHarness;
test.before(async () => {
  harness = await claudeHarness(SCENARIO);
});
test.after(() => harness?.close());

type Of<K extends ProviderEvent['type']> = Extract<ProviderEvent, { type: K }>;
const outcome = (seen: ReturnType<typeof record>, from = 0) => seen.type('turn.end', from);

test('probe tells the version', async () => {
  const found = await harness.provider.probe();
  assert.is(found.available, true);
  assert.match(found.version, /^2\.1\.330/);
});

test('text streams, comes complete, and is counted', async () => {
  const { session, seen, say } = harness.open();
  const ready = await seen.type('ready');
  assert.is(ready.version, '2.1.330');
  assert.ok(ready.capabilities!.models.length > 0 && ready.capabilities!.commands.length > 0);
  const id = say('think about it');
  assert.is((await outcome(seen)).outcome, 'done');
  const texts = seen.of('text.end').map(({ text, thinking }) => ({ text, thinking }));
  assert.equal(texts, [{ text: 'Let me think.', thinking: true }, { text: 'Thought.', thinking: false }]);
  assert.ok(seen.of('message.status').some((event) => event.id === id && event.status === 'sent'));
  const usage = seen.of('usage').map((event) => event.usage);
  assert.ok(usage.some(({ costUsd }) => costUsd! > 0));
  assert.ok(usage.some(({ contextTokens }) => contextTokens! > 0));
  await session.stop();
  assert.is((await seen.type('exit')).expected, true);
});

test('allow once runs the command; the request is seen to be answered', async () => {
  const { session, seen, say } = harness.open();
  say('use bash');
  const { request } = await seen.type('request');
  assert.is(request.title, 'touch made.txt && echo done');
  assert.ok(session.decide(request.requestId, { decision: 'allow', clientId: '' }));
  assert.is(session.decide(request.requestId, { decision: 'deny', clientId: '' }), false);
  await outcome(seen);
  assert.is((await seen.type('request.resolved')).requestId, request.requestId);
  assert.ok(existsSync(join(harness.project, 'made.txt')));
  assert.not(existsSync(join(harness.project, RULES_FILE)));
  assert.is(seen.of('tool.end')[0]!.result.text, 'done');
  await session.stop();
});

test('deny tells the model why; deny with interrupt ends the turn', async () => {
  const { session, seen, say } = harness.open();
  say('use bash');
  const first = await seen.type('request');
  session.decide(first.request.requestId, { decision: 'deny', clientId: '', message: 'not in this folder' });
  await outcome(seen);
  assert.is(seen.of('tool.end')[0]!.status, 'denied');
  assert.match(seen.of('tool.end')[0]!.result.text, /not in this folder/);
  const from = seen.events.length;
  say('use bash');
  const second = await seen.type('request', from);
  session.decide(second.request.requestId, { decision: 'deny', clientId: '', interrupt: true });
  assert.is((await outcome(seen, from)).outcome, 'interrupted');
  await session.stop();
});

test('an edited input is what runs', async () => {
  const { session, seen, say } = harness.open();
  say('use bash');
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'allow', clientId: '', input: { command: 'touch edited.txt' } });
  await outcome(seen);
  assert.ok(existsSync(join(harness.project, 'edited.txt')));
  await session.stop();
});

test('a rule is applied alone and written where it says; the next time nothing is asked', async () => {
  const { session, seen, say } = harness.open();
  say('use bash');
  const { request } = await seen.type('request');
  const rule = request.choices.find(({ label }) => label.startsWith('Always allow Bash('))!;
  assert.match(rule.detail, /settings\.local\.json/);
  session.decide(request.requestId, { decision: rule.id, clientId: '' });
  await outcome(seen);
  const written = JSON.parse(readFileSync(join(harness.project, RULES_FILE), 'utf8'));
  assert.equal(written.permissions.allow, ['Bash(touch made.txt && echo done)']);
  assert.is(written.permissions.additionalDirectories, undefined);
  const modes = seen.of('session').map(({ mode }) => mode).filter(Boolean);
  assert.not(modes.includes('acceptEdits'));
  await session.stop();
});

test('a question is answered by its form', async () => {
  const { session, seen, say } = harness.open();
  say('ask me');
  const { request } = await seen.type('request');
  assert.is(request.request, 'question');
  assert.equal(request.questions[0]!.options.map(({ label }) => label), ['Red', 'Blue']);
  session.decide(request.requestId, { decision: 'answer', clientId: '', answers: { q0: ['Blue'] } });
  await outcome(seen);
  assert.match(seen.of('tool.end')[0]!.result.text, /Blue/);
  await session.stop();
});

test('a plan is shown, approved, and the mode goes on as chosen', async () => {
  const { session, seen, say } = harness.open({ mode: 'plan' });
  say('make a plan');
  const { request } = await seen.type('request');
  assert.is(request.request, 'plan');
  assert.match(request.plan, /do it/);
  session.decide(request.requestId, { decision: 'allow', clientId: '', mode: 'acceptEdits' });
  assert.is((await outcome(seen)).outcome, 'done');
  assert.ok(seen.of('session').some(({ mode }) => mode === 'acceptEdits'));
  await session.stop();
});

test('a new file comes with its diff before and after', async () => {
  const { session, seen, say } = harness.open();
  say('edit a file');
  const { request } = await seen.type('request');
  assert.equal(request.diffs[0]!.hunks[0]!.lines, ['+one', '+two']);
  session.decide(request.requestId, { decision: 'allow', clientId: '' });
  await outcome(seen);
  assert.equal(seen.of('tool.end')[0]!.result.diffs![0]!.hunks[0]!.lines, ['+one', '+two']);
  await session.stop();
});

test('interrupt in the text, in a tool and at a prompt: each ends the turn, and the session goes on', async () => {
  const { session, seen, say } = harness.open({ flags: { allowedTools: ['Bash(node *)'] } });
  say('long please');
  await seen.type('text.delta');
  session.interrupt();
  assert.is((await outcome(seen)).outcome, 'interrupted');

  let from = seen.events.length;
  say('sleep please');
  await seen.type('tool.input', from);
  await new Promise((resolve) => setTimeout(resolve, 500));
  session.interrupt();
  assert.is((await outcome(seen, from)).outcome, 'interrupted');

  from = seen.events.length;
  say('ask me');
  const { request } = await seen.type('request', from);
  session.interrupt();
  assert.is((await seen.type('request.cancelled', from)).requestId, request.requestId);
  assert.is((await outcome(seen, from)).outcome, 'interrupted');
  assert.is(session.decide(request.requestId, { decision: 'deny', clientId: '' }), false);

  from = seen.events.length;
  say('anything');
  assert.is((await outcome(seen, from)).outcome, 'done');
  await session.stop();
});

test('what runs in the background survives an interruption of the turn, and ends with the agent', async () => {
  const { session, seen, say } = harness.open();
  const counted = () => {
    const file = join(harness.project, 'counted.txt');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length : 0;
  };
  const goesOn = async () => {
    const before = counted();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return counted() > before;
  };
  say('count on');
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'allow', clientId: '' });
  await outcome(seen);
  assert.ok(await goesOn());
  const from = seen.events.length;
  say('long please');
  await seen.type('text.delta', from);
  session.interrupt();
  assert.is((await outcome(seen, from)).outcome, 'interrupted');
  assert.ok(await goesOn(), 'it still counts');
  assert.ok(session.hasBackgroundWork);
  await session.stop();
  assert.not.ok(await goesOn());
});

test('messages behind a running turn are queued, can be cancelled, and run in order', async () => {
  const { session, seen, say } = harness.open();
  say('long please');
  await seen.type('text.delta');
  const second = say('second');
  const third = say('third');
  const isStatus = (id: string, status: string) => (event: ProviderEvent): event is Of<'message.status'> =>
    event.type === 'message.status' && event.id === id && event.status === status;
  await seen.wait(isStatus(third, 'queued'));
  session.cancelQueued(third);
  await seen.wait(isStatus(third, 'cancelled'));
  session.interrupt();
  await seen.wait(isStatus(second, 'sent'));
  await outcome(seen, seen.events.findIndex(isStatus(second, 'sent')));
  assert.not(harness.stub.requests.some(({ prompt }) => prompt === 'third'));
  await session.stop();
});

test('an image is part of the message', async () => {
  const { session, seen } = harness.open();
  const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  session.send({ id: crypto.randomUUID(), text: 'look', images: [{ mediaType: 'image/png', data: png }] });
  assert.is((await outcome(seen)).outcome, 'done');
  assert.ok(harness.stub.requests.some(({ images }) => images === 1));
  await session.stop();
});

test('a passing API error is a notice; a lasting one ends the turn with its words and what to do', async () => {
  const { session, seen, say } = harness.open();
  say('limited');
  assert.is((await outcome(seen)).outcome, 'done');
  assert.ok(seen.of('notice').some(({ code, passing }) => code === 'api_retry' && passing));
  let from = seen.events.length;
  say('broken');
  const broken = await outcome(seen, from);
  assert.is(broken.outcome, 'error');
  assert.match(broken.text, /500|boom/);
  from = seen.events.length;
  say('unauthorized');
  const refused = await outcome(seen, from);
  assert.is(refused.outcome, 'error');
  assert.match(refused.text, /\/login/);
  await session.stop();
});

test('mode, model and effort can be changed while it runs', async () => {
  const { session, seen, say } = harness.open();
  await seen.type('ready');
  session.setMode('acceptEdits');
  await seen.wait((event): event is Of<'session'> => event.type === 'session' && event.mode === 'acceptEdits');
  session.setModel('sonnet');
  session.setEffort('high');
  say('anything');
  await outcome(seen);
  assert.match(seen.of('session').findLast(({ model }) => model)!.model!, /sonnet/);
  assert.is(harness.stub.requests.findLast(({ aux }) => !aux)!.effort, 'high');
  session.setMode('bypassPermissions');
  const refused = await seen.wait((event): event is Of<'notice'> =>
    event.type === 'notice' && event.code === 'setting'
  );
  assert.match(refused.text, /bypassPermissions/);
  await session.stop();
});

test('a killed session is resumed; a fork leaves the original as it was', async () => {
  const first = harness.open();
  first.say('use bash, remember the word pineapple');
  const { request } = await first.seen.type('request');
  const { sessionId } = await first.seen.type('session');
  // It writes its session down a moment later; killed before, there is nothing to resume (the next test).
  await new Promise((resolve) => setTimeout(resolve, 1000));
  process.kill(first.session.pid!, 'SIGKILL');
  const exit = await first.seen.type('exit');
  assert.is(exit.expected, false);
  assert.match(exit.text, /SIGKILL/);
  assert.is(first.session.decide(request.requestId, { decision: 'allow', clientId: '' }), false);

  const second = harness.open({ resume: sessionId });
  second.say('go on');
  const end = await outcome(second.seen);
  assert.is(end.outcome, 'done', end.text);
  assert.is((await second.seen.type('session')).sessionId, sessionId);
  await second.session.stop();

  const fork = harness.open({ resume: sessionId, fork: true });
  fork.say('another way');
  await outcome(fork.seen);
  assert.is.not((await fork.seen.type('session')).sessionId, sessionId);
  await fork.session.stop();
});

test('a reaped process ends by itself and is resumed', async () => {
  const { session, seen, say } = harness.open();
  say('anything');
  await outcome(seen);
  session.reap();
  const exit = await seen.type('exit');
  assert.is(exit.expected, true);
  assert.is(exit.code, 0);
});

test('an unknown session and a wrong flag are told in words', async () => {
  const unknown = harness.open({ resume: '99999999-2222-4333-8444-555555555555' });
  unknown.say('hello');
  const exit = await unknown.seen.type('exit');
  assert.match(exit.text, /No conversation found/);
  assert.is(exit.sessionLost, true);
  const wrong = harness.open({ mode: 'nonsense' as never });
  assert.match((await wrong.seen.type('exit')).text, /nonsense|mode/i);
});

test('a missing binary is told in words', async () => {
  const provider = createClaude({ bin: join(harness.directory, 'nowhere/claude'), env: harness.env });
  const seen = record();
  provider.open({
    agentId: 'a',
    cwd: harness.project,
    resume: null,
    fork: false,
    flags: {},
    model: '',
    mode: 'default',
    effort: '',
  }, seen.emit);
  assert.match((await seen.type('exit')).text, /Install it with/);
});

test('flag values arrive as values, whatever is in them', async () => {
  const tools = ['Bash(echo $(touch canary):*)', 'Read', 'Bash(a; touch canary2)'];
  const { session, seen, say } = harness.open({
    flags: { allowedTools: tools, addDirs: [harness.directory], maxBudgetUsd: 3 },
  });
  say('anything');
  assert.is((await outcome(seen)).outcome, 'done');
  const argv = readFileSync(`/proc/${session.pid}/cmdline`, 'utf8').split('\0');
  for (const tool of tools) assert.ok(argv.includes(`--allowedTools=${tool}`));
  assert.not(readdirSync(harness.project).some((name) => name.startsWith('canary')));
  await session.stop();
});

test('stop in a tool leaves nothing running', async () => {
  const { session, seen, say } = harness.open({ flags: { allowedTools: ['Bash(node *)'] } });
  say('sleep please');
  await seen.type('tool.input');
  await new Promise((resolve) => setTimeout(resolve, 700));
  const { pid } = session;
  await session.stop();
  const left = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((name) => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('54321');
    } catch {
      return false;
    }
  });
  assert.equal(left, []);
  assert.not(existsSync(`/proc/${pid}`));
});

if (!CLAUDE_BIN.includes('/')) console.log(`using ${CLAUDE_BIN} of the PATH`);
test.run();

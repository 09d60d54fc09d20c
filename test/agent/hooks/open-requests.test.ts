import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DecisionBody } from '../../../core/api/messages.ts';
import { descendsFrom } from '../../../agent/hooks/caller.ts';
import { type DeskNews, HookCalls } from '../../../agent/hooks/hook-calls.ts';
import {
  AT_DESK,
  type HookReply,
  LOOK_MS,
  MAX_OPEN,
  MAX_OPEN_OF_SESSION,
  OpenRequests,
  TAKEN_MS,
} from '../../../agent/hooks/open-requests.ts';
import { processIdentity } from '../../../agent/process/identity.ts';
import { claudeHooks, readHook } from '../../../agent/provider/claude/hooks.ts';
import type { LiveSession } from '../../../agent/provider/terminal-sessions.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { sessionId } from '../../support/harness/desk-files.ts';
import { refusal } from '../../support/harness/refusal.ts';

const SESSION = sessionId(1);
const asks = (fields: Record<string, unknown> = {}) => ({
  session_id: SESSION,
  hook_event_name: 'PermissionRequest',
  tool_name: 'Bash',
  tool_input: { command: 'touch x' },
  permission_suggestions: [{
    type: 'addRules',
    rules: [{ toolName: 'Bash', ruleContent: 'touch x' }],
    behavior: 'allow',
    destination: 'session',
  }],
  ...fields,
});

function bench() {
  const clock = fakeClock();
  let changes = 0;
  let alive = true;
  let waiting = false;
  const requests = new OpenRequests({
    clock,
    waiting: () => Promise.resolve(new Set(waiting ? [SESSION] : [])),
    onChange: () => changes++,
  });
  async function look() {
    clock.advance(LOOK_MS);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
  function add(id: string, fields = {}, session = SESSION) {
    const call = readHook(id, asks(fields));
    if (call?.event !== 'request') throw new Error('no request');
    const replies: HookReply[] = [];
    const { request, answer } = call;
    const end = requests.add({ session, request, answer, isAlive: () => alive, reply: (reply) => replies.push(reply) });
    return { end, replies };
  }
  return {
    ...{ clock, requests, add, look, changes: () => changes, die: () => void (alive = false) },
    setWaiting: (now: boolean) => void (waiting = now),
  };
}

const body = (decision: string, more: Partial<DecisionBody> = {}): DecisionBody => ({
  decision,
  clientId: 'c1',
  ...more,
});
const printed = ({ replies }: { replies: HookReply[] }) => (replies[0]?.output as any)?.hookSpecificOutput;

test('an answer counts when the hook has passed it on; the same again is harmless, another is refused', async () => {
  const { requests, add, changes } = bench();
  const hook = add('r1');
  assert.equal(requests.pendingOf(SESSION), ['r1']);
  assert.is(requests.message(SESSION, 'r1')?.status, 'pending');
  assert.is(requests.message(sessionId(2), 'r1'), undefined, "not by another session's name");
  const deciding = requests.decide(SESSION, 'r1', body('allow'), 'Safari on iPhone');
  const rival = refusal(requests.decide(SESSION, 'r1', body('deny', { clientId: 'c2' }), 'a program'));
  assert.equal(printed(hook), {
    hookEventName: 'PermissionRequest',
    decision: { behavior: 'allow', updatedInput: { command: 'touch x' }, updatedPermissions: [] },
  });
  assert.is(requests.message(SESSION, 'r1')?.status, 'pending', 'not before');
  requests.taken('r1');
  const { decision, duplicate } = await deciding;
  assert.equal([decision.decision, decision.by, duplicate], ['allow', 'Safari on iPhone', false]);
  assert.is((await rival).code, 'already_decided');
  hook.end();
  assert.is(requests.message(SESSION, 'r1')?.decision?.by, 'Safari on iPhone', 'its end changes nothing');
  assert.is((await requests.decide(SESSION, 'r1', body('allow'), 'again')).duplicate, true);
  assert.is(
    (await refusal(requests.decide(SESSION, 'r1', body('allow', { clientId: 'c3' }), 'late'))).code,
    'already_decided',
  );
  assert.equal([requests.pendingOf(SESSION), hook.replies.length, changes()], [[], 1, 2]);
});

test('the terminal was first: the request goes away, and a late answer is refused and says by whom', async () => {
  const { requests, add } = bench();
  add('r1').end();
  assert.equal(requests.pendingOf(SESSION), []);
  const error = await refusal(requests.decide(SESSION, 'r1', body('allow'), 'late'));
  assert.equal([error.code, error.params], ['already_decided', { by: AT_DESK }]);
  assert.is((await refusal(requests.decide(SESSION, 'r2', body('allow'), 'x'))).code, 'not_found');
});

test('an answer that no hook passes on any more is not taken', async () => {
  const { clock, requests, add } = bench();
  const hook = add('r1');
  const late = refusal(requests.decide(SESSION, 'r1', body('allow'), 'late'));
  hook.end(); // its process has ended with the answer in its hands
  clock.advance(TAKEN_MS);
  assert.equal((await late).params, { by: AT_DESK });
  requests.taken('r1');
  assert.is(requests.message(SESSION, 'r1')?.decision?.by, AT_DESK);
});

test('what a killed program has asked goes away by itself', async () => {
  const { requests, add, look, die } = bench();
  const hook = add('r1');
  await look();
  assert.equal(requests.pendingOf(SESSION), ['r1']);
  die();
  await look();
  assert.equal([requests.pendingOf(SESSION), hook.replies], [[], [{ output: null }]]);
  assert.is((await refusal(requests.decide(SESSION, 'r1', body('allow'), 'x'))).code, 'request_gone');
});

test('a session that waits no more has its answer, though its hook goes on; between two prompts it may be at work', async () => {
  const { requests, add, look, setWaiting } = bench();
  const hook = add('r1');
  for (let i = 0; i < 5; i++) await look();
  assert.equal(requests.pendingOf(SESSION), ['r1'], 'not seen to wait yet');
  setWaiting(true);
  await look();
  setWaiting(false);
  await look();
  setWaiting(true);
  await look();
  setWaiting(false);
  await look();
  assert.equal(requests.pendingOf(SESSION), ['r1']);
  await look();
  assert.equal([requests.pendingOf(SESSION), hook.replies], [[], [{ output: null }]]);
  assert.is(requests.message(SESSION, 'r1')?.decision?.by, AT_DESK);
  add('r2');
  setWaiting(true);
  await look();
  setWaiting(false);
  const deciding = refusal(requests.decide(SESSION, 'r2', body('allow'), 'late'));
  for (let i = 0; i < 10; i++) await Promise.resolve();
  await look();
  const late = await deciding;
  assert.equal([late.code, late.params], ['already_decided', { by: AT_DESK }], 'not even before it was looked');
});

test('a session that is at work for a moment while somebody answers has its request still', async () => {
  const { requests, add, look, setWaiting } = bench();
  const hook = add('r1');
  setWaiting(true);
  await look();
  setWaiting(false);
  const deciding = requests.decide(SESSION, 'r1', body('allow'), 'a phone');
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assert.equal([requests.pendingOf(SESSION), hook.replies], [['r1'], []]);
  setWaiting(true);
  await look();
  for (let i = 0; i < 10; i++) await Promise.resolve();
  requests.taken('r1');
  assert.is((await deciding).duplicate, false);
});

test('what cannot be seen whole is only denied; what is not offered is refused', async () => {
  const { requests, add } = bench();
  add('long', { tool_input: { command: 'x'.repeat(600_000) } });
  assert.is((await refusal(requests.decide(SESSION, 'long', body('allow'), 'x'))).code, 'not_whole');
  assert.is((await refusal(requests.decide(SESSION, 'long', body('rule:0'), 'x'))).code, 'not_whole');
  add('short');
  assert.is((await refusal(requests.decide(SESSION, 'short', body('rule:7'), 'x'))).code, 'bad_request');
  assert.equal(requests.pendingOf(SESSION), ['long', 'short'], 'a refusal ends nothing');
});

test('what offers too many choices, or an input of another form, is not allowed from here', async () => {
  const { requests, add } = bench();
  const rule = (i: number) => ({ type: 'addDirectories', directories: [`/tmp/${i}`], destination: 'session' });
  add('many', { permission_suggestions: Array.from({ length: 20_000 }, (_, i) => rule(i)) });
  assert.equal(requests.message(SESSION, 'many')?.choices.map(({ id }) => id), ['deny']);
  assert.is((await refusal(requests.decide(SESSION, 'many', body('allow'), 'x'))).code, 'not_whole');
  for (const input of ['touch x', ['touch x'], null, 5]) assert.is(readHook('r1', asks({ tool_input: input })), null);
});

test('requests are bounded, of a session and in all; a hook that comes twice is not heard', async () => {
  const { requests, add } = bench();
  for (let i = 0; i < MAX_OPEN_OF_SESSION; i++) add(`a${i}`);
  assert.throws(() => add('more'), /Too many/);
  for (let i = MAX_OPEN_OF_SESSION; i < MAX_OPEN; i++) add(`b${i}`, {}, sessionId(Math.floor(i / 8)));
  assert.throws(() => add('more', {}, sessionId(999)), /Too many/);
  assert.is(requests.pendingOf(SESSION).length, MAX_OPEN_OF_SESSION);
});

test('a server that goes down leaves the hooks to the next one', async () => {
  const { requests, add } = bench();
  const hook = add('r1');
  requests.close();
  const late = await refusal(requests.decide(SESSION, 'r1', body('allow'), 'x'));
  assert.is(late.code, 'closing');
  hook.end();
  assert.is(requests.message(SESSION, 'r1')?.status, 'pending', 'nobody has answered');
  assert.equal(hook.replies, [{ output: null, again: true }]);
  assert.throws(() => add('r2'), /going down/);
});

test('payloads: each answer in the form that the CLI takes, and nothing from what is none', () => {
  const answer = (fields: object, decision: DecisionBody) => {
    const call = readHook('r', asks(fields as Record<string, unknown>));
    return call?.event === 'request' ? (call.answer(decision) as any).hookSpecificOutput.decision : null;
  };
  assert.equal(answer({}, body('deny', { message: 'not there' })), { behavior: 'deny', message: 'not there' });
  assert.equal(answer({}, body('deny', { interrupt: true })), {
    behavior: 'deny',
    message: 'The user said no.',
    interrupt: true,
  });
  assert.equal(answer({}, body('allow', { input: { command: 'touch y' } })).updatedInput, { command: 'touch y' });
  assert.equal(answer({}, body('rule:0')).updatedPermissions, asks().permission_suggestions);
  const questions = [{ question: 'Which colour?', options: [{ label: 'Red' }, { label: 'Blue' }], multiSelect: false }];
  const asked = { tool_name: 'AskUserQuestion', tool_input: { questions }, permission_suggestions: [] };
  assert.equal(answer(asked, body('answer', { answers: { q0: ['Blue'] } })), {
    behavior: 'allow',
    updatedInput: { questions, answers: { 'Which colour?': 'Blue' } },
  });
  const event = (hook_event_name: string, more = {}) =>
    readHook('r', { ...asks(), hook_event_name, ...more })?.event ?? null;
  assert.is(event('Notification', { notification_type: 'permission_prompt' }), 'waits');
  assert.is(event('Notification', { notification_type: 'idle_prompt' }), null);
  assert.is(event('Stop', { last_assistant_message: 'done' }), 'finished');
  assert.is(event('PreToolUse'), null);
  for (const odd of [{}, asks({ session_id: '../../etc' }), asks({ session_id: 7 }), asks({ tool_name: undefined })]) {
    assert.is(readHook('r', odd), null);
  }
});

test('only a process that the program has started is its hook', () => {
  const own = processIdentity(process.pid)!;
  const tree: Record<number, number> = { 100: 90, 90: 80, 80: process.pid, [process.pid]: 1 };
  const parent = (pid: number) => tree[pid] ?? 0;
  assert.ok(descendsFrom(100, [own], parent));
  assert.not.ok(descendsFrom(process.pid, [own], parent), 'not the program itself');
  assert.not.ok(descendsFrom(100, [{ ...own, startTime: '1' }], parent), 'not a later process of its number');
  assert.not.ok(descendsFrom(100, [], parent));
  assert.not.ok(descendsFrom(100, [own], (pid) => pid + 1), 'not without end');
  assert.ok(descendsFrom(process.pid, [processIdentity(process.ppid)!]));
});

test('calls: of sessions at the desk only; what they say beside is told once', async () => {
  const clock = fakeClock();
  const requests = new OpenRequests({ clock, waiting: () => Promise.resolve(new Set()), onChange: () => {} });
  const own = processIdentity(process.pid)!;
  const live: LiveSession = {
    ...{ pid: process.pid, process: own, isOwn: true, id: SESSION, directory: '/p', name: '', version: '1' },
    ...{ startedBy: 'person', attach: null, status: 'busy', waitingFor: '', startedAt: 0, statusAt: 0 },
  };
  let listed: LiveSession[] = [live];
  let looks = 0;
  const calls = new HookCalls({
    ...{ clock, requests, hooks: claudeHooks('/c'), source: { list: () => Promise.resolve(listed) } },
    refresh: () => Promise.resolve(looks++),
    isCaller: (pid) => pid === 42,
  });
  const news: DeskNews[] = [];
  calls.serve((entry) => news.push(entry));
  const replies: HookReply[] = [];
  const call = (payload: Record<string, unknown>, pid = 42, id = 'r1') =>
    calls.call({ id, pid, payload }, (reply) => replies.push(reply));
  const step = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
    clock.advance(200);
  };
  const refused = async (promise: Promise<unknown>) => {
    const error = refusal(promise);
    for (let i = 0; i < 4; i++) await step();
    return await error;
  };
  const waits = asks({ hook_event_name: 'Notification', notification_type: 'permission_prompt' });
  await call(waits);
  assert.equal(news, [{ session: SESSION, event: 'waits', text: '' }]);
  await call(asks());
  await call(waits, 42, 'r2');
  assert.is(news.length, 1, 'what waits here already is no news');
  await call(asks({ hook_event_name: 'Stop', last_assistant_message: 'done' }));
  assert.equal(news[1], { session: SESSION, event: 'finished', text: 'done' });
  assert.equal(replies, [{ output: null }, { output: null }, { output: null }]);
  assert.is(looks, 4);
  for (const other of [{ ...live, startedBy: 'program' }, { ...live, isOwn: false }, { ...live, process: null }]) {
    listed = [other as LiveSession];
    assert.is((await refused(call(asks(), 42, 'r3'))).code, 'local_only');
  }
  listed = [live];
  assert.is((await refused(call(asks(), 43, 'r3'))).code, 'local_only', 'of another process');
  assert.is(
    (await refused(call(asks({ session_id: sessionId(2) }), 42, 'r3'))).code,
    'local_only',
    'of another session',
  );
  listed = [];
  const late = call(asks(), 42, 'r4');
  await step();
  listed = [live];
  await step();
  await late;
  assert.equal(requests.pendingOf(SESSION), ['r1', 'r4'], 'its file was being written');
});

test.run();

/** What the real Claude Code (2.1.330 and 2.1.197) said, replayed through the reader. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ClaudeReader } from '../../../agent/provider/claude/reader.ts';
import type { OpenRequest } from '../../../agent/provider/claude/requests.ts';
import { answerOf } from '../../../agent/provider/claude/requests.ts';
import type { JsonObject } from '../../../agent/provider/untyped-json.ts';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';

const DIRECTORY = new URL('../../vectors/claude/', import.meta.url);
type Line = { dir: string; line: JsonObject };

function replay(name: string) {
  const events: ProviderEvent[] = [];
  const opened: OpenRequest[] = [];
  const reader = new ClaudeReader({
    emit: (event) => events.push(event),
    opened: (request) => opened.push(request),
    withdrawn: () => {},
    toolDone: () => {},
    response: () => {},
    unsupported: () => {},
  });
  const lines = readFileSync(new URL(name, DIRECTORY), 'utf8').split('\n').filter(Boolean)
    .map((text) => JSON.parse(text) as Line);
  for (const { dir, line } of lines) if (dir === 'out' && line._raw === undefined) reader.read(line);
  return { events, opened, reader, lines };
}
const of = <K extends ProviderEvent['type']>(events: ProviderEvent[], type: K) =>
  events.filter((event): event is Extract<ProviderEvent, { type: K }> => event.type === type);

/** Recordings of sessions that a host drove (not `-p PROMPT`), by what they may end with. */
const NAMES = readdirSync(DIRECTORY).filter((name) => name.endsWith('.jsonl'));

for (const name of NAMES) {
  test(`${name}: turns begin before they end, blocks that were told complete have an id of their own`, () => {
    const { events } = replay(name);
    let running = 0;
    for (const event of events) {
      if (event.type === 'turn.start') assert.is(++running, 1);
      if (event.type === 'turn.end') running = 0;
    }
    const ends = of(events, 'text.end').map(({ id }) => id);
    assert.equal(ends, [...new Set(ends)]);
    const tools = of(events, 'tool.input').map(({ id }) => id);
    assert.equal(tools, [...new Set(tools)]);
    for (const { id } of of(events, 'tool.end')) assert.ok(tools.includes(id), `result of an unknown tool ${id}`);
  });
}

for (const name of ['claude-b1-bidi-control.jsonl', 'claude-a2-oneshot-partial.jsonl', 'claude-b4-interrupt.jsonl']) {
  test(`${name}: what streamed is the beginning of what came complete`, () => {
    const { events } = replay(name);
    const starts = of(events, 'text.start');
    assert.ok(starts.length > 0);
    for (const { id } of starts) {
      const streamed = of(events, 'text.delta').filter((event) => event.id === id).map(({ text }) => text).join('');
      const whole = of(events, 'text.end').find((event) => event.id === id);
      assert.ok(whole, `${id} never ended`);
      // Long runs of deltas were trimmed in the recording.
      assert.ok(whole.text.startsWith(streamed), `${streamed} … ${whole.text}`);
    }
  });
}

test('usage is cumulative: the last result of a session counts', () => {
  const usage = of(replay('claude-b1-bidi-control.jsonl').events, 'usage').map((event) => event.usage);
  const costs = usage.flatMap(({ costUsd }) => costUsd === undefined ? [] : [costUsd]);
  assert.equal(costs.slice(0, 2), [0.00428, 0.00638]);
  const last = usage.findLast(({ contextWindow }) => contextWindow !== undefined)!;
  assert.is(last.contextWindow, 1_000_000);
});

test('permission requests offer one choice a suggestion, and each is answered with that suggestion alone', () => {
  const { events, opened } = replay('claude-b2-permissions.jsonl');
  const first = of(events, 'request')[0]!.request;
  assert.equal(first.choices.map(({ id }) => id), ['allow', 'rule:0', 'rule:1', 'rule:2', 'deny']);
  assert.is(first.choices[1]!.label, 'Always allow Bash(touch made-by-bash.txt && echo done)');
  assert.match(first.choices[1]!.detail, /settings\.local\.json/);
  const answer = answerOf(opened[0]!, { decision: 'rule:2', clientId: '' });
  assert.equal(answer.updatedPermissions, [{ type: 'setMode', mode: 'acceptEdits', destination: 'session' }]);
  assert.equal(answer.updatedInput, first.input);
});

test('an allow without changes sends the input back and no permission update; a deny sends the reason', () => {
  const { opened } = replay('claude-b2-permissions.jsonl');
  assert.equal(answerOf(opened[0]!, { decision: 'allow', clientId: '' }), {
    behavior: 'allow',
    updatedInput: opened[0]!.input,
    updatedPermissions: [],
  });
  const edited = answerOf(opened[0]!, { decision: 'allow', clientId: '', input: { command: 'true' } });
  assert.equal(edited.updatedInput, { command: 'true' });
  assert.equal(answerOf(opened[0]!, { decision: 'deny', clientId: '', message: 'not today', interrupt: true }), {
    behavior: 'deny',
    message: 'not today',
    interrupt: true,
  });
  // A rule that was not offered is no permission.
  assert.is(answerOf(opened[0]!, { decision: 'rule:9', clientId: '' }).behavior, 'deny');
});

test('questions become a form, and the answers go back under the question’s text', () => {
  const { events, opened } = replay('claude-b2-permissions.jsonl');
  const { request } = of(events, 'request').find(({ request }) => request.request === 'question')!;
  assert.is(request.questions[0]!.options.length > 1, true);
  const open = opened.find(({ kind }) => kind === 'question')!;
  const answer = answerOf(open, { decision: 'answer', clientId: '', answers: { q0: ['Blue'] } });
  const { answers } = answer.updatedInput as { answers: Record<string, string> };
  assert.equal(answers, { [request.questions[0]!.question]: 'Blue' });
});

test('a plan is a card of its own, and approving it sets the mode that was chosen', () => {
  const { events, opened } = replay('claude-b3-plan.jsonl');
  const plans = of(events, 'request').map(({ request }) => request).filter(({ request }) => request === 'plan');
  assert.is(plans.length, 3);
  assert.is(plans[2]!.plan, '# Plan\n1. do it\n');
  const answer = answerOf(opened[2]!, { decision: 'allow', clientId: '', mode: 'acceptEdits' });
  assert.equal(answer.updatedPermissions, [{ type: 'setMode', mode: 'acceptEdits', destination: 'session' }]);
});

test('an edit’s result carries its diff, a new file’s its content', () => {
  const ends = of(replay('claude-b2-permissions.jsonl').events, 'tool.end');
  const diffs = ends.flatMap(({ result }) => result.diffs ?? []);
  const edit = diffs.find(({ kind }) => kind === 'update')!;
  assert.equal(edit.hunks[0]!.lines, ['-# demo edited', '+# demo edited edited']);
  const added = diffs.find(({ kind }) => kind === 'add')!;
  assert.equal(added.hunks[0]!.lines, ['+line one', '+line two']);
});

test('a refused tool is denied, a stopped turn is interrupted and no error', () => {
  const denied = of(replay('claude-b2-permissions.jsonl').events, 'tool.end').filter(({ status }) =>
    status === 'denied'
  );
  assert.ok(denied.length >= 2);
  const outcomes = of(replay('claude-b4-interrupt.jsonl').events, 'turn.end').map(({ outcome }) => outcome);
  assert.equal(outcomes, ['interrupted', 'interrupted', 'interrupted', 'done']);
  const cancelled = of(replay('claude-b4-interrupt.jsonl').events, 'request.cancelled');
  assert.is(cancelled.length, 1);
});

test('queued messages are told as queued, then sent or cancelled; an interrupted one was sent', () => {
  const statuses = of(replay('claude-b5-queue.jsonl').events, 'message.status');
  const of3 = statuses.filter(({ id }) => id.endsWith('3')).map(({ status }) => status);
  assert.equal(of3, ['queued', 'cancelled']);
  const of2 = statuses.filter(({ id }) => id.endsWith('2')).map(({ status }) => status);
  assert.is(of2[0], 'queued');
  assert.is(of2.at(-1), 'sent');
  const of1 = statuses.filter(({ id }) => id.endsWith('1')).map(({ status }) => status);
  assert.not(of1.includes('cancelled'));
});

test('API failures are errors although they are called success, with what to do about a login', () => {
  const { events } = replay('claude-c1-errors.jsonl');
  const errors = of(events, 'turn.end').filter(({ outcome }) => outcome === 'error');
  assert.ok(errors.length >= 8);
  assert.ok(errors.every(({ text }) => text.length > 0));
  assert.ok(errors.some(({ text }) => text.includes('/login')));
  const retries = of(events, 'notice').filter(({ code }) => code === 'api_retry');
  assert.ok(retries.length > 0 && retries.every(({ passing }) => passing));
  assert.match(retries[0]!.text, /Try 1 of 2 in 1 s/);
});

test('budget and turn limits have outcomes of their own', () => {
  assert.equal(of(replay('claude-c4-budget.jsonl').events, 'turn.end').at(-1)!.outcome, 'max_budget');
  assert.ok(of(replay('claude-c5-maxturns.jsonl').events, 'turn.end').some(({ outcome }) => outcome === 'max_turns'));
});

test('a subagent’s messages name the tool that started it', () => {
  const { events } = replay('claude-e3-subagent.jsonl');
  const inner = of(events, 'tool.input').find(({ parent }) => parent);
  const outer = of(events, 'tool.input').find(({ tool }) => tool === 'Agent');
  assert.is(inner!.parent, outer!.id);
});

test('background work is known, and the turn that it starts by itself is a turn', () => {
  const { events, reader } = replay('claude-e2-background.jsonl');
  assert.is(of(events, 'turn.start').length, 2);
  assert.is(reader.backgroundTasks, 0);
  assert.ok(of(events, 'notice').some(({ code, text }) => code === 'background' && text.includes('setTimeout')));
});

test('/clear is told, and the session goes on under its new id', () => {
  const { events } = replay('claude-e5-slash.jsonl');
  assert.is(of(events, 'cleared').length, 1);
  const ids = new Set(of(events, 'session').map(({ sessionId }) => sessionId));
  assert.is(ids.size, 2);
  assert.ok(of(events, 'title').some(({ title }) => title === 'My nice title'));
});

test('rate limits are told while they matter', () => {
  const notices = of(replay('claude-d7-ratelimit.jsonl').events, 'notice').filter(({ code }) => code === 'rate_limit');
  assert.match(notices[0]!.text, /five-hour limit is nearly reached \(91 %\)/);
  assert.match(notices.at(-1)!.text, /is reached/);
  assert.equal(notices.map(({ limit }) => limit!.isReached), [...notices.slice(1).map(() => false), true]);
  assert.ok(notices.at(-1)!.limit!.resetsAt! > 1_600_000_000_000);
});

test('windows of the limits are told with percent and reset', () => {
  const said = of(replay('claude-d7-ratelimit.jsonl').events, 'limits').map(({ windows }) => windows);
  assert.equal(said[0], [
    { id: 'five_hour', minutes: 300, percent: 91, resetsAt: 1795348356000, isReached: false },
    { id: 'seven_day', minutes: 10080, percent: 30, resetsAt: 1795431156000, isReached: false },
  ]);
  assert.equal(said.at(-1), [
    { id: 'five_hour', minutes: 300, percent: 100, resetsAt: 1795348356000, isReached: true },
  ]);
});

test('unknown and misshapen lines change nothing', () => {
  const events: ProviderEvent[] = [];
  const nothing = () => {};
  const reader = new ClaudeReader({
    emit: (event) => events.push(event),
    opened: nothing,
    withdrawn: nothing,
    toolDone: nothing,
    response: nothing,
    unsupported: nothing,
  });
  const lines: JsonObject[] = [
    {},
    { type: 'new' },
    { type: 'system' },
    { type: 'system', subtype: 'new' },
    { type: 'user', message: null },
    { type: 'user', message: { content: [null, 1, 'x', { type: 'tool_result' }] } },
    { type: 'stream_event' },
    { type: 'stream_event', event: { type: 'content_block_delta' } },
    { type: 'control_response' },
    { type: 'command_lifecycle' },
    { type: 'rate_limit_event' },
    { type: 'assistant', message: { content: 'text' } },
  ];
  for (const line of lines) reader.read(line);
  assert.equal(of(events, 'text.end'), []);
  assert.equal(of(events, 'request'), []);
});

test.run();

/** The real Codex asks: commands, file changes, questions; each answer and what it does. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CodexHarness, codexHarness } from '../support/harness/codex-harness.ts';
import type { Recorder } from '../support/fakes/provider-recorder.ts';

const shell = (cmd: string) => ({ tool: { name: 'exec_command', arguments: { cmd } } });
const patch = (input: string) => ({
  custom: { name: 'apply_patch', input: `*** Begin Patch\n${input}\n*** End Patch\n` },
});
const question = {
  tool: {
    name: 'request_user_input',
    arguments: {
      questions: [{
        id: 'q1',
        header: 'Colour',
        question: 'Which colour?',
        options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cold' }],
      }],
    },
  },
};
const message = (text: string) => ({ id: text, text, images: [] });

let harness: CodexHarness;
test.before(async () => {
  harness = await codexHarness({
    rules: [
      { match: '^touch twice', steps: [shell('touch made.txt'), shell('touch made.txt'), { text: 'over' }] },
      { match: '^touch', steps: [shell('touch made.txt'), { text: 'over' }] },
      { match: '^add', steps: [patch('*** Add File: a.txt\n+one\n+two'), { text: 'over' }] },
      { match: '^update', steps: [patch('*** Update File: b.txt\n@@\n-old\n+new'), { text: 'over' }] },
      { match: '^ask', steps: [question, { text: 'thanks' }] },
    ],
    default: { text: 'Stub answer.' },
  });
});
test.after(() => harness.close());
test.before.each(() => rmSync(join(harness.project, 'made.txt'), { force: true }));

const result = () => existsSync(join(harness.project, 'made.txt'));
const requests = (seen: Recorder) => seen.of('request').map((event) => event.request);

for (
  const [decision, outcome, isMade, status] of [
    ['allow', 'done', true, 'done'],
    ['session', 'done', true, 'done'],
    ['deny', 'done', false, 'denied'],
    ['cancel', 'interrupted', false, 'denied'],
  ] as const
) {
  test(`a command: ${decision}`, async () => {
    const { session, seen } = harness.open();
    session.send(message('touch'));
    const { request } = await seen.type('request');
    assert.equal([request.tool, request.title], ['Bash', 'touch made.txt']);
    assert.ok(session.decide(request.requestId, { decision, clientId: 'c' }));
    assert.is((await seen.type('turn.end')).outcome, outcome);
    assert.is((await seen.type('request.resolved')).requestId, request.requestId);
    assert.is((await seen.type('tool.end')).status, status);
    assert.is(result(), isMade);
    await session.stop();
  });
}

test('"session" is not asked again in the session, "allow" is', async () => {
  for (const [decision, count] of [['session', 1], ['allow', 2]] as const) {
    const { session, seen } = harness.open();
    session.send(message('touch twice'));
    const { request } = await seen.type('request');
    session.decide(request.requestId, { decision, clientId: 'c' });
    await seen.wait((event): event is never => {
      if (event.type !== 'request' || event.request.requestId === request.requestId) return event.type === 'turn.end';
      session.decide(event.request.requestId, { decision: 'allow', clientId: 'd' });
      return false;
    });
    assert.is(requests(seen).length, count, decision);
    await session.stop();
  }
});

test('a rule is a choice of its own and is remembered', async () => {
  const first = harness.open();
  first.session.send(message('touch'));
  const { request } = await first.seen.type('request');
  const rule = request.choices.find((choice) => choice.tone === 'rule')!;
  assert.equal([rule.id, rule.label], ['rule:0', 'Always allow touch made.txt']);
  first.session.decide(request.requestId, { decision: rule.id, clientId: 'c' });
  await first.seen.type('turn.end');
  await first.session.stop();
  const second = harness.open();
  second.session.send(message('touch'));
  await second.seen.type('turn.end');
  assert.is(requests(second.seen).length, 0);
  await second.session.stop();
});

test('an interrupt while it asks takes the card away and runs nothing', async () => {
  writeFileSync(join(harness.project, 'b.txt'), 'old\n');
  const { session, seen } = harness.open();
  session.send(message('update'));
  const { request } = await seen.type('request');
  session.interrupt();
  assert.is((await seen.type('turn.end')).outcome, 'interrupted');
  assert.is((await seen.type('request.cancelled')).requestId, request.requestId);
  assert.not.ok(session.decide(request.requestId, { decision: 'allow', clientId: 'c' }));
  assert.is(readFileSync(join(harness.project, 'b.txt'), 'utf8'), 'old\n');
  await session.stop();
});

test('a new file and a change come with their diffs', async () => {
  writeFileSync(join(harness.project, 'b.txt'), 'old\n');
  for (
    const [prompt, file, kind, hunk, content] of [
      ['add', 'a.txt', 'add', ['+one', '+two'], 'one\ntwo\n'],
      ['update', 'b.txt', 'update', ['-old', '+new'], 'new\n'],
    ] as const
  ) {
    const { session, seen } = harness.open();
    session.send(message(prompt));
    const { request } = await seen.type('request');
    assert.is(request.tool, 'Edit');
    assert.equal([request.diffs[0]!.path, request.diffs[0]!.kind, request.diffs[0]!.hunks[0]!.lines], [
      join(harness.project, file),
      kind,
      [...hunk],
    ]);
    session.decide(request.requestId, { decision: 'allow', clientId: 'c' });
    assert.is((await seen.type('turn.end')).outcome, 'done');
    assert.is(readFileSync(join(harness.project, file), 'utf8'), content);
    await session.stop();
  }
});

test('a file change that is denied is not made', async () => {
  rmSync(join(harness.project, 'a.txt'), { force: true });
  const { session, seen } = harness.open();
  session.send(message('add'));
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'deny', clientId: 'c', message: 'Put it elsewhere.' });
  assert.is((await seen.type('turn.end')).outcome, 'done');
  assert.not.ok(existsSync(join(harness.project, 'a.txt')));
  await session.stop();
});

test('a question in plan mode is answered', async () => {
  const { session, seen } = harness.open({ mode: 'plan' });
  session.send(message('ask'));
  const { request } = await seen.type('request');
  assert.equal([request.request, request.questions[0]!.options.map((option) => option.label)], ['question', [
    'Red',
    'Blue',
  ]]);
  session.decide(request.requestId, { decision: 'answer', clientId: 'c', answers: { q1: ['Blue'] } });
  assert.is((await seen.type('turn.end')).outcome, 'done');
  assert.match(harness.stub.requests.at(-1)!.last!, 'Blue');
  await session.stop();
});

test('a question that is not answered does not keep the turn', async () => {
  const { session, seen } = harness.open({ mode: 'plan' });
  session.send(message('ask'));
  const { request } = await seen.type('request');
  session.decide(request.requestId, { decision: 'deny', clientId: 'c' });
  assert.is((await seen.type('turn.end')).outcome, 'done');
  await session.stop();
});

test('a mode that is changed holds from the next turn on', async () => {
  const { session, seen } = harness.open({ mode: 'plan' });
  await seen.type('ready');
  session.setMode('bypassPermissions');
  session.send(message('touch'));
  await seen.type('turn.end');
  assert.is(requests(seen).length, 0);
  assert.ok(result());
  await session.stop();
});

test.run();

/** What the real app-server (0.169.0) said, replayed through the mapping. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fileDiffs } from '../../../agent/provider/codex/diff.ts';
import { plainCommand } from '../../../agent/provider/codex/items.ts';
import { openRequest } from '../../../agent/provider/codex/requests.ts';
import { errorSentence, rateLimitNotice } from '../../../agent/provider/codex/text.ts';
import { ThreadEvents } from '../../../agent/provider/codex/thread.ts';
import { type JsonObject, object, string } from '../../../agent/provider/untyped-json.ts';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';

type Line = { dir: string; line: JsonObject };

const lines = (name: string): Line[] =>
  readFileSync(new URL(`../../vectors/codex/codex-${name}.jsonl`, import.meta.url), 'utf8')
    .split('\n').filter(Boolean).map((text) => JSON.parse(text));

function replay(name: string) {
  const events: ProviderEvent[] = [];
  const turns: (string | null)[] = [];
  const thread = new ThreadEvents({
    emit: (event) => events.push(event),
    turn: (id) => turns.push(id),
    taken: () => {},
  });
  const requests: JsonObject[] = [];
  for (const { dir, line } of lines(name)) {
    if (dir !== 'out' || typeof line.method !== 'string') continue;
    if (line.id === undefined) thread.notify(line.method, object(line.params));
    else requests.push({ ...line, diffs: thread.blocks.changesOf(string(object(line.params).itemId)) });
  }
  return { events, requests, turns, thread };
}
const of = <K extends ProviderEvent['type']>(events: ProviderEvent[], type: K) =>
  events.filter((event): event is Extract<ProviderEvent, { type: K }> => event.type === type);

const TRANSCRIPTS = [
  'b1-appserver-basic',
  'b2-appserver-approvals',
  'b3-appserver-interrupt',
  'b4-appserver-resume',
  'b5-appserver-errors',
  'b6-appserver-userinput',
  'b8-appserver-sandbox-modes',
  'b9-ratelimits',
];

for (const name of TRANSCRIPTS) {
  test(`${name}: every block that starts ends once, turns begin and end in pairs`, () => {
    const { events, turns, thread } = replay(name);
    thread.blocks.close();
    const count = (type: ProviderEvent['type'], id: string) =>
      events.filter((event) => event.type === type && 'id' in event && event.id === id).length;
    for (const { id } of [...of(events, 'text.start')]) assert.is(count('text.end', id), 1, id);
    for (const { id } of [...of(events, 'tool.start')]) assert.is(count('tool.end', id), 1, id);
    for (const { id, text } of of(events, 'text.end')) {
      const streamed = of(events, 'text.delta').filter((event) => event.id === id).map((event) => event.text).join('');
      if (streamed && !streamed.includes('…')) assert.ok(text.startsWith(streamed.slice(0, 8)), id);
    }
    assert.is(of(events, 'turn.start').length, of(events, 'turn.end').length);
    assert.is(turns.at(-1), null);
  });
}

test('b1: text, thinking and tokens', () => {
  const { events } = replay('b1-appserver-basic');
  assert.ok(of(events, 'text.end').some((event) => event.thinking && event.text === '**Thinking** about it'));
  assert.ok(of(events, 'text.end').some((event) => !event.thinking && event.text === 'Hello! I am the codex stub.'));
  assert.equal(of(events, 'usage')[0]!.usage, {
    costUsd: null,
    inputTokens: 800,
    outputTokens: 50,
    cacheReadTokens: 200,
    cacheWriteTokens: 0,
    contextTokens: 1050,
    contextWindow: 258400,
  });
});

test('b2: each approval becomes a card with its command or diff', () => {
  const { requests, events } = replay('b2-appserver-approvals');
  const cards = requests.map((entry) =>
    openRequest('r', string(entry.method), object(entry.params), () => entry.diffs as never)!.request
  );
  assert.equal(cards[1]!.title, 'touch made-by-codex.txt && echo done');
  assert.equal(cards[1]!.choices.map((choice) => choice.id), ['allow', 'rule:0', 'session', 'deny', 'cancel']);
  assert.is(cards[1]!.choices[1]!.label, 'Always allow touch made-by-codex.txt');
  const edit = cards.find((card) => card.tool === 'Edit')!;
  assert.equal(edit.diffs[0], {
    path: '/home/dev/project/hello.txt',
    kind: 'add',
    hunks: [{ oldStart: 0, oldLines: 0, newStart: 1, newLines: 2, lines: ['+line one', '+line two'] }],
  });
  const statuses = new Set(of(events, 'tool.end').map((event) => event.status));
  assert.equal([...statuses].sort(), ['denied', 'done']);
});

test('b3: an interrupted turn cancels its open tool and keeps its text', () => {
  const { events } = replay('b3-appserver-interrupt');
  assert.equal(of(events, 'turn.end').map((event) => event.outcome), [
    'interrupted',
    'interrupted',
    'interrupted',
    'done',
    'done',
  ]);
  assert.equal(of(events, 'tool.end').map((event) => event.status), ['cancelled', 'cancelled']);
  assert.match(of(events, 'text.end')[0]!.text, /^This is a long streamed answer/);
});

test('b5: retries pass, the last error is the end of the turn in a sentence', () => {
  const { events } = replay('b5-appserver-errors');
  const retries = of(events, 'notice').filter((notice) => notice.code === 'api_retry');
  assert.ok(retries.length > 5 && retries.every((notice) => notice.passing));
  const texts = of(events, 'turn.end').map((event) => event.text);
  assert.is(texts[0], '');
  assert.match(texts[2]!, /^Codex is not logged in\. Run `codex login`.*Incorrect API key/);
  assert.is(texts[3], 'bad request here');
  assert.match(texts[5]!, 'usage limit');
});

test('b6: questions keep their options and the free text', () => {
  const { requests } = replay('b6-appserver-userinput');
  const open = openRequest('r', string(requests[0]!.method), object(requests[0]!.params), () => [])!;
  assert.equal([open.request.request, open.request.questions[0]!.other], ['question', true]);
  assert.equal(open.answer({ decision: 'answer', clientId: 'c', answers: { q1: ['Blue'] } }), {
    answers: { q1: { answers: ['Blue'] } },
  });
  assert.equal(open.answer({ decision: 'deny', clientId: 'c' }), { answers: { q1: { answers: [] } } });
});

test('b7: a command left in the background stays open when its turn ends', () => {
  const { events, thread } = replay('b7-eof-bgterm');
  assert.is(of(events, 'turn.end')[0]!.outcome, 'done');
  assert.ok(thread.blocks.hasOpenTool);
  assert.is(of(events, 'tool.end').length, 0);
});

test('the shell around a command is taken off only when nothing is lost', () => {
  for (
    const [wrapped, plain] of [
      ['/bin/bash -lc ls', 'ls'],
      [`/bin/bash -lc 'echo hi; rm x'`, 'echo hi; rm x'],
      [`bash -lc 'echo '\\''a'\\'''`, `echo 'a'`],
      [`/usr/bin/zsh -c "a b"`, 'a b'],
      [`/bin/bash -lc "echo $(rm -rf /)"`, `/bin/bash -lc "echo $(rm -rf /)"`],
      [`/bin/bash -lc 'a' && rm -rf 'b'`, `/bin/bash -lc 'a' && rm -rf 'b'`],
      [`/bin/bash -lc ls; rm x`, `/bin/bash -lc ls; rm x`],
      ['git status', 'git status'],
    ]
  ) assert.is(plainCommand(wrapped!), plain);
});

test('diffs: update, delete, no newline at the end, too long', () => {
  const [update, removed, long] = fileDiffs([
    {
      path: 'a',
      kind: { type: 'update', move_path: null },
      diff: '@@ -1,2 +1,2 @@ f()\n-old\n+new\n\n\\ No newline at end of file\n@@ -9 +9 @@\n x\n',
    },
    { path: 'b', kind: { type: 'delete' }, diff: 'gone\n' },
    { path: 'c', kind: { type: 'add' }, diff: 'x\n'.repeat(3000) },
  ]);
  assert.equal(update!.hunks.map((hunk) => hunk.lines), [['-old', '+new', ' ', '\\ No newline at end of file'], [
    ' x',
  ]]);
  assert.equal(removed!.hunks[0], { oldStart: 1, oldLines: 1, newStart: 0, newLines: 0, lines: ['-gone'] });
  assert.equal([long!.hunks[0]!.lines.length, long!.truncated], [2000, true]);
});

test('hostile shapes give empty values, never an exception', () => {
  const events: ProviderEvent[] = [];
  const thread = new ThreadEvents({ emit: (event) => events.push(event), turn() {}, taken() {} });
  const methods = new Set(
    TRANSCRIPTS.flatMap((name) => lines(name)).map(({ line }) => line.method).filter((entry) =>
      typeof entry === 'string'
    ),
  );
  const values: unknown[] = [null, 1, 'x', [], {}, [null], { __proto__: null }];
  for (const method of methods) {
    for (const value of values) {
      for (
        const params of [{}, {
          item: value,
          turn: value,
          delta: value,
          plan: value,
          tokenUsage: value,
          error: value,
          itemId: value,
        }]
      ) {
        thread.notify(method as string, params as JsonObject);
        openRequest(
          'r',
          method as string,
          { questions: value, availableDecisions: value, permissions: value, ...params } as JsonObject,
          () => [],
        );
      }
    }
  }
  for (const type of ['userMessage', 'commandExecution', 'fileChange', 'mcpToolCall', 'reasoning', 'webSearch']) {
    for (const value of values) {
      thread.notify('item/completed', {
        item: { type, id: 'x', content: value, changes: value, command: value, summary: value, result: value },
      });
    }
  }
  thread.blocks.close();
});

test('errors and limits as sentences', () => {
  assert.match(errorSentence({ message: 'x', codexErrorInfo: 'unauthorized' }), 'codex login');
  assert.match(errorSentence({}), 'did not say');
  const now = 1_000_000_000;
  const limits = {
    primary: { usedPercent: 92, windowDurationMins: 300, resetsAt: now / 1000 + 3600 },
    secondary: { usedPercent: 80, windowDurationMins: 10080, resetsAt: null },
  };
  assert.equal(rateLimitNotice(limits, now), {
    level: 'warning',
    text: 'Codex 5-hour limit: 92 % used, resets in 60 min; 7-day limit: 80 % used',
    limit: { isReached: false, resetsAt: null },
  });
  const full = { primary: { usedPercent: 100, windowDurationMins: 300, resetsAt: now / 1000 + 3600 } };
  assert.equal(rateLimitNotice(full, now)!.limit, { isReached: true, resetsAt: now + 3_600_000 });
  assert.is(rateLimitNotice({ primary: { usedPercent: 43 } }, now), null);
});

test.run();

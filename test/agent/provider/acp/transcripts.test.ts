/** What five real agents said, read again: nothing is lost, everything that begins ends, and each request can be answered. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { approvalOf } from '../../../../core/api/approval.ts';
import type { RequestMessage } from '../../../../core/api/messages.ts';
import type { ProviderEvent } from '../../../../agent/provider/provider.ts';
import { capabilitiesOf, modeId, modeOf, readSessionOptions } from '../../../../agent/provider/acp/modes.ts';
import { AcpReader } from '../../../../agent/provider/acp/reader.ts';
import { readForm } from '../../../../agent/provider/acp/forms.ts';
import { type OpenRequest, readPermission } from '../../../../agent/provider/acp/requests.ts';
import { type JsonObject, object, string } from '../../../../agent/provider/untyped-json.ts';

const VECTORS = fileURLToPath(new URL('../../../vectors/acp', import.meta.url));

interface Line {
  dir: 'in' | 'out' | 'stderr' | 'meta';
  line: JsonObject;
}

const linesOf = (name: string): Line[] =>
  readFileSync(join(VECTORS, name), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Line);

function replay(lines: Line[]) {
  const events: ProviderEvent[] = [];
  const requests: { params: JsonObject; open: OpenRequest }[] = [];
  const seen = { options: [] as JsonObject[], commands: [] as unknown[] };
  const reader = new AcpReader({
    emit: (event) => events.push(event),
    options: (update) => seen.options.push(update),
    commands: (commands) => seen.commands.push(commands),
  }, 's');
  const prompts = new Set<unknown>();
  for (const { dir, line } of lines) {
    if (dir === 'in' && line.method === 'session/prompt') prompts.add(line.id);
    if (dir === 'in' && line.method === 'session/load') reader.isReplaying = true;
    if (dir === 'in' && line.method === 'session/prompt') reader.isReplaying = false;
    if (dir !== 'out') continue;
    const params = object(line.params);
    if (line.method === 'session/update') reader.read(object(params.update));
    if (line.method === 'session/request_permission') {
      const open = readPermission(String(line.id), params, reader.call(object(params.toolCall)));
      assert.ok(open, JSON.stringify(params).slice(0, 300));
      requests.push({ params, open: open! });
    }
    if (line.method === 'elicitation/create') requests.push({ params, open: readForm(String(line.id), params)! });
    if ((line.result || line.error) && prompts.has(line.id)) reader.endTurn();
  }
  reader.endTurn(); // the process ended, in some of them in mid-turn
  return { events, requests, seen };
}

for (const name of readdirSync(VECTORS).filter((file) => file.endsWith('.jsonl'))) {
  test(`${name}: what begins ends, texts are whole, and every option can be chosen by its own name`, () => {
    const lines = linesOf(name);
    const { events, requests } = replay(lines);
    const openTexts = new Map<string, string>();
    const openTools = new Set<string>();
    for (const event of events) {
      if (event.type === 'text.start') openTexts.set(event.id, '');
      if (event.type === 'text.delta') openTexts.set(event.id, openTexts.get(event.id)! + event.text);
      if (event.type === 'text.end') {
        assert.is(event.text, openTexts.get(event.id));
        openTexts.delete(event.id);
      }
      if (event.type === 'tool.start') openTools.add(event.id);
      if (event.type === 'tool.end') assert.ok(openTools.delete(event.id), event.id);
    }
    assert.equal([...openTexts.keys()], [], 'every text ended');
    const said = events.flatMap((event) => event.type === 'text.end' && !event.thinking ? [event.text] : []).join('');
    let isReplaying = false;
    const expected = lines.map(({ dir, line }) => {
      if (dir === 'in' && line.method === 'session/load') isReplaying = true;
      if (dir === 'in' && line.method === 'session/prompt') isReplaying = false;
      const update = object(object(line.params).update);
      const isText = dir === 'out' && update.sessionUpdate === 'agent_message_chunk' && !isReplaying;
      return isText ? string(object(update.content).text) : '';
    }).join('');
    assert.is(said, expected);
    for (const { params, open } of requests) {
      if (open.request.request !== 'permission') continue;
      const options = params.options as { optionId: string; name: string }[];
      assert.equal(open.request.choices.map(({ label }) => label), options.map((option) => option.name));
      assert.is(new Set(open.request.choices.map(({ id }) => id)).size, options.length);
      for (const [i, choice] of open.request.choices.entries()) {
        const answer = object(object(open.answer({ decision: choice.id, clientId: 'x' })).outcome);
        assert.equal(answer, { outcome: 'selected', optionId: options[i]!.optionId });
      }
      assert.equal(open.answer({ decision: 'made-up', clientId: 'x' }), { outcome: { outcome: 'cancelled' } });
      const shown = JSON.stringify([open.request.input, open.request.title, open.request.diffs]);
      const call = object(params.toolCall);
      const command = string(object(call.rawInput).command) || (call.kind === 'execute' ? string(call.title) : '');
      assert.ok(shown.includes(JSON.stringify(command).slice(1, -1)), `${command} is not in ${shown}`);
    }
  });
}

const session = (name: string) => {
  const answer = linesOf(name).find(({ dir, line }) => dir === 'out' && object(line.result).sessionId !== undefined);
  return readSessionOptions(object(answer!.line.result));
};

for (
  const [name, mode, expected] of [
    ['acp-gemini.jsonl', 'default', 'default'],
    ['acp-gemini.jsonl', 'acceptEdits', 'autoEdit'],
    ['acp-gemini.jsonl', 'bypassPermissions', 'yolo'],
    ['acp-qwen.jsonl', 'default', 'default'],
    ['acp-qwen.jsonl', 'auto', 'auto'],
    ['acp-kimi.jsonl', 'plan', 'plan'],
    ['acp-copilot.jsonl', 'default', 'https://agentclientprotocol.com/protocol/session-modes#agent'],
    ['acp-copilot.jsonl', 'bypassPermissions', 'https://agentclientprotocol.com/protocol/session-modes#autopilot'],
    ['acp-opencode-default.jsonl', 'default', 'build'],
    ['acp-opencode-default.jsonl', 'acceptEdits', null],
  ] as const
) {
  test(`${name}: the mode ${mode} is ${expected}`, () => assert.is(modeId(session(name), mode), expected));
}

test('modes that nobody knows have no counterpart, and what acts unasked is never taken for asking', () => {
  for (const id of ['autopilot', 'yolo', 'agent-full-access', 'auto', 'autoEdit', 'accept-edits']) {
    assert.not.equal(modeOf(id), 'default', id);
  }
  assert.is(modeOf('something-new'), null);
});

test('capabilities: models, modes and efforts of the agent itself', () => {
  const { models, modes } = capabilitiesOf(session('acp-kimi.jsonl'), []);
  assert.equal(models.map(({ label }) => label), ['stub-model']);
  assert.ok(models[0]!.efforts.includes('on'));
  assert.equal([...modes].sort(), ['auto', 'bypassPermissions', 'default', 'plan']);
});

test('a change that is told only as a diff stands for the input, and must be seen whole before it is allowed', () => {
  const { requests } = replay(linesOf('acp-gemini.jsonl'));
  const edits = requests.map(({ open }) => open.request).filter(({ diffs }) => diffs.length > 0);
  assert.ok(edits.length >= 2);
  for (const request of edits) {
    const approval = approvalOf({ ...MESSAGE, ...request });
    assert.is(approval.isWhole, true);
    assert.equal(approval.diffs, request.diffs);
    const truncated = request.diffs.map((diff) => ({ ...diff, truncated: true }));
    assert.is(approvalOf({ ...MESSAGE, ...request, diffs: truncated }).isWhole, false);
  }
});

const MESSAGE: RequestMessage = {
  kind: 'request',
  id: 'r',
  seq: 1,
  at: 0,
  status: 'pending',
  decision: null,
  toolId: null,
  request: 'permission',
  tool: '',
  title: '',
  description: '',
  input: {},
  diffs: [],
  choices: [],
  questions: [],
  plan: '',
};

test('a permission without options cannot be answered', () => {
  const call = new AcpReader({ emit() {}, options() {}, commands() {} }, 's').call({ toolCallId: 'c1' });
  assert.is(readPermission('1', {}, call), null);
  assert.is(readPermission('1', { options: [{ name: 'no id' }] }, call), null);
});

test('a form: each field in its own type; skipped, it is declined', () => {
  const properties = {
    color: { type: 'string', title: 'Which?', oneOf: [{ const: 'Blue', title: 'Blue', description: 'sky' }] },
    many: { type: 'array', items: { enum: ['a', 'b'] } },
    sure: { type: 'boolean' },
    count: { type: 'integer' },
    word: { type: 'string', format: 'password' },
  };
  const { request, answer } = readForm('1', {
    mode: 'form',
    message: 'Tell',
    requestedSchema: { type: 'object', properties },
  })!;
  assert.equal(request.questions.map(({ id, multiSelect, other, secret }) => [id, multiSelect, other, secret]), [
    ['color', false, false, false],
    ['many', true, false, false],
    ['sure', false, false, false],
    ['count', false, true, false],
    ['word', false, true, true],
  ]);
  const answers = { color: ['Blue'], many: ['a', 'b'], sure: ['true'], count: ['3'] };
  assert.equal(answer({ decision: 'answer', clientId: 'x', answers }), {
    action: 'accept',
    content: { color: 'Blue', many: ['a', 'b'], sure: true, count: 3 },
  });
  assert.equal(answer({ decision: 'deny', clientId: 'x' }), { action: 'decline' });
  assert.is(readForm('1', { mode: 'url', requestedSchema: { properties } }), null);
});

test.run();

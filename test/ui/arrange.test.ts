import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message } from '../../core/wire/types.ts';
import { Arranger, CHUNK } from '../../ui/chat/arrange.ts';
import { conversation, messages, permission, text, user } from '../support/ui-data.ts';

const ids = (list: readonly Message[]) =>
  new Arranger().arrange(list).chunks.flatMap(({ rows }) => rows.map((r) => r.message.id));
const notice = (code: string, passing: boolean) =>
  ({ kind: 'notice', level: 'info', code, text: code, passing }) as const;

test("a subagent's messages are below the tool that runs it", () => {
  const rows = new Arranger().arrange(conversation()).chunks.flatMap((chunk) => chunk.rows);
  const task = rows.find(({ message }) => message.kind === 'tool' && message.tool === 'Task')!;
  assert.is(task.children.length, 1);
  assert.not.ok(rows.some(({ message }) => message.parent));
});

test('a child whose tool is not loaded is shown by itself', () => {
  const [child] = messages([text('orphan')]);
  assert.equal(ids([{ ...child!, parent: 'gone' }]), ['m1']);
});

test('pending requests come last, decided ones stay in place', () => {
  const list = messages([permission(), text('later'), permission({ status: 'expired' })]);
  const { pending } = new Arranger().arrange(list);
  assert.equal(pending.map(({ id }) => id), ['m1']);
  assert.equal(ids(list), ['m2', 'm3']);
});

test('a tool that waits for a decision says so until it is decided', () => {
  const asks = (list: Message[]) =>
    new Arranger().arrange(list).chunks.flatMap(({ rows }) => rows).map((row) => row.asks);
  const tool = {
    kind: 'tool',
    tool: 'Bash',
    title: 'ls',
    input: {},
    inputText: '',
    output: '',
    status: 'running',
  } as const;
  const pending = messages([tool, permission({ toolId: 'm1' })]);
  assert.equal(asks(pending), [true]);
  assert.equal(asks(messages([tool, permission({ toolId: 'm1', status: 'answered' })])), [false, false]);
});

test('a queued message is shown in the queue, not in the conversation', () => {
  assert.equal(ids(messages([{ ...user('later'), status: 'queued' } as ReturnType<typeof user>, user('now')])), ['m2']);
});

test('only the newest to-do list is shown', () => {
  const todos = { kind: 'todos', todos: [] } as const;
  assert.equal(ids(messages([{ ...todos, todos: [] }, user('x'), { ...todos, todos: [] }])), ['m2', 'm3']);
});

test('a passing notice is gone when something came after it', () => {
  assert.equal(ids(messages([notice('api_retry', true), notice('api_retry', true)])), ['m2']);
  assert.equal(ids(messages([notice('api_retry', true), text('x')])), ['m2']);
  assert.equal(ids(messages([notice('exit', false), text('x')])), ['m1', 'm2']);
});

test('a change touches only its own chunk; older pages in front move no cut', () => {
  const list = messages(Array.from({ length: 400 }, (_, i) => text(String(i))), 101);
  const arranger = new Arranger();
  const before = arranger.arrange(list);
  const changed = list.map((m) => (m.id === 'm450' ? { ...m, text: 'changed' } as Message : m));
  const after = arranger.arrange(changed);
  assert.is(after.chunks.filter((chunk) => !before.chunks.includes(chunk)).length, 1);
  const older = [...messages([text('old')], 100), ...changed];
  const wider = arranger.arrange(older);
  assert.ok(wider.chunks.filter((chunk) => !after.chunks.includes(chunk)).length <= 1);
  assert.ok(after.chunks.every(({ rows }) => rows.length <= CHUNK));
});

test('10,000 messages are arranged again in a few milliseconds', () => {
  const list = messages(Array.from({ length: 10_000 }, (_, i) => text(String(i))));
  const arranger = new Arranger();
  arranger.arrange(list);
  const started = performance.now();
  for (let i = 0; i < 10; i++) arranger.arrange([...list.slice(0, -1), { ...list.at(-1)!, text: `${i}` } as Message]);
  assert.ok((performance.now() - started) / 10 < 100);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Message, RequestMessage, ToolMessage } from '../../../core/api/messages.ts';
import { CHUNK, isRun, lastEntries, MessageGrouper } from '../../../ui/chat/group-messages.ts';
import { conversation, messages, permission, text, user } from '../../support/fakes/ui-data.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';

const entriesOf = (list: readonly Message[], isFirst = true) =>
  new MessageGrouper().group(list, undefined, isFirst).chunks.flatMap(({ entries }) => entries);
const rowsOf = (list: readonly Message[], isFirst = true) =>
  entriesOf(list, isFirst).flatMap((entry) => isRun(entry) ? entry.rows : [entry]);
const ids = (list: readonly Message[]) => rowsOf(list).map((row) => row.message.id);
const tool = (name: string, status: ToolMessage['status'] = 'done') =>
  ({ kind: 'tool', tool: name, title: name, input: {}, inputText: '', output: '', status }) as const;
const notice = (code: string, passing: boolean) =>
  ({ kind: 'notice', level: 'info', code, text: code, passing }) as const;

test("a subagent's messages are below the tool that runs it", () => {
  const rows = rowsOf(conversation());
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
  const { pending } = new MessageGrouper().group(list);
  assert.equal(pending.map(({ id }) => id), ['m1']);
  assert.equal(ids(list), ['m2', 'm3']);
});

test('a tool that waits for a decision says so until it is decided', () => {
  const asks = (list: Message[]) => rowsOf(list).map((row) => row.asks);
  const bash = tool('Bash', 'running');
  assert.equal(asks(messages([bash, permission({ toolId: 'm1' })])), [true]);
  const decided = messages([bash, permission({ toolId: 'm1', status: 'answered' })]);
  assert.equal(asks(decided), [false]);
  assert.is(rowsOf(decided)[0]!.request?.id, 'm2');
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
  const grouper = new MessageGrouper();
  const before = grouper.group(list);
  const changed = list.map((m) => (m.id === 'm450' ? { ...m, text: 'changed' } as Message : m));
  const after = grouper.group(changed);
  assert.is(after.chunks.filter((chunk) => !before.chunks.includes(chunk)).length, 1);
  const older = [...messages([text('old')], 100), ...changed];
  const wider = grouper.group(older);
  assert.ok(wider.chunks.filter((chunk) => !after.chunks.includes(chunk)).length <= 1);
  assert.ok(after.chunks.every(({ entries }) => entries.length <= CHUNK));
});

test('a decision is in the row of its tool; a question and a plan are a row instead of their tool', () => {
  const asked = (part: Partial<RequestMessage>) => permission({ status: 'answered', ...part });
  assert.equal(ids(messages([tool('Bash'), asked({ toolId: 'm1' })])), ['m1']);
  assert.equal(ids(messages([tool('AskUserQuestion'), asked({ toolId: 'm1', request: 'question' })])), ['m2']);
  assert.equal(ids(messages([tool('ExitPlanMode'), asked({ toolId: 'm1', request: 'plan' })])), ['m2']);
  // Its tool is not loaded: the decision stands by itself.
  assert.equal(ids(messages([asked({ toolId: 'm0' })])), ['m1']);
});

test('three tools in a row are one entry, with what was thought between them; two are not', () => {
  const thought = { kind: 'thinking', text: 'x', done: true } as const;
  const shape = (list: Message[]) => entriesOf(list).map((entry) => isRun(entry) ? entry.rows.length : 'row');
  assert.equal(shape(messages([tool('Read'), tool('Bash')])), ['row', 'row']);
  assert.equal(shape(messages([tool('Read'), tool('Bash'), tool('Grep')])), [3]);
  assert.equal(shape(messages([thought, tool('Read'), thought, tool('Bash'), tool('Grep'), thought])), [
    'row',
    4,
    'row',
  ]);
  assert.equal(shape(messages([tool('Read'), tool('Bash'), text('x'), tool('Grep')])), ['row', 'row', 'row', 'row']);
});

test('a to-do list is not a tool as well, unless it failed', () => {
  const todos = { kind: 'todos', todos: [] } as const;
  assert.equal(ids(messages([tool('TodoWrite'), { ...todos, todos: [] }])), ['m2']);
  assert.equal(ids(messages([tool('TodoWrite', 'error')])), ['m1']);
});

const turn = (costUsd: number | null, durationMs = 60_000) =>
  ({ kind: 'turn', outcome: 'done', text: '', durationMs, costUsd, inputTokens: 1, outputTokens: 1 }) as const;
const turns = (list: Message[], isFirst = true) =>
  rowsOf(list, isFirst).filter(({ message }) => message.kind === 'turn').map((row) => row.turn!);

test("a turn's cost is what it added; of the first that is loaded it is known only at the beginning", () => {
  const list = messages([turn(0.25), turn(0.75), turn(0.75), turn(null), turn(1)]);
  assert.equal(turns(list).map(({ costUsd }) => costUsd), [0.25, 0.5, 0, null, null]);
  assert.is(turns(list, false)[0]!.costUsd, null);
});

test('the time of a turn is without the time that it waited for a person', () => {
  const asked = (from: number, to: number) => ({
    ...permission({ status: 'answered', decision: { decision: 'allow', clientId: 'x', by: '', at: to } }),
    at: from,
  });
  const worked = (...requests: [number, number][]) =>
    turns(messages([...requests.map(([from, to]) => asked(from, to)), turn(0)]))[0]!.workedMs;
  assert.is(worked([10_000, 30_000]), 40_000);
  assert.is(worked([10_000, 30_000], [20_000, 35_000]), 35_000, 'two at the same time are one wait');
  assert.is(worked([10_000, 90_000]), 60_000, 'the CLI had left it out already');
});

test('the last entries are those of the end, in chunks with the keys of the whole; a chunk that is whole is the same object', () => {
  const { chunks } = new MessageGrouper().group(messages(Array.from({ length: 3 * CHUNK }, (_, i) => text(`${i}`))));
  const all = chunks.flatMap(({ entries }) => entries);
  for (const count of [0, 1, CHUNK - 1, CHUNK, CHUNK + 5, 2 * CHUNK, 5 * CHUNK]) {
    const last = lastEntries(chunks, count);
    assert.equal(last.flatMap(({ entries }) => entries), count ? all.slice(-count) : []);
    assert.equal(last.map(({ key }) => key), chunks.slice(chunks.length - last.length).map(({ key }) => key));
    assert.ok(last.slice(1).every((chunk) => chunks.includes(chunk)));
  }
  assert.equal(lastEntries([], 5), []);
});

test('10,000 messages are grouped again in a few milliseconds', () => {
  const list = messages(Array.from({ length: 10_000 }, (_, i) => text(String(i))));
  const grouper = new MessageGrouper();
  grouper.group(list);
  const started = cpuMs();
  for (let i = 0; i < 10; i++) grouper.group([...list.slice(0, -1), { ...list.at(-1)!, text: `${i}` } as Message]);
  assert.ok((cpuMs() - started) / 10 < 100);
});

test.run();

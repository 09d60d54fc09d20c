import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type AgentRecord, newRecord, parseRecord } from '../../../agent/session/record.ts';
import { markedInfo } from '../../../agent/session/run-record.ts';
import { type Json, mutations } from '../../support/fakes/mutations.ts';

const ID = '11111111-2222-4333-8444-555555555555';

/** A record in which every field that may be left out is there. */
function wholeRecord(): AgentRecord {
  const worktree = { path: '/p/w', branch: 'agent-1', base: 'main', commonDir: '/p/.git' };
  const body = {
    directory: '/p',
    prompt: 'Build it',
    clientId: ID,
    taskId: 't',
    flags: { model: 'opus', addDirs: ['/a'] },
  };
  const record = newRecord(ID, body, { directory: '/p', cwd: '/p/w', worktree, notice: '' }, { demo: false, now: 1 });
  const identity = { pid: 7, startTime: '9', bootId: 'b', mark: 'm' };
  const usage = { ...record.info.usage, costUsd: 0.5, contextTokens: 10, contextWindow: 100 };
  const cli = { running: true, pid: 7, version: '2.1', seenAt: 5 };
  const limit = { at: 4, resetsAt: 9, isStuck: true };
  const info = { ...record.info, usage, cli, sessionId: 's', background: true, pending: ['r'], limit, goOn: true };
  const run: AgentRecord['run'] = {
    holder: ID,
    offset: 12,
    state: {},
    stateVersion: 2,
    info: markedInfo({ ...info, queue: [{ id: 'q', text: 'next', at: 3 }] }),
    streams: [{ id: 'm', text: 1, inputText: 2, output: 3 }],
  };
  return {
    ...record,
    goneOn: { outputTokens: 3 },
    process: identity,
    run,
    info: { ...info, queue: [{ id: 'q', text: 'next', at: 3 }] },
  };
}

/** The first place where `value` is of another type than `whole`; '' when there is none. */
function misfit(whole: unknown, value: unknown, path = ''): string {
  if (value === null || value === undefined) return NULLABLE.has(path) ? '' : path;
  if (typeof whole !== typeof value || Array.isArray(whole) !== Array.isArray(value)) return path;
  if (typeof whole !== 'object' || whole === null) return '';
  if (Array.isArray(whole)) {
    return (value as unknown[]).map((entry) => misfit(whole[0], entry, `${path}[]`)).find(Boolean) ?? '';
  }
  for (const [key, part] of Object.entries(whole)) {
    const found = misfit(part, (value as Record<string, unknown>)[key], `${path}.${key}`);
    if (found) return found;
  }
  return '';
}

const NULLABLE = new Set([
  '.clientId',
  '.goneOn',
  '.info.limit',
  '.info.limit.resetsAt',
  '.info.limit.isStuck',
  '.info.goOn',
  '.process',
  '.run',
  '.run.state',
  '.run.info.usage.costUsd',
  '.run.info.usage.contextTokens',
  '.run.info.usage.contextWindow',
  '.info.worktree',
  '.info.worktree.commonDir',
  '.info.sessionId',
  '.info.taskId',
  '.info.background',
  '.info.usage.costUsd',
  '.info.usage.contextTokens',
  '.info.usage.contextWindow',
  '.info.cli.pid',
  '.info.cli.seenAt',
  '.info.flags.model',
  '.info.flags.addDirs',
]);

test('a record is read as it was written', () => {
  const record = wholeRecord();
  assert.equal(parseRecord(JSON.parse(JSON.stringify(record))), record);
});

test('a record with a wrong value at any place is refused with a sentence, or read as a whole one', () => {
  const whole = wholeRecord();
  let refusals = 0;
  for (const { path, value } of mutations(whole as unknown as Json)) {
    let record: AgentRecord;
    try {
      record = parseRecord(value);
    } catch (error) {
      assert.match((error as Error).message, /^"[\w.[\]]+" (must be|is missing)/, path);
      refusals++;
      continue;
    }
    assert.is(misfit(whole, record), '', path);
  }
  assert.ok(refusals > 300, `${refusals} refusals`);
});

test('what is wrong is named with its place; an unknown version is not guessed at', () => {
  const record = wholeRecord();
  const refused = (value: unknown, pattern: RegExp) => assert.throws(() => parseRecord(value), pattern);
  refused({ ...record, info: { ...record.info, cli: null } }, /"cli" is missing/);
  refused(
    { ...record, info: { ...record.info, cli: { running: 'yes' } } },
    /"info\.cli\.running" must be true or false/,
  );
  refused({ ...record, info: { ...record.info, queue: [{}] } }, /"id" is missing/);
  refused({ ...record, version: 2 }, /"version" must be 1, not 2/);
});

test('a name from a long prompt ends behind a word', () => {
  const worktree = { path: '/p/w', branch: 'b', base: 'main' };
  const place = { directory: '/p', cwd: '/p/w', worktree, notice: '' };
  const nameOf = (prompt: string) =>
    newRecord(ID, { directory: '/p', prompt, clientId: 'c' }, place, { demo: false, now: 1 }).info.name;
  assert.is(
    nameOf('Make sure that all of the generated files are present'),
    'Make sure that all of the generated files are present',
  );
  assert.is(
    nameOf('Make sure that all of the generated files are really present in there'),
    'Make sure that all of the generated files are really…',
  );
  assert.is(nameOf(`Look at ${'x'.repeat(80)}`), `Look at ${'x'.repeat(51)}…`, 'the only space is far off');
  assert.is(nameOf('修'.repeat(70)), `${'修'.repeat(59)}…`);
});

test.run();

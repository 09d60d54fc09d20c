/** Who has a session, and who works in a directory: taken once, given up with what they were for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import { DirectoryUses } from '../../../agent/session/directory-uses.ts';
import { createDiskSessions } from '../../../agent/session/history.ts';
import type { AgentRecord } from '../../../agent/session/record.ts';
import { SessionHold } from '../../../agent/session/session-hold.ts';
import { SessionLocks } from '../../../agent/session/session-locks.ts';

const codeOf = (action: () => unknown): string => {
  try {
    action();
    return '';
  } catch (error) {
    return (error as Failure).code;
  }
};

const agentOn = (sessionId: string) =>
  ({ info: { id: 'a', name: 'A', provider: 'claude', sessionId, flags: {} } }) as unknown as AgentRecord;
const use = (directory: string, agentId: string | null = null) => ({ label: 'The terminal "x"', directory, agentId });

test('nobody enters a directory, or a part of it, while it is removed, nor the agent itself', () => {
  const uses = new DirectoryUses();
  const removal = uses.remove('a', '/r/tree');
  for (const directory of ['/r/tree', '/r/tree/sub', '/r/tree/']) {
    assert.is(codeOf(() => uses.enter(use(directory))), 'folder_gone', directory);
  }
  assert.is(codeOf(() => uses.enter(use('/elsewhere', 'a'))), 'not_found');
  uses.enter(use('/r/tree2'))();
  uses.enter(use('/r'))();
  removal.end();
  uses.enter(use('/r/tree'));
  assert.is(codeOf(() => uses.remove('a', '/r/tree')), 'worktree_in_use');
  assert.is(codeOf(() => uses.remove('a', '/r')), 'worktree_in_use');
  uses.remove('a', null).end();
});

test('a session is held once; when the CLI has told another one, the former is free again', () => {
  const locks = new SessionLocks();
  const record = agentOn('s-1');
  const hold = new SessionHold({ locks, record: () => record, isOpenElsewhere: () => Promise.resolve(false) });
  assert.is(hold.take(), 's-1');
  assert.is(hold.take(), 's-1', 'again');
  assert.is(locks.holderOf('claude', 's-1')!.id, 'a');
  record.info.sessionId = 's-2';
  assert.is(hold.take(), 's-2');
  assert.equal([locks.holderOf('claude', 's-1'), locks.holderOf('claude', 's-2')?.id], [null, 'a']);
  record.info.sessionId = null;
  assert.is(hold.take(), null);
  assert.is(locks.holderOf('claude', 's-2'), null);
  hold.release();
});

test('a session that another one has is not taken, and what was held before stays held', () => {
  const locks = new SessionLocks();
  const record = agentOn('s-1');
  const hold = new SessionHold({ locks, record: () => record, isOpenElsewhere: () => Promise.resolve(false) });
  hold.take();
  const other = locks.acquire('claude', 's-2', { kind: 'terminal', id: 't', name: 'T' });
  record.info.sessionId = 's-2';
  assert.is(codeOf(() => hold.take()), 'session_in_use');
  assert.equal([locks.holderOf('claude', 's-1')?.id, locks.holderOf('claude', 's-2')?.id], ['a', 't']);
  other.release();
  assert.is(hold.take(), 's-2');
});

test('a provider without sessions on disk has none open, and none to read', async () => {
  const sessions = createDiskSessions([]);
  assert.is(await sessions.isOpen('acp', 's'), false);
  assert.equal([await sessions.read('acp', 's', 10), await sessions.history('acp', 's')], [null, []]);
});

test.run();

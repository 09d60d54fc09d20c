import { execFileSync } from 'node:child_process';
import { chownSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deskSessions, difference } from '../../../agent/handoff/desk-list.ts';
import { Desk } from '../../../agent/handoff/desk.ts';
import type { DirectoryEvents } from '../../../agent/handoff/watch-directory.ts';
import { claudeTerminalSessions } from '../../../agent/provider/claude/terminal-sessions.ts';
import { parseLive } from '../../../agent/provider/claude/live-sessions.ts';
import type { LiveSession } from '../../../agent/provider/terminal-sessions.ts';
import { MAX_DESK_SESSIONS } from '../../../core/api/handoff.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { type DeskFiles, deskFiles, sessionId } from '../../support/harness/desk-files.ts';

const opened: DeskFiles[] = [];
test.after(() => opened.forEach((files) => files.remove()));

function files(): DeskFiles {
  const created = deskFiles();
  opened.push(created);
  return created;
}

function desk(from: DeskFiles, environment: (pid: number) => Promise<string> = () => Promise.resolve('')) {
  const clock = fakeClock();
  const context = testContext({ dataDir: join(from.directory, 'data'), clock });
  const watched: DirectoryEvents[] = [];
  const source = claudeTerminalSessions(from.directory);
  const list = new Desk({
    ...{ context, provider: 'claude', source, environment },
    watch(_path, events) {
      watched.push(events);
      return () => {};
    },
  });
  return { list, context, clock, watched };
}

const ids = async (from: DeskFiles) => (await desk(from).list.refresh()).map(({ id }) => id);

test('a session in a terminal is listed with its name, folder and what it waits for', async () => {
  const from = files();
  from.live({ status: 'waiting', waitingFor: 'permission prompt' });
  const [session, ...rest] = await desk(from).list.refresh();
  assert.is(rest.length, 0);
  assert.equal(session, {
    id: sessionId(1),
    provider: 'claude',
    pid: process.pid,
    isHere: false,
    attach: null,
    name: 'project-09',
    directory: '/home/dev/project',
    startedAt: 1_795_886_376_091,
    status: 'waiting',
    waitingFor: 'permission prompt',
    statusAt: 1_795_886_376_163,
    version: '2.1.330',
    others: 0,
  });
});

test('a number that belongs to another process by now, or that nothing tells apart, is never taken', async () => {
  const from = files();
  from.live({ procStart: '1' });
  assert.equal(await ids(from), []);
  from.live({ procStart: undefined });
  assert.equal(await ids(from), []);
  from.live({}, 2 ** 30); // no such process
  from.gone();
  assert.equal(await ids(from), []);
});

test('what a program runs is left out; a background session is listed with the command that opens it', async () => {
  const from = files();
  from.live({ entrypoint: 'sdk-cli' });
  assert.equal(await ids(from), []);
  from.live({ kind: 'bg' });
  assert.equal((await desk(from).list.refresh()).map(({ attach }) => attach), ['claude attach 00000000']);
});

test('a session in a terminal of this server says so', async () => {
  const from = files();
  from.live();
  const mark = `\0AGENT_MONITOR_DATA=${join(from.directory, 'data')}\0`;
  const { list } = desk(from, () => Promise.resolve(mark));
  assert.is((await list.refresh())[0]!.isHere, true);
});

test('links, pipes, files of others, long files and what is no JSON are passed over', async () => {
  const from = files();
  const path = join(from.directory, 'sessions', `${process.pid}.json`);
  from.live();
  renameSync(path, join(from.directory, 'elsewhere.json'));
  symlinkSync(join(from.directory, 'elsewhere.json'), path);
  assert.equal(await ids(from), [], 'a link');
  from.gone();
  execFileSync('mkfifo', [path]);
  assert.equal(await ids(from), [], 'a pipe');
  from.gone();
  for (const text of ['{"pid":', '[]', '"text"', '', `{"name":"${'x'.repeat(70_000)}"}`]) {
    writeFileSync(path, text);
    assert.equal(await ids(from), [], text.slice(0, 20));
  }
  from.gone();
  from.live({ sessionId: '../../etc/passwd' });
  assert.equal(await ids(from), [], 'an id that is none');
});

if (process.getuid?.() === 0) {
  test('a file that another user wrote is not taken', async () => {
    const from = files();
    from.live();
    chownSync(join(from.directory, 'sessions', `${process.pid}.json`), 1, 1);
    assert.equal(await ids(from), []);
  });
}

test('fields that are not what they should be are as if they were not there', () => {
  const session = parseLive({
    ...{ sessionId: sessionId(1), cwd: 'relative/../path', startedAt: -5, statusUpdatedAt: 'now', name: 7 },
    ...{ version: 'x'.repeat(9000), entrypoint: 'cli', status: null, kind: [] },
  }, 7)!;
  assert.equal([session.directory, session.startedAt, session.statusAt, session.name], ['', 0, 0, '']);
  assert.is(session.version.length, 500);
  assert.is(session.attach, null);
});

const live = (n: number, more: Partial<LiveSession> = {}): LiveSession => ({
  ...{ pid: n, isOwn: true, id: sessionId(n), directory: '/p', name: '', version: '', attach: null, waitingFor: '' },
  ...{ startedBy: 'person', status: 'idle', startedAt: n, statusAt: n },
  process: { pid: n, startTime: '1', bootId: 'b', mark: '' },
  ...more,
});
const listed = (entries: LiveSession[]) => deskSessions('claude', entries, () => false);

test('two processes on one session are one entry that says so', () => {
  const [first, ...rest] = listed([live(1, { id: sessionId(9) }), live(2, { id: sessionId(9), statusAt: 50 })]);
  assert.equal([first!.pid, first!.others, rest.length], [2, 1, 0]);
});

test('the list is bounded, newest first; an unknown status is not idle', () => {
  const all = listed(Array.from({ length: MAX_DESK_SESSIONS + 5 }, (_, i) => live(i + 1)));
  assert.is(all.length, MAX_DESK_SESSIONS);
  assert.is(all[0]!.pid, MAX_DESK_SESSIONS + 5);
  assert.is(listed([live(1, { status: 'dreaming', waitingFor: 'x' })])[0]!.status, 'busy');
  assert.is(listed([live(1, { status: 'dreaming', waitingFor: 'x' })])[0]!.waitingFor, '');
});

test('the difference names what changed and what is gone', () => {
  const before = listed([live(1), live(2)]);
  const after = listed([live(2, { status: 'busy' }), live(3)]);
  const { changed, removed } = difference(before, after);
  assert.equal([changed.map(({ pid }) => pid), removed], [[3, 2], [sessionId(1)]]);
});

test('changes are published while somebody looks, by a look at the folder or at intervals', async () => {
  const from = files();
  const { list, context, clock, watched } = desk(from);
  const end = list.look();
  await list.refresh();
  from.live();
  watched[0]!.changed();
  clock.advance(50);
  await list.refresh();
  assert.equal(context.published.map(({ type }) => type), ['handoff']);
  from.gone();
  clock.advance(2000);
  await list.refresh();
  assert.equal(context.published.at(-1), { type: 'handoff.removed', id: sessionId(1) });
  end();
  assert.is(clock.pending, 0, 'nothing is looked at any more');
});

test('nothing runs before somebody looks, and after close', async () => {
  const from = files();
  from.live();
  const { list, clock, context } = desk(from);
  assert.is(clock.pending, 0);
  list.look();
  list.close();
  await list.refresh();
  assert.is(clock.pending, 0);
  assert.equal(context.published, []);
});

test('who looks after the close begins nothing', async () => {
  const { list, clock, watched } = desk(files());
  list.close();
  const end = list.look();
  assert.equal([clock.pending, watched.length], [0, 0]);
  end();
  list.look()();
  assert.equal([clock.pending, watched.length, (await list.refresh()).length], [0, 0, 0]);
});

test('find refuses what does not run in a terminal', async () => {
  const { list } = desk(files());
  await list.find(sessionId(1)).then(() => assert.unreachable(), (error) => assert.is(error.code, 'not_found'));
});

test.run();

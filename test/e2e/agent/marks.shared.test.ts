/** Pins, the archive, what was seen, and what was merged, as an agent keeps them. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Bench, startBench } from '../../support/harness/agent-server.ts';
import { commitAll, makeRepository, runGit, writeFiles } from '../../support/harness/git.ts';

let bench: Bench;
test.before(async () => {
  bench = await startBench();
});
test.after(() => bench.close());

const mark = (id: string, body: unknown) => bench.call('PUT', `/api/agents/${id}/marks`, body);

test('marks are kept one by one, told to every page, and outlive the server', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, ({ state }) => state === 'idle');
  const live = await bench.live();
  assert.is((await mark(id, { pinned: true })).status, 200);
  await live.wait((message) =>
    message.type === 'event' && message.change.type === 'agent.patch' && message.change.patch.pinned === true
  );
  await mark(id, { seenSeq: 1_000_000 });
  await mark(id, { archived: true });
  live.socket.close();
  await bench.server.close();
  await bench.restart();
  const info = await bench.info(id);
  assert.is(info.pinned, true);
  assert.is(info.seenSeq, info.lastSeq, 'nothing is seen that was not said');
  assert.ok(info.archivedAt! > 0);
  await mark(id, { pinned: false, archived: false, seenSeq: 0 });
  const after = await bench.info(id);
  assert.equal([after.pinned, after.archivedAt, after.seenSeq], [false, 0, 0]);
});

test('a message takes an agent out of the archive', async () => {
  const { id } = await bench.create('hello');
  await bench.until(id, ({ state }) => state === 'idle');
  await mark(id, { archived: true });
  await bench.call('POST', `/api/agents/${id}/message`, { text: 'again' });
  assert.is((await bench.info(id)).archivedAt, 0);
});

test('marks that are none are refused', async () => {
  const { id } = await bench.create();
  for (const body of [{ pinned: 'yes' }, { seenSeq: -1 }, { seenSeq: 1.5 }, { archived: 1 }, 'x']) {
    assert.is((await mark(id, body)).status, 400, JSON.stringify(body));
  }
  assert.is((await mark('nobody', { pinned: true })).status, 404);
});

test('an agent says what was merged of it; a merge of nothing says nothing', async () => {
  const repo = makeRepository(join(bench.directory, 'shop'), { 'a.txt': '1\n' });
  const { id, worktree } = await bench.create(undefined, { name: 'Count from one', directory: repo });
  assert.is(worktree!.branch, 'agent/count-from-one');
  await bench.call('POST', `/api/agents/${id}/changes/merge`, {});
  assert.is((await bench.info(id)).merged, undefined);
  writeFiles(worktree!.path, { 'a.txt': '2\n', 'b.txt': 'b\n' });
  commitAll(worktree!.path, 'Two');
  assert.is((await bench.call('POST', `/api/agents/${id}/changes/merge`, {})).status, 200);
  const { at, ...merged } = (await bench.info(id)).merged!;
  assert.equal(merged, { base: 'main', commits: 1, files: 2 });
  assert.ok(Math.abs(Date.now() - at) < 10_000);
  assert.is(runGit(repo, 'show', 'main:a.txt').trim(), '2');
});

test.run();

/** Forks and rewound files through the API, with worktrees and files on disk. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../../core/api/agents.ts';
import { type Bench, startBench } from '../../support/harness/agent-server.ts';
import { makeRepository, runGit, writeFiles } from '../../support/harness/git.ts';

let bench: Bench;
test.before(async () => {
  bench = await startBench();
});
test.after(() => bench.close());

const idle = ({ state }: AgentInfo) => state === 'idle';

async function say(id: string, text: string): Promise<string> {
  const { usage: { turns } } = await bench.info(id);
  const { body } = await bench.call('POST', `/api/agents/${id}/message`, { text });
  await bench.until(id, (info) => idle(info) && info.usage.turns > turns);
  return body.message.id;
}

test('a fork of an agent with a worktree works in a copy of it, and says so to its CLI', async () => {
  const directory = makeRepository(join(bench.directory, 'shop'));
  const { id, worktree } = await bench.create('long 3 1', { directory });
  await bench.until(id, (info) => idle(info) && info.usage.turns === 1);
  writeFiles(worktree!.path, { 'draft.txt': 'not committed\n' });
  const second = await say(id, 'long 4 1');
  const { status, body: copy } = await bench.call('POST', `/api/agents/${id}/fork`, { messageId: second });
  assert.is(status, 201, JSON.stringify(copy));
  const { path, base, branch } = copy.worktree;
  assert.is.not(path, worktree!.path);
  assert.is.not(branch, worktree!.branch);
  assert.is(base, worktree!.base);
  assert.is(readFileSync(join(path, 'draft.txt'), 'utf8'), 'not committed\n');
  assert.is(runGit(path, 'rev-parse', 'HEAD'), runGit(worktree!.path, 'rev-parse', 'HEAD'));
  const texts = (await bench.messages(copy.id)).flatMap((message) => 'text' in message ? message.text : []);
  assert.ok(texts.includes('long 3 1') && !texts.includes('long 4 1'));
  await say(copy.id, 'long 2 1');
  assert.ok(bench.lines.every((line) => !/error/i.test(line)), bench.lines.join('\n'));
  // Each is deleted by itself.
  assert.is((await bench.call('DELETE', `/api/agents/${copy.id}?discardWork=1`)).status, 200);
  assert.not.ok(existsSync(path));
  assert.ok(existsSync(join(worktree!.path, 'draft.txt')));
});

test('places that there are not', async () => {
  const { id } = await bench.create('long 3 1');
  await bench.until(id, (info) => idle(info) && info.usage.turns === 1);
  const [first] = await bench.messages(id);
  const fork = async (body: unknown) => {
    const { status, body: answer } = await bench.call('POST', `/api/agents/${id}/fork`, body);
    return `${status} ${answer.code}`;
  };
  assert.is(await fork({ messageId: first!.id }), '409 no_fork_point');
  assert.is(await fork({ messageId: 'nowhere' }), '404 not_found');
  assert.is(await fork({}), '400 bad_request');
  assert.is(await fork({ messageId: 7 }), '400 bad_request');
  assert.is((await bench.call('POST', '/api/agents/nobody/fork', { messageId: 'x' })).status, 404);
});

test('files are rewound after their list, once', async () => {
  const { id } = await bench.create('long 3 1');
  await bench.until(id, (info) => idle(info) && info.usage.turns === 1);
  const file = join(bench.project, 'rewound.txt');
  const message = await say(id, `write ${file}`);
  assert.ok(existsSync(file));
  const rewind = (body: unknown) => bench.call('POST', `/api/agents/${id}/messages/${message}/rewind`, body);
  const { body: list } = await rewind({});
  assert.equal(list.files, [{ path: 'rewound.txt', changedSince: false }]);
  assert.is((await rewind({ version: 'another' })).body.code, 'changed');
  assert.ok(existsSync(file));
  assert.is((await rewind({ version: list.version })).status, 200);
  assert.not.ok(existsSync(file));
  assert.is((await rewind({ version: list.version })).body.code, 'changed');
  const other = await bench.call('POST', `/api/agents/${id}/messages/nowhere/rewind`, {});
  assert.equal([other.status, other.body.code], [404, 'not_found']);
});

test.run();

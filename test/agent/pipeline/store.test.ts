import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TaskBoard } from '../../../agent/pipeline/board.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { testContext } from '../../support/fakes/test-context.ts';

async function withDirectory(run: (dataDir: string) => Promise<void>): Promise<void> {
  const { path, remove } = temporaryDirectory();
  try {
    await run(path);
  } finally {
    remove();
  }
}

const names = (board: TaskBoard) => board.tasks.map((task) => task.name);

test('a model goes into the flags; an empty one is taken out of them', () =>
  withDirectory(async (dataDir) => {
    const board = new TaskBoard(testContext({ dataDir }));
    const { id, flags } = await board.add({ name: 'a', prompt: 'p', model: 'sonnet', flags: { effort: 'low' } });
    assert.equal(flags, { effort: 'low', model: 'sonnet' });
    assert.equal((await board.edit(id, { model: 'opus' })).flags, { effort: 'low', model: 'opus' });
    assert.equal((await board.edit(id, { model: '' })).flags, { effort: 'low' });
    assert.equal((await board.edit(id, { name: 'b' })).flags, { effort: 'low' });
    assert.equal((await board.edit(id, { flags: {} })).flags, {});
    assert.equal(names(new TaskBoard(testContext({ dataDir }))), ['b']);
  }));

test('a task without an order behind the highest one can be read again', () =>
  withDirectory(async (dataDir) => {
    const board = new TaskBoard(testContext({ dataDir }));
    await board.add({ name: 'a', prompt: 'p', order: 1e6 });
    await board.add({ name: 'b', prompt: 'p' });
    assert.equal(names(new TaskBoard(testContext({ dataDir }))), ['a', 'b']);
  }));

test('one task that cannot be read is left out with a warning; the file is kept, nothing is begun without it', () =>
  withDirectory(async (dataDir) => {
    const board = new TaskBoard(testContext({ dataDir }));
    for (const name of ['a', 'b', 'c']) await board.add({ name, prompt: 'p' });
    await board.start();
    const path = join(dataDir, 'pipeline.json');
    const damaged = readFileSync(path, 'utf8').replace('"name": "b"', '"name": 7');
    writeFileSync(path, damaged);
    const context = testContext({ dataDir });
    const after = new TaskBoard(context);
    assert.equal(names(after), ['a', 'c']);
    assert.is(after.status.running, false);
    assert.match(context.warnings.get('pipeline')!, /task 2: "name" must be a text/);
    const retained = readdirSync(dataDir).find((name) => name.startsWith('pipeline.json.corrupt-'))!;
    assert.is(readFileSync(join(dataDir, retained), 'utf8'), damaged);
    assert.is(readFileSync(path, 'utf8'), damaged, 'until the next change');
  }));

test.run();

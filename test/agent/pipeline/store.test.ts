import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TaskBoard } from '../../../agent/pipeline/board.ts';
import { temporaryFolder } from '../../support/git.ts';
import { testHouse } from '../../support/house.ts';

async function withFolder(run: (dataDir: string) => Promise<void>): Promise<void> {
  const { path, remove } = temporaryFolder();
  try {
    await run(path);
  } finally {
    remove();
  }
}

const names = (board: TaskBoard) => board.tasks.map((task) => task.name);

test('a model that the CLI could not be given is refused, of a new task and of an edit', () =>
  withFolder(async (dataDir) => {
    const board = new TaskBoard(testHouse({ dataDir }));
    const { id } = await board.add({ name: 'a', prompt: 'p' });
    for (const model of ['-x', ' --y', 'a\0b', 7]) {
      const refused = (error: { status: number }) => assert.is(error.status, 400);
      await board.add({ name: 'b', prompt: 'p', model }).then(() => assert.unreachable(), refused);
      await board.edit(id, { model }).then(() => assert.unreachable(), refused);
    }
    assert.is((await board.edit(id, { model: 'opus' })).flags.model, 'opus');
    assert.is((await board.edit(id, { model: '' })).flags.model, undefined);
    assert.equal(names(new TaskBoard(testHouse({ dataDir }))), ['a']);
  }));

test('a task without an order behind the highest one can be read again', () =>
  withFolder(async (dataDir) => {
    const board = new TaskBoard(testHouse({ dataDir }));
    await board.add({ name: 'a', prompt: 'p', order: 1e6 });
    await board.add({ name: 'b', prompt: 'p' });
    assert.equal(names(new TaskBoard(testHouse({ dataDir }))), ['a', 'b']);
  }));

test('one task that cannot be read is left out with a warning; the file is kept, nothing is begun without it', () =>
  withFolder(async (dataDir) => {
    const board = new TaskBoard(testHouse({ dataDir }));
    for (const name of ['a', 'b', 'c']) await board.add({ name, prompt: 'p' });
    await board.start();
    const path = join(dataDir, 'pipeline.json');
    const damaged = readFileSync(path, 'utf8').replace('"name": "b"', '"name": 7');
    writeFileSync(path, damaged);
    const house = testHouse({ dataDir });
    const after = new TaskBoard(house);
    assert.equal(names(after), ['a', 'c']);
    assert.is(after.status.running, false);
    assert.match(house.warnings.get('pipeline')!, /task 2: "name" must be a text/);
    const kept = readdirSync(dataDir).find((name) => name.startsWith('pipeline.json.corrupt-'))!;
    assert.is(readFileSync(join(dataDir, kept), 'utf8'), damaged);
    assert.is(readFileSync(path, 'utf8'), damaged, 'until the next change');
  }));

test.run();

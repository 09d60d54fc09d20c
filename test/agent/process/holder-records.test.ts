/** Records of holders: written by one, read by the next server, and believed only where they agree with themselves. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ensureHolderDirectory,
  holderDirectory,
  type HolderRecord,
  readRecords,
  recordPath,
  sweepRemains,
  writeRecord,
} from '../../../agent/process/holder/records.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

const identity = (pid: number) => ({ pid, startTime: '5', bootId: 'b', mark: 'm' });
const RECORD: HolderRecord = {
  version: 1,
  id: 'one',
  directory: '/d',
  kind: 'cli',
  instance: 'i',
  pid: 7,
  process: identity(7),
  child: identity(8),
  meta: { agentId: 'a' },
};

test('a record is for its user alone, and read as it was written', () => {
  const { path, remove } = temporaryDirectory();
  const directory = holderDirectory(path);
  ensureHolderDirectory(directory);
  writeRecord(directory, RECORD);
  assert.equal(readRecords(directory), [RECORD]);
  const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
  assert.equal([mode(directory), mode(recordPath(directory, 'one'))], ['700', '600']);
  assert.equal(readdirSync(directory), ['one.json']);
  remove();
});

test('one that would name another process, or every one, is nobody\u2019s and is removed', () => {
  const { path, remove } = temporaryDirectory();
  const directory = holderDirectory(path);
  ensureHolderDirectory(directory);
  const bad: Record<string, unknown>[] = [
    { pid: 9 }, // not that of `process`
    { pid: 0, process: null }, // to kill(2) the whole group of who asks
    { pid: 1.5, process: null },
    { pid: -7, process: null },
    { child: identity(0) }, // the session of all that came in from outside
    { child: identity(2.5) },
    { version: 2 },
    { id: 'another' },
    { kind: 7 },
  ];
  for (const change of bad) {
    writeFileSync(recordPath(directory, 'one'), JSON.stringify({ ...RECORD, ...change }));
    assert.equal(readRecords(directory), [], JSON.stringify(change));
    assert.not(existsSync(recordPath(directory, 'one')));
  }
  remove();
});

test('sockets and half records of holders that are on no record are swept, those of one that starts are not', () => {
  const { path, remove } = temporaryDirectory();
  const directory = holderDirectory(path);
  assert.is(sweepRemains(directory, Date.now()), 0, 'no directory yet');
  ensureHolderDirectory(directory);
  writeRecord(directory, RECORD);
  const old = ['one.sock', 'one.json.tmp', 'gone.sock', 'gone.json.tmp', 'notes.txt', 'x y.sock'];
  for (const name of [...old, 'starting.sock', 'starting.json.tmp']) writeFileSync(join(directory, name), '');
  const before = Date.now() / 1000 - 3600;
  for (const name of old) utimesSync(join(directory, name), before, before);
  assert.is(sweepRemains(directory, Date.now()), 3);
  assert.equal(readdirSync(directory).sort(), [
    'notes.txt',
    'one.json',
    'one.sock',
    'starting.json.tmp',
    'starting.sock',
    'x y.sock',
  ]);
  remove();
});

test.run();

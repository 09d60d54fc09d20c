/** A group of processes is signalled by the number of its leader, unless that number is another's by now. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { isSameProcess, processIdentity, signalGroup } from '../../../agent/process/identity.ts';
import { sessionOf } from '../../../agent/process/session-end.ts';
import { until } from '../../support/harness/product.ts';

const isLinux = process.platform === 'linux';
const start = (script: string) => {
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore' });
  return { child, pid: child.pid!, identity: processIdentity(child.pid!) };
};

test('a group is reached with its leader, and after the end of its leader', async () => {
  const alive = start('sleep 100 & wait');
  await until('both run', () => !isLinux || sessionOf(alive.pid).length === 2);
  assert.ok(signalGroup(alive.pid, alive.identity, 'SIGKILL'));
  await once(alive.child, 'exit');
  await until('both have ended', () => sessionOf(alive.pid).length === 0);

  const left = start('sleep 100 &');
  await once(left.child, 'exit');
  if (isLinux) assert.is(sessionOf(left.pid).length, 1);
  assert.ok(signalGroup(left.pid, left.identity, 'SIGKILL'));
  await until('what it left has ended', () => sessionOf(left.pid).length === 0);
});

test('a group that has got the number is left alone', async () => {
  if (!isLinux) return; // Only there a process is known by more than its number.
  const other = start('sleep 100');
  const { identity } = other;
  const before = [{ ...identity!, startTime: `${Number(identity!.startTime) - 1}` }, {
    ...identity!,
    bootId: 'another',
  }];
  for (const old of before) assert.not(signalGroup(other.pid, old, 'SIGKILL'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(isSameProcess(identity!));
  assert.ok(signalGroup(other.pid, identity, 'SIGKILL'));
  await once(other.child, 'exit');
});

test.run();

/** A session of Codex that is stopped before its thread is there: the thread that comes all the same is let go. */
import process from 'node:process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { silentLog } from '../../../core/log.ts';
import { systemClock } from '../../../core/clock.ts';
import type { AppServer } from '../../../agent/provider/codex/server.ts';
import { CodexSession } from '../../../agent/provider/codex/session.ts';
import type { OpenOptions } from '../../../agent/provider/provider.ts';
import { record } from '../../support/fakes/provider-recorder.ts';

type OnResult = { onResult?: (result: object) => void };

function later<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => resolve = settle);
  return { promise, resolve };
}

function world() {
  const asked: string[] = [];
  const requested = later<() => void>();
  const server = {
    isRunning: true,
    opened: () => {},
    process: { pid: process.pid, identity: { pid: process.pid, startTime: '1', bootId: 'b', mark: '' } },
    request(method: string, _params: object, { onResult }: OnResult = {}) {
      asked.push(method);
      if (method !== 'thread/start') return Promise.resolve({});
      return new Promise((resolve) =>
        requested.resolve(() => {
          const result = { thread: { id: 't-1' } };
          onResult?.(result);
          resolve(result);
        })
      );
    },
  } as unknown as AppServer;
  const prepared = later<void>();
  const host = {
    clock: systemClock,
    log: silentLog,
    prepare: () => prepared.promise.then(() => ({ version: '1', capabilities: {} as never })),
    attach: () => asked.push('attached'),
    detach: () => {},
    released: () => Promise.resolve(),
    replace: () => Promise.resolve(),
    failure: (_thread: string, text: string) => ({ text, sessionLost: false }),
  };
  const options: OpenOptions = {
    ...{ agentId: 'a', cwd: '/work', resume: null, fork: false, flags: {}, model: '', mode: 'default', effort: '' },
  };
  const seen = record(5_000);
  const session = new CodexSession(server, host, options, seen.emit);
  return { session, seen, asked, prepare: prepared.resolve, opens: requested.promise };
}

test('stopped while the thread is being opened', async () => {
  const { session, seen, asked, prepare, opens } = world();
  prepare();
  const answer = await opens;
  const stopped = session.stop();
  answer();
  await stopped;
  assert.equal(seen.events.map(({ type }) => type), ['exit']);
  assert.equal(asked, ['thread/start', 'thread/unsubscribe']);
});

test('stopped before the thread was asked for: it is not', async () => {
  const { session, seen, asked, prepare } = world();
  const stopped = session.stop();
  prepare();
  await stopped;
  assert.equal([seen.events.map(({ type }) => type), asked], [['exit'], []]);
});

test('a thread that is there before the stop is let go by it', async () => {
  const { session, seen, asked, prepare, opens } = world();
  prepare();
  (await opens)();
  await seen.type('ready');
  await session.stop();
  assert.is(seen.of('exit').length, 1);
  assert.equal(asked, ['thread/start', 'attached', 'thread/backgroundTerminals/clean', 'thread/unsubscribe']);
});

test.run();
